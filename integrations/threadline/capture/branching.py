"""Where a turn branches off from what was said before: by evidence only, else it is appended.

Design 6.11. Evidence is a checkpoint whose last message is not the newest one, a message sent again
under its id with other words, or a caller's history that ends where something else went on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.capture.interrupts import attributes_of, resumed_with
from threadline.capture.sayings import history_length
from threadline.model.message import SYSTEM, USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.capture.events import Ref
    from threadline.capture.open_turn import OpenSpan, OpenTurn
    from threadline.capture.sayings import Reading
    from threadline.store.held import Held

ANEW: Final = -1


class Branch(NamedTuple):
    """Behind which message a turn goes on, and how much of its tail stands there already."""

    at: int
    shared: int = 0


def may_branch(turn: OpenTurn) -> bool:
    """Tell whether a turn could branch off, so that its conversation's branches must be known."""
    return any(_checkpoint(root) is not None or root.inputs for root in turn.roots)


def branch_of(reading: Reading) -> Branch | None:
    """Return where a turn branches off, or None if it goes on from what was said last."""
    turn, held = reading.turn, reading.held
    roots = [root for root in turn.roots if not root.internal]
    if len(roots) != 1 or held.branching is None or not held.branching.is_over(turn.started_ns):
        return None
    root = roots[0]
    if _checkpoint(root) is not None:
        return _behind_checkpoint(root, held)
    return _behind_edit(root, reading) or _behind_history(root, reading)


def state_at_start(root: OpenSpan) -> tuple[Ref, ...]:
    """Return the messages of a graph as its first step was given them."""
    steps = [step for step in root.children if step.kind == "step" and step.inputs]
    return steps[0].inputs if steps else ()


def _checkpoint(root: OpenSpan) -> str | None:
    found: str | None = attributes_of(root).get("checkpoint_id")
    return found


def _behind_checkpoint(root: OpenSpan, held: Held) -> Branch | None:
    state = state_at_start(root)
    newest = held.newest_with_id()
    if not state or newest is None:
        return None
    kept = (held.ids[i] for d, i in reversed(state) if i is not None and held.holds(i, d))
    at = next(kept, ANEW)
    if at == newest:
        return None
    questions = held.questions() if resumed_with(root) is not None else set[int]()
    while at + 1 in questions:  # which stand in no graph's messages
        at += 1
    return Branch(at)


def _behind_edit(root: OpenSpan, reading: Reading) -> Branch | None:
    """A user's message that was answered, and is sent again under its id with other words."""
    held = reading.held
    for digest, framework_id in root.inputs[history_length(root.inputs, reading.body_of) :]:
        at = None if framework_id is None else held.ids.get(framework_id)
        if at is None or held.digests[at] == digest or reading.role((digest, None)) != USER:
            continue
        if held.was_answered(at):
            return Branch(next(iter(held.path_to(at)[-2:-1]), ANEW))
    return None


def _behind_history(root: OpenSpan, reading: Reading) -> Branch | None:
    """A caller's history that ends behind an answer which is not the newest."""
    held, inputs = reading.held, root.inputs
    length = history_length(inputs, reading.body_of)
    if length == 0:
        return None
    digest, framework_id = inputs[length - 1]
    ends = held.where_said(digest)
    if held.holds(framework_id, digest):
        ends = [at for at in ends if at == held.ids[framework_id or ""]]
    if not ends or ends[-1] == held.newest_said():
        return None
    history, tail = _spoken(inputs[:length], reading), _spoken(inputs[length:], reading)
    ends = [at for at in ends if _is_path(held, at, history)]
    return _with_tail(held, ends[-1], tail) if ends and held.went_on(ends[-1]) else None


def _spoken(refs: Sequence[Ref], reading: Reading) -> list[bytes]:
    return [digest for digest, _ in refs if _role(digest, reading) != SYSTEM]


def _role(digest: bytes, reading: Reading) -> str:
    at = reading.held.first_at(digest)  # so that history need not be read again
    return reading.role((digest, None)) if at is None else reading.held.roles[at]


def _is_path(held: Held, at: int, history: Sequence[bytes]) -> bool:
    path = [p for p in held.path_to(at) if held.roles[p] != SYSTEM]
    return [held.digests[p] for p in path] == history


def _with_tail(held: Held, at: int, tail: Sequence[bytes]) -> Branch:
    """A question that is asked again with all that came before it shares its place, too."""
    here = at
    for digest in tail:
        following = [p for p in held.where_said(digest) if held.path_to(p)[-2:-1] == [here]]
        if not following:
            return Branch(at)
        here = following[-1]
    return Branch(here, len(tail))
