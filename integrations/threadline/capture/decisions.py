"""What a human decided about tool calls: approved, edited, rejected, answered in their place.

An interrupt asks about calls of the turn that it ends; the answer comes with a later turn, perhaps
of another process. So a call waits by its id, and the conversation remembers what waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from threadline.capture.interrupts import attributes_of, interrupts_in, resumed_with
from threadline.model.turn import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.capture.observations import Observed
    from threadline.capture.open_turn import OpenTurn
    from threadline.store.held import Awaited

Mapping = dict[str, Any]


def decide(turn: OpenTurn, observed: list[Observed], waiting: list[Awaited]) -> list[Awaited]:
    """Give each observation its decision, or mark it as waiting for one.

    Args:
        turn: The turn.
        observed: Its observations, which are changed.
        waiting: The calls that wait for a decision, oldest first.

    Returns:
        The calls that wait after this turn.
    """
    decided: set[str | None] = set()
    resumes = [resumed_with(root) for root in turn.roots]
    pairs = _pairs([r for r in resumes if r is not None], observed, waiting)
    for call_id, decision in (*pairs, *_decided_meanwhile(turn)):
        decided.add(call_id)
        for one in observed:
            if one.call_id == call_id and one.decision is None:
                one.decision = decision if _is_obeyed(decision, one) else None
                break
    open_calls = [one for one in observed if not one.runs and one.result is None]
    still = [one for one in waiting if one[1] not in decided]
    return [*still, *(one for one in _asked(turn, open_calls) if one not in still)]


def _is_obeyed(decision: Decision, one: Observed) -> bool:
    """LangGraph keeps the first answer to an interrupt, also where a later one is given."""
    return not (one.runs and decision.kind in {"reject", "respond"})


def _pairs(
    resumes: list[Any], observed: list[Observed], waiting: list[Awaited]
) -> Iterator[tuple[str | None, Decision]]:
    for resume in resumes:
        for interrupt_id, given in _by_interrupt(resume, waiting):
            decisions = _decisions_in(given)
            calls = [c for i, c in waiting if interrupt_id is None or i == interrupt_id]
            if not calls:  # asked before anybody listened: all that was there to decide about
                calls = [one.call_id for one in observed if one.is_of_earlier_turn]
                calls = calls if len(calls) == len(decisions) else []
            yield from zip(calls, decisions, strict=False)


def _decided_meanwhile(turn: OpenTurn) -> Iterator[tuple[str | None, Decision]]:
    """Decisions of a human who was asked while the turn went on: a span of its own tells each."""
    for span in turn.spans.values():
        given = attributes_of(span).get("decided")
        if isinstance(given, dict):
            call_id: str | None = cast("Mapping", given).get("call_id")
            for decision in _decisions_in(cast("Mapping", given)):
                yield call_id, decision


def _by_interrupt(resume: Any, waiting: list[Awaited]) -> Iterator[tuple[str | None, Any]]:
    """Yield answers with the interrupt that they are for, where they name it."""
    known = {interrupt_id for interrupt_id, _ in waiting}
    if isinstance(resume, dict) and resume and known.issuperset(cast("Mapping", resume)):
        yield from cast("Mapping", resume).items()
    else:
        yield None, resume


def _decisions_in(given: Any) -> list[Decision]:
    """Read `{"decisions": [...]}`, which answers several calls, or a single decision."""
    if not isinstance(given, dict):
        return []
    answer = cast("Mapping", given)
    listed = answer.get("decisions")
    found = cast("list[Any]", listed) if isinstance(listed, list) else [answer]
    try:
        return [_read(one) for one in found]
    except msgspec.ValidationError:
        return []  # an answer to a question of the application's own


def _asked(turn: OpenTurn, open_calls: list[Observed]) -> Iterator[Awaited]:
    """Find the calls that this turn's interrupts ask about, mark them and take them out."""
    seen: set[str] = set()
    for span in turn.spans.values():
        for interrupt in interrupts_in(span):
            ident, value = str(interrupt.get("id")), interrupt.get("value")
            if ident in seen or not isinstance(value, dict):
                continue
            seen.add(ident)
            for request in _requests_in(cast("Mapping", value)):
                one = next((one for one in open_calls if _is_about(request, one)), None)
                if one is not None:
                    open_calls.remove(one)
                    one.decision = Decision(kind="awaited", interrupt_id=ident)
                    yield ident, one.call_id


def _requests_in(value: Mapping) -> list[Mapping]:
    requests: Any = value.get("action_requests")
    if isinstance(requests, list):
        return [r for r in cast("list[Any]", requests) if isinstance(r, dict)]
    return [value] if "tool_call_id" in value else []


def _is_about(request: Mapping, one: Observed) -> bool:
    if "tool_call_id" in request:
        return bool(request["tool_call_id"] == one.call_id)
    if one.call is None or one.call.name != request.get("name"):
        return False
    given, asked = one.call.arguments, request.get("args")
    return msgspec.json.encode(given, order="sorted") == msgspec.json.encode(asked, order="sorted")


class _Given(msgspec.Struct):
    type: Literal["approve", "edit", "reject", "respond"]
    message: str | None = None


def _read(value: Any) -> Decision:
    given = msgspec.convert(value, _Given)
    return Decision(kind=given.type, message=given.message or None)
