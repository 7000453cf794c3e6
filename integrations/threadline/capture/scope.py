"""What surrounds a call: `conversation(...)`, `turn(...)`, `paused()`, as context variables."""

from __future__ import annotations

import contextvars
from typing import Any, Final

import msgspec


class Scope(msgspec.Struct, frozen=True):
    """What a `threadline.conversation(...)` or `threadline.turn(...)` says of the calls inside."""

    thread_id: str | None = None
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: bytes | None = None
    turn: bytes | None = None
    turn_ids: list[str] = []


current_scope: Final[contextvars.ContextVar[Scope | None]] = contextvars.ContextVar(
    "threadline_scope", default=None
)
paused: Final[contextvars.ContextVar[bool]] = contextvars.ContextVar(
    "threadline_paused", default=False
)


def leave(
    variable: contextvars.ContextVar[Any], token: contextvars.Token[Any], before: Any
) -> None:
    """Leave a scope; never raises, even in another context than it was entered in.

    A generator that is closed elsewhere leaves its scopes in a context of its closer's.
    """
    try:
        variable.reset(token)
    except (ValueError, RuntimeError):
        if variable.get() is not before:
            variable.set(before)
