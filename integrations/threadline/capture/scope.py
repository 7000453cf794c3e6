"""What surrounds a call: `conversation(...)`, `turn(...)`, `paused()`, as context variables."""

from __future__ import annotations

import contextvars
from typing import Final

import msgspec


class Scope(msgspec.Struct, eq=False):
    """What a `threadline.conversation(...)` or `threadline.turn(...)` says of the calls inside.

    One for each time that one is entered; a pause is one that says nothing. `around` is the scope
    that it was entered in. `turn` is the key of the turn that is entered, `turn_id` its id.
    """

    thread_id: str | None = None
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: bytes | None = None
    turn: bytes | None = None
    turn_id: str | None = None
    turn_ids: list[str] = []
    around: Scope | None = None


current_scope: Final[contextvars.ContextVar[Scope | None]] = contextvars.ContextVar(
    "threadline_scope", default=None
)
paused: Final[contextvars.ContextVar[Scope | None]] = contextvars.ContextVar(
    "threadline_paused", default=None
)

Variable = contextvars.ContextVar[Scope | None]
Entered = tuple[contextvars.Token[Scope | None], Scope]
"""A scope, and the token by which its variable is reset."""


def leave(variable: Variable, entered: Entered) -> None:
    """Leave a scope; never raises, and touches no scope of others.

    Generators make this hard. One that is closed elsewhere, or collected as garbage, leaves its
    scopes in its closer's context, which may be another user's. Two that take turns in one context
    leave theirs in the order in which they end, not in that of entering.
    """
    token, mine = entered
    now = variable.get()
    try:
        variable.reset(token)
    except (ValueError, RuntimeError):
        if now is mine:  # a copy of the context that it was entered in
            variable.set(mine.around)
        return
    if now is mine:
        variable.set(mine.around)
        return
    variable.set(now)
    inner = now
    while inner is not None:
        if inner.around is mine:
            inner.around = mine.around
            return
        inner = inner.around


def leave_latest(variable: Variable, entered: dict[int, Entered]) -> None:
    """Leave the one of `entered`, by identity, that surrounds this call, else the newest.

    Several threads may be inside one `with` object at once, each in a context of its own.
    """
    found = entered.pop(id(variable.get()), None)
    if found is None:
        try:
            found = entered.popitem()[1]
        except KeyError:  # never entered
            return
    leave(variable, found)
