"""What a test gets: a client with a memory store of its own, and short ways to what it holds."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final

from threadline.capture.guard import hook_failures
from threadline.client import Client
from threadline.client.defaults import serving_as_default

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from langchain_core.runnables import RunnableConfig

    from threadline.langchain import ThreadlineCallbackHandler
    from threadline.model import Conversation, Message, Turn
    from threadline.store.reader import Reader

_PAGE: Final = 1000


class ThreadlineRecorder:
    """Records into memory and hands out what it holds, always up to date.

    Args:
        client: The client to record by.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> with recording() as recorder:
        ...     config = recorder.config(thread_id="t-1")
        ...     said = RunnableLambda(str.upper).invoke("hello", config)
        ...     [(message.role, message.text) for message in recorder.messages]
        [('user', 'hello'), ('assistant', 'HELLO')]
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    def config(
        self,
        *,
        thread_id: str | None = None,
        config: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> RunnableConfig:
        """Return a LangChain config that records here; see `threadline.langchain.config`.

        Args:
            thread_id: The conversation.
            config: A config to build upon; it is not changed.
            **kwargs: The other arguments of `threadline.langchain.config`.
        """
        from threadline.langchain import config as made

        return made(thread_id=thread_id, config=config, client=self.client, **kwargs)

    @functools.cached_property
    def handler(self) -> ThreadlineCallbackHandler:
        """A LangChain callback handler that records here."""
        from threadline.langchain import ThreadlineCallbackHandler

        return ThreadlineCallbackHandler(self.client)

    @property
    def store(self) -> Reader:
        """The whole read side, as `threadline.open()` returns it."""
        return self.client.reader()

    @property
    def turns(self) -> list[Turn]:
        """Every turn so far, the oldest first; side calls apart."""
        return self._turns("turn")

    @property
    def traces(self) -> list[Turn]:
        """What is kept out of the transcript, such as side calls; the oldest first."""
        return self._turns("trace")

    @property
    def conversations(self) -> list[Conversation]:
        """Every conversation so far, the oldest first."""
        thread_ids = dict.fromkeys(turn.thread_id for turn in self.turns)
        found = [self.conversation(thread_id) for thread_id in thread_ids]
        return [conversation for conversation in found if conversation is not None]

    @property
    def messages(self) -> list[Message]:
        """Everything that was said so far, turn by turn, the oldest first."""
        return [message for turn in self.turns for message in turn.messages]

    def conversation(self, thread_id: str) -> Conversation | None:
        """Return one conversation; None if nothing of it was recorded."""
        return self.store.conversation(thread_id, tenant=self.client.settings.tenant)

    def _turns(self, kind: str) -> list[Turn]:
        store, tenant = self.store, self.client.settings.tenant
        page = store.turns(kind=kind, tenant=tenant, limit=_PAGE)
        newest_first = list(page)
        while page.cursor is not None:
            page = store.turns(kind=kind, tenant=tenant, limit=_PAGE, cursor=page.cursor)
            newest_first += page
        return newest_first[::-1]


@contextlib.contextmanager
def recording() -> Generator[ThreadlineRecorder]:
    """Record into a new memory store inside, also what follows the default client.

    A failure of Threadline's own, which an application never notices, is raised.

    Raises:
        AssertionError: at the end, if something that was recorded has been lost.
    """
    client = Client(
        store="memory",
        enabled=True,
        content="full",
        destinations=(),
        min_free_bytes=0,
        sample=1.0,
    )
    with client, serving_as_default(client), _failing_loudly():
        yield ThreadlineRecorder(client)
    if client.losses.counts:
        lost = ", ".join(f"{reason}: {count}" for reason, count in client.losses.counts.items())
        message = f"Threadline lost part of what this test recorded ({lost})"
        raise AssertionError(message)


@contextlib.contextmanager
def _failing_loudly() -> Generator[None]:
    before, hook_failures.reraise = hook_failures.reraise, True
    try:
        yield
    finally:
        hook_failures.reraise = before
