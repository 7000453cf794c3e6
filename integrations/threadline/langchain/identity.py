"""Whose call a run is: by its metadata, langchain-core's context variable, and our scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from langchain_core.runnables.config import var_child_runnable_config

from threadline.capture.events import Identity
from threadline.capture.plain import json_of
from threadline.capture.request_span import request_span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.capture.scope import Scope
from threadline.langchain.shapes import is_mapping

THREAD_KEYS: Final = ("thread_id", "conversation_id", "session_id")
_USER_KEYS: Final = ("user_id", "langgraph_auth_user_id")
_NOISE: Final = frozenset(
    {
        *THREAD_KEYS,
        *_USER_KEYS,
        "threadline",
        "checkpoint_id",
        "checkpoint_ns",
        "checkpoint_map",
        "task_id",
        "run_id",
        "assistant_id",
        "graph_id",
        "tags",
    }
)
_NOBODY: Final[Mapping[str, Any]] = {}
_NOISE_PREFIXES: Final = ("ls_", "lc_", "langgraph_", "__")


def first_id(source: Mapping[str, Any] | None, keys: Sequence[str]) -> str | None:
    """Return the first of `keys` that holds something that can be an id."""
    if source:
        for key in keys:
            value = source.get(key)
            if isinstance(value, str) and value.strip():
                return value
            if isinstance(value, int | UUID) and not isinstance(value, bool):
                return str(value)
    return None


def thread_of(metadata: Mapping[str, Any] | None) -> str | None:
    """Return the thread id that a run's metadata names."""
    return first_id(metadata, THREAD_KEYS)


def names_an_empty_thread(metadata: Mapping[str, Any] | None) -> bool:
    """Tell whether metadata that names no thread tries to, by a text that is empty."""
    return metadata is not None and any(isinstance(metadata.get(k), str) for k in THREAD_KEYS)


def user_of(metadata: Mapping[str, Any] | None) -> str | None:
    """Return the user id that a run's metadata names."""
    return first_id(metadata, _USER_KEYS)


def configurable_now() -> Mapping[str, Any] | None:
    """Return the `configurable` of the runnable around this hook, where langchain-core keeps it."""
    config = var_child_runnable_config.get()
    configurable = config.get("configurable") if config else None
    if configurable.__class__ is dict:
        return configurable
    return configurable if is_mapping(configurable) else None


def tells_the_same(around: Mapping[str, Any], seen: Mapping[str, Any] | None) -> bool:
    """Tell whether a `configurable` names whom another one names: LangGraph copies it by node."""
    seen = _NOBODY if seen is None else seen
    now, before = around.get, seen.get
    return (
        now("thread_id") == before("thread_id")
        and now("user_id") == before("user_id")
        and now("conversation_id") == before("conversation_id")
        and now("session_id") == before("session_id")
        and now("langgraph_auth_user_id") == before("langgraph_auth_user_id")
        and _context_of(around) is _context_of(seen)
    )


def parent_now() -> UUID | None:
    """Return the run around this hook, as langchain-core's context variable tells."""
    config = var_child_runnable_config.get()
    callbacks = config.get("callbacks") if config else None
    parent = getattr(callbacks, "parent_run_id", None)
    return parent if isinstance(parent, UUID) else None


def runtime_user() -> str | None:
    """Return the user id in LangGraph's runtime context, if there is one."""
    configurable = configurable_now()
    context = _context_of(configurable) if configurable else None
    if is_mapping(context):
        return first_id(context, _USER_KEYS)
    value = getattr(context, "user_id", None)
    return first_id({"user_id": value}, _USER_KEYS)


def _context_of(configurable: Mapping[str, Any]) -> object:
    return getattr(configurable.get("__pregel_runtime"), "context", None)


def identity_of_root(
    metadata: Mapping[str, Any] | None,
    tags: Sequence[str] | None,
    name: str | None,
    scope: Scope | None,
    defaults: tuple[str | None, str | None],
) -> Identity:
    """Return all that a root tells of whose turn it is."""
    kept = _kept(metadata)
    return Identity(
        thread_id=thread_of(metadata),
        user_id=user_of(metadata),
        scope_thread_id=scope.thread_id if scope else None,
        scope_user_id=scope.user_id if scope else None,
        default_thread_id=defaults[0],
        default_user_id=defaults[1],
        name=name,
        tags=tuple(str(tag) for tag in tags or () if not _is_plumbing_tag(str(tag))),
        metadata=json_of(kept) if kept else None,
        conversation_tags=scope.tags if scope else (),
        conversation_metadata=scope.metadata if scope else None,
        side_call=is_side_call(metadata),
        request_span=request_span(),
    )


def is_side_call(metadata: Mapping[str, Any] | None) -> bool:
    """Tell whether a call is to stay out of the transcript."""
    return metadata is not None and metadata.get("threadline") == "trace"


def is_off(metadata: Mapping[str, Any] | None) -> bool:
    """Tell whether a call is not to be recorded at all."""
    return metadata is not None and metadata.get("threadline") == "off"


def _kept(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        str(key): value
        for key, value in (metadata or {}).items()
        if key not in _NOISE and not str(key).startswith(_NOISE_PREFIXES)
    }


def _is_plumbing_tag(tag: str) -> bool:
    return tag.startswith(("seq:step:", "map:key:", "graph:step:", "langsmith:"))
