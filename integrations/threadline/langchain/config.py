"""A plain `RunnableConfig` that names the conversation: for where no context manager can reach."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager

from threadline.client.scopes import checked_id
from threadline.errors import ArgumentError
from threadline.langchain.handler import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.runnables import RunnableConfig

    from threadline.client import Client


def config(
    *,
    thread_id: str | None = None,
    user_id: str | None = None,
    turn_id: str | uuid.UUID | None = None,
    tags: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    client: Client | None = None,
) -> RunnableConfig:
    """Return a config with a Threadline handler and the ids in it.

    The thread id goes into the metadata and into `configurable`, where LangGraph's checkpointers
    look for it; a `configurable` thread id of `config` is taken over.

    Args:
        thread_id: The conversation.
        user_id: Whose turn it is.
        turn_id: The id of the turn, a UUID; it becomes the run id of the root.
        tags: The turn's tags.
        metadata: The turn's metadata.
        name: The name of the turn.
        config: A config to build upon; it is not changed.
        client: The client to record by; the default one by default.

    Raises:
        ArgumentError: if an id is empty, or the turn's id is no UUID.

    Example:
        >>> config(thread_id="t-1")["configurable"]
        {'thread_id': 't-1'}
    """
    merged: dict[str, Any] = dict(config or {})
    configurable = dict(merged.get("configurable") or {})
    if thread_id is not None:
        configurable["thread_id"] = checked_id("thread_id", thread_id)
    own = {
        "thread_id": configurable.get("thread_id"),
        "user_id": None if user_id is None else checked_id("user_id", user_id),
    }
    news: dict[str, Any] = {
        "callbacks": _with_handler(merged.get("callbacks"), client),
        "configurable": configurable,
        "metadata": {
            **(merged.get("metadata") or {}),
            **(metadata or {}),
            **{key: value for key, value in own.items() if value is not None},
        },
        "tags": [*(merged.get("tags") or ()), *(str(tag) for tag in tags)],
        "run_id": None if turn_id is None else _uuid_of(turn_id),
        "run_name": name,
    }
    return cast("RunnableConfig", merged | {key: value for key, value in news.items() if value})


def _with_handler(callbacks: Any, client: Client | None) -> Any:
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        if not any(isinstance(h, ThreadlineCallbackHandler) for h in manager.handlers):
            manager.add_handler(ThreadlineCallbackHandler(client), inherit=True)
        return manager
    handlers: list[BaseCallbackHandler] = list(callbacks or ())
    if not any(isinstance(handler, ThreadlineCallbackHandler) for handler in handlers):
        handlers.append(ThreadlineCallbackHandler(client))
    return handlers


def _uuid_of(turn_id: str | uuid.UUID) -> uuid.UUID:
    if isinstance(turn_id, uuid.UUID):
        return turn_id
    try:
        return uuid.UUID(turn_id)
    except ValueError:
        allowed = "a UUID, which LangChain takes for the run id"
        raise ArgumentError(argument="turn_id", value=turn_id, allowed=allowed) from None
