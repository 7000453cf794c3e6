"""Whose call a run is: by the connector's inputs, any chat history's id, and our scopes."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from threadline.capture.events import Identity
from threadline.capture.plain import json_of
from threadline.capture.request_span import request_span
from threadline.haystack.shapes import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.haystack.runs import LiveRun

_THREAD_KEYS: Final = ("thread_id", "conversation_id", "session_id")
_HISTORY_KEY: Final = "chat_history_id"
_CONTEXT_KEY: Final = "invocation_context"
_OWN_KEYS: Final = frozenset(
    {*_THREAD_KEYS, "user_id", "turn_id", "tags", "metadata", "threadline", _CONTEXT_KEY}
)


class Announcement(NamedTuple):
    """A connector that is about to run: its name in its pipeline, and what its maker gave it."""

    name: str
    thread_id: str | None
    user_id: str | None


announced: Final[ContextVar[tuple[Announcement, ...]]] = ContextVar(
    "threadline_haystack_announced", default=()
)
"""Connectors that were warmed up since the last run began here: that run is theirs."""


class Told(NamedTuple):
    """What a run's input says of whose it is."""

    thread_id: str | None = None
    user_id: str | None = None
    turn_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None
    mode: str | None = None
    defaults: tuple[str | None, str | None] = (None, None)
    connectors: frozenset[str] = frozenset()


def announce(name: str, thread_id: str | None, user_id: str | None) -> None:
    """Let the run that begins next in this context know of a connector in its pipeline."""
    others = tuple(one for one in announced.get() if one.name != name)
    announced.set((*others, Announcement(name, thread_id, user_id))[-_MOST_ANNOUNCED:])


_MOST_ANNOUNCED: Final = 16


def told_by(data: object, metadata: object) -> Told:
    """Return what the input of a pipeline says of whose run it is.

    Args:
        data: Inputs by the name of their component.
        metadata: The pipeline's own, which every run of it has.
    """
    mine = announced.get()
    if mine:
        announced.set(())
    components: Mapping[str, Any] = data if is_mapping(data) else {}
    names = {one.name for one in mine}
    fields: dict[str, Any] = {}
    for name, inputs in components.items():
        if is_mapping(inputs) and (name in names or is_mapping(inputs.get(_CONTEXT_KEY))):
            names.add(name)
            context = inputs.get(_CONTEXT_KEY)
            own = {key: value for key, value in inputs.items() if value is not None}
            fields |= {**(context if is_mapping(context) else {}), **own}
    static: dict[str, Any] = dict(metadata) if is_mapping(metadata) else {}
    return _told(fields, static, _history_of(components), mine, frozenset(names))


def _told(
    fields: Mapping[str, Any],
    static: Mapping[str, Any],
    history: str | None,
    mine: Sequence[Announcement],
    names: frozenset[str],
) -> Told:
    given: Any = fields.get("metadata")
    rest = {key: value for key, value in fields.items() if key not in _OWN_KEYS}
    metadata = {**static, **rest, **(given if is_mapping(given) else {})}
    mode = fields.get("threadline", metadata.pop("threadline", None))
    default = mine[0] if mine else Announcement("", None, None)
    return Told(
        thread_id=_first_id(fields, _THREAD_KEYS) or _first_id(metadata, _THREAD_KEYS) or history,
        user_id=_first_id(fields, ("user_id",)) or _first_id(metadata, ("user_id",)),
        turn_id=_first_id(fields, ("turn_id",)),
        tags=_tags(fields.get("tags")),
        metadata={k: v for k, v in metadata.items() if k not in _OWN_KEYS},
        mode=mode if isinstance(mode, str) else None,
        defaults=(default.thread_id, default.user_id),
        connectors=names,
    )


def identity_of_root(run: LiveRun, told: Told) -> Identity:
    """Return all that a root tells of whose turn it is."""
    scope = run.scope
    run.thread_id, run.user_id = told.thread_id, told.user_id
    if scope is not None and not scope.turn:
        scope.turn_ids.append(told.turn_id or str(UUID(bytes=run.turn)))
    return Identity(
        thread_id=told.thread_id,
        user_id=told.user_id,
        scope_thread_id=scope.thread_id if scope else None,
        scope_user_id=scope.user_id if scope else None,
        default_thread_id=told.defaults[0],
        default_user_id=told.defaults[1],
        turn_id=told.turn_id,
        name=run.name,
        tags=told.tags,
        metadata=json_of(told.metadata) if told.metadata else None,
        conversation_tags=scope.tags if scope else (),
        conversation_metadata=scope.metadata if scope else None,
        side_call=told.mode == "trace",
        request_span=request_span(),
    )


def identity_of_child(run: LiveRun, told: Told) -> Identity | None:
    """Return what a pipeline beneath another shows of its own, as a job over many chats does."""
    if told.thread_id is None or told.thread_id == run.thread_id:
        return None
    run.thread_id, run.user_id = told.thread_id, told.user_id or run.user_id
    return Identity(thread_id=told.thread_id, user_id=told.user_id, name=run.name)


def _history_of(components: Mapping[str, Any]) -> str | None:
    for inputs in components.values():
        if is_mapping(inputs) and (found := _first_id(inputs, (_HISTORY_KEY,))) is not None:
            return found
    return None


def _first_id(source: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    for key in keys:
        value = source.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | UUID) and not isinstance(value, bool):
            return str(value)
    return None


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(tag) for tag in value) if is_list(value) else ()
