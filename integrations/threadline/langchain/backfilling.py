"""Conversations that a LangGraph checkpointer kept, taken into a store as turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from threadline.client.defaults import default_client
from threadline.errors import StoreNotFoundError
from threadline.importing.adopting import adopt
from threadline.langchain.checkpoints import ThreadReading, newest_branch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from threadline.client.client import Client
    from threadline.importing.adoption import ImportReport
    from threadline.model import Conversation


class Checkpointer(Protocol):
    """What is needed of a checkpointer: langgraph's own all have it."""

    def list(self, config: Any, /) -> Iterable[Any]:
        """Return checkpoints, the newest first; those of one thread if `config` names it."""
        ...


def backfill(
    checkpointer: Checkpointer,
    *,
    thread_id: str | None = None,
    messages_key: str = "messages",
    ship: bool = False,
    client: Client | None = None,
    progress: Callable[[int], object] | None = None,
) -> ImportReport:
    """Take in what a checkpointer kept before anybody recorded: words, tools, times of steps.

    Each input of the graph began a turn. What was recorded as it happened, or taken in before, is
    not added again, so this may be called as often as one likes. Model calls leave no trace in a
    checkpointer: turns come without spans.

    Args:
        checkpointer: An `InMemorySaver`, a `SqliteSaver`, or any other that can list.
        thread_id: Only this thread; all by default.
        messages_key: The key of the graph's state under which its messages stand.
        ship: Whether destinations learn of it.
        client: The client to record by; the default one by default.
        progress: Called with how many conversations have been looked at since it was last called.

    Returns:
        What is new, and what was there already.

    Raises:
        StoreError: if the store cannot be written now.
    """
    client = client or default_client()
    threads = [thread_id] if thread_id is not None else _threads(checkpointer)
    told = (_told(checkpointer, one, messages_key, client) for one in threads)
    return adopt(
        (one for one in told if one is not None), ship=ship, client=client, progress=progress
    )


def _threads(checkpointer: Checkpointer) -> list[str]:
    """Return every thread, the one whose last step is the oldest first."""
    named = (str(one.config["configurable"]["thread_id"]) for one in checkpointer.list(None))
    return list(dict.fromkeys(named))[::-1]


def _told(
    checkpointer: Checkpointer, thread_id: str, messages_key: str, client: Client
) -> Conversation | None:
    """Return what a thread tells that the store does not hold yet."""
    config = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
    held = _held(client, thread_id)
    read = ThreadReading(thread_id, messages_key, held)
    for checkpoint in newest_branch(checkpointer.list(config)):
        read.take(checkpoint)
    return read.conversation()


def _held(client: Client, thread_id: str) -> frozenset[str]:
    """Return the framework's ids of what was said in a conversation already."""
    try:
        found = client.reader().conversation(thread_id)
    except StoreNotFoundError:
        return frozenset()
    messages = () if found is None else (*found.prelude, *found.messages)
    return frozenset(m.framework_id for m in messages if m.framework_id is not None)
