"""Tool observations: one for each tool call of the main line, joined by its call id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from threadline.capture.open_turn import OpenSpan, OpenTurn
from threadline.model.message import ASSISTANT, TOOL
from threadline.model.parts import ToolCallPart, ToolCallResponsePart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.capture.events import Ref
    from threadline.capture.sayings import BodyOf, Transcript
    from threadline.model.turn import Decision


@dataclass(slots=True)
class Observed:
    """One tool execution: the call that asked for it, the runs that made it, what came of it."""

    name: str
    call: ToolCallPart | None = None
    call_digest: bytes | None = None
    result: Ref | None = None
    result_part: ToolCallResponsePart | None = None
    runs: list[OpenSpan] = field(default_factory=list[OpenSpan])
    offered: bool = True
    turn_status: str = "ok"
    is_of_earlier_turn: bool = False
    decision: Decision | None = None

    @property
    def call_id(self) -> str | None:
        """The id of the call, as the model or the framework gave it."""
        if self.call is not None and self.call.id is not None:
            return self.call.id
        return call_id_of(self.runs[0]) if self.runs else None

    @property
    def outcome(self) -> str:
        """What came of it, by its last attempt and by what the model was told."""
        if not self.runs:
            if self.result_part is None:
                return "interrupted" if self.turn_status == "interrupted" else "not_run"
            if self.decision is not None and self.decision.kind == "reject":
                return "rejected"
            failed = "not_run" if self.offered else "unknown_tool"
            return failed if self.result_part.error else "ok"
        end = self.runs[-1].end
        if end is None:  # a run that its turn left behind
            is_named = self.turn_status in {"running", "interrupted"}
            return self.turn_status if is_named else "cancelled"
        if end.status == "ok":
            return "error" if self.result_part is not None and self.result_part.error else "ok"
        return end.status if end.status in {"cancelled", "interrupted"} else "error"


def observe_tools(
    turn: OpenTurn,
    transcript: Transcript,
    body_of: BodyOf,
    offered: dict[int, set[str]],
    *,
    status: str = "ok",
) -> list[Observed]:
    """Return the tool observations of a turn, in call order.

    Args:
        turn: The turn, whole.
        transcript: Its transcript.
        body_of: Gives the body of a digest.
        offered: The names of the tools that each model call was offered, by the span's number.
        status: How the turn ended; it tells what became of calls and runs that it left open.
    """
    runs = [s for s in turn.spans.values() if s.kind == "tool" and not s.beneath("tool")]
    runs = [s for s in runs if not s.internal]
    results = _results(turn, transcript, body_of)
    observed: list[Observed] = []
    said = {saying.digest for saying in transcript.said}
    asked = [
        (part, digest, span)
        for digest, span in _asking(transcript, body_of)
        for part in body_of(digest).parts
        if isinstance(part, ToolCallPart)
    ]
    for index, (part, digest, span) in enumerate(asked):
        names = offered.get(span.n) if span is not None else None
        one = Observed(part.name, part, digest, turn_status=status)
        one.offered = not names or part.name in names
        again = [s.n for p, _, s in asked[index + 1 :] if s is not None and p.id == part.id]
        one.runs = _runs_of(part, span, [r for r in runs if not again or r.n < again[0]])
        runs = [r for r in runs if r not in one.runs]
        _take_result(one, results)
        _keep_returned(one, body_of)
        # a call that nobody said and nothing came of: an answer in the form of a call
        if digest in said or one.runs or one.result is not None:
            observed.append(one)
    asked_before = _calls_before(transcript, body_of)
    earlier = [*_uncalled(runs, results, asked_before, body_of, status)]
    earlier += _told_later([*observed, *earlier], transcript, results, asked_before)
    order = {call_id: n for n, call_id in enumerate(asked_before)}
    earlier.sort(key=lambda one: order.get(one.call_id or "", len(order)))
    return [*observed, *earlier]


def call_id_of(run: OpenSpan) -> str | None:
    """Return the id of the call that a tool run answers, if it was told."""
    return None if run.start.detail is None else run.start.detail.call_id


def _asking(transcript: Transcript, body_of: BodyOf) -> Iterable[tuple[bytes, OpenSpan | None]]:
    """Every message of the main line once; one may be named only after its model has answered."""
    seen: set[bytes | OpenSpan] = set()
    for saying in transcript.said:
        source = saying.span or saying.digest
        if saying.role == ASSISTANT and source not in seen:
            seen.update((source, saying.digest))
            yield saying.digest, saying.span
    for call in transcript.calls:
        for digest, _ in call.outputs:
            if digest not in seen and call not in seen and body_of(digest).role == ASSISTANT:
                seen.add(digest)
                yield digest, call


def _results(
    turn: OpenTurn, transcript: Transcript, body_of: BodyOf
) -> dict[str, list[tuple[Ref, ToolCallResponsePart]]]:
    """What the model was told, by call id: as the transcript says, else as tools returned it."""
    said = [(s.digest, s.framework_id) for s in transcript.said if s.role == TOOL]
    results = _by_call(said, body_of)
    spans = [s for s in turn.spans.values() if s.kind in {"tool", "step"}]
    returned = [ref for s in spans if not s.beneath("tool") for ref in s.outputs]
    for call_id, found in _by_call(returned, body_of).items():
        results.setdefault(call_id, found[:1])
    return results


def _by_call(refs: list[Ref], body_of: BodyOf) -> dict[str, list[tuple[Ref, ToolCallResponsePart]]]:
    found: dict[str, list[tuple[Ref, ToolCallResponsePart]]] = {}
    for ref in refs:
        for part in body_of(ref[0]).parts:
            if isinstance(part, ToolCallResponsePart) and part.id is not None:
                found.setdefault(part.id, []).append((ref, part))
    return found


def _runs_of(part: ToolCallPart, asked_by: OpenSpan | None, runs: list[OpenSpan]) -> list[OpenSpan]:
    """The attempts at one call: by id, or where runs tell no id the first by name and arguments."""
    # a step that says the call may have been overtaken by the tool's own, on another thread
    after = asked_by.n if asked_by is not None and asked_by.kind == "llm" else -1
    if part.id is not None:
        mine = [r for r in runs if call_id_of(r) == part.id and r.n > after]
        if mine:
            return mine
    wanted = msgspec.json.encode(part.arguments, order="sorted")
    for run in runs:
        if call_id_of(run) is None and run.n > after and run.start.name == part.name:
            given = run.start.detail.arguments if run.start.detail is not None else None
            if given is not None and _sorted(given) == wanted:
                return [run]
    return []


def _sorted(data: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(data), order="sorted")


def _take_result(one: Observed, results: dict[str, list[tuple[Ref, ToolCallResponsePart]]]) -> None:
    call_id = one.call_id
    if call_id is not None and results.get(call_id):
        one.result, one.result_part = results[call_id].pop(0)


def _keep_returned(one: Observed, body_of: BodyOf) -> None:
    """The result is what the tool returned, also where the model was told something else of it."""
    returned = one.runs[-1].outputs[:1] if one.runs else ()
    if one.result_part is None or not returned or returned[0] == one.result:
        return
    for part in body_of(returned[0][0]).parts:
        if isinstance(part, ToolCallResponsePart) and part.id == one.result_part.id:
            one.result = one.result if _is_same(part, one.result_part) else returned[0]


def _is_same(one: ToolCallResponsePart, other: ToolCallResponsePart) -> bool:
    return bool(one.response == other.response)


def _calls_before(transcript: Transcript, body_of: BodyOf) -> dict[str, tuple[ToolCallPart, bytes]]:
    """Calls of an earlier turn, which a human's answer let run in this one."""
    calls: dict[str, tuple[ToolCallPart, bytes]] = {}
    for digest in dict.fromkeys(d for call in transcript.calls for d, _ in call.inputs):
        for part in body_of(digest).parts:
            if isinstance(part, ToolCallPart) and part.id is not None:
                calls[part.id] = part, digest
    return calls


def _told_later(
    observed: list[Observed],
    transcript: Transcript,
    results: dict[str, list[tuple[Ref, ToolCallResponsePart]]],
    asked_before: dict[str, tuple[ToolCallPart, bytes]],
) -> Iterable[Observed]:
    """Results that this turn brought for calls of an earlier one; the caller ran the tools."""
    seen = {one.call_id for one in observed}
    said = {saying.digest for saying in transcript.said}
    for call_id, found in results.items():
        told = bool(found) and found[0][0][0] in said
        if told and call_id in asked_before and call_id not in seen:
            call, digest = asked_before[call_id]
            one = Observed(call.name, call, digest, is_of_earlier_turn=True)
            _take_result(one, results)
            yield one


def _answered_id(run: OpenSpan, body_of: BodyOf) -> str | None:
    """The id of the call by its answer: before langchain-core 1.1.2 a run does not tell it."""
    parts = [part for digest, _ in run.outputs[:1] for part in body_of(digest).parts]
    return next((p.id for p in parts if isinstance(p, ToolCallResponsePart)), None)


def _uncalled(
    runs: list[OpenSpan],
    results: dict[str, list[tuple[Ref, ToolCallResponsePart]]],
    asked_before: dict[str, tuple[ToolCallPart, bytes]],
    body_of: BodyOf,
    status: str,
) -> Iterable[Observed]:
    """Runs that no message of this turn asked for: the application's own, or a resumed turn's."""
    by_id: dict[str, Observed] = {}
    for run in runs:
        call_id = call_id_of(run) or _answered_id(run, body_of)
        if call_id is not None and call_id in by_id:
            by_id[call_id].runs.append(run)
            continue
        one = Observed(run.start.name, runs=[run], turn_status=status)
        if call_id is not None:
            by_id[call_id] = one
            one.call, one.call_digest = asked_before.get(call_id, (None, None))
            one.is_of_earlier_turn = one.call is not None
        _take_result(one, results)
        _keep_returned(one, body_of)
        if one.result is None and run.outputs and body_of(run.outputs[0][0]).role == TOOL:
            one.result = run.outputs[0]
        yield one
