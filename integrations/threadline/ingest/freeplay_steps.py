"""What tools, retrievers and agents within an agent did, as bodies of traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from threadline.ingest.freeplay_values import flat, given, iso
from threadline.model.message import USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.model.span import Failure, Span
    from threadline.model.turn import ToolObservation, Turn


def step_body(
    span: Span, parent: str, *, seen: ToolObservation | None, calls: Sequence[Span]
) -> dict[str, Any]:
    """Return the trace of a tool, a retriever or an agent within an agent.

    Args:
        span: What it did.
        parent: The id of what it stands below.
        seen: The tool observation that it is a part of.
        calls: The model calls below it.
    """
    body = _did(span, calls)
    if span.error is not None:
        body["output"] = error_output(span.error)
    status = None if span.status == "ok" else span.status
    return given(
        body
        | {
            "parent_id": parent,
            "custom_metadata": _told(span.call_id, status, span.error, seen),
            "start_time": iso(span.started_ns),
            "end_time": iso(span.ended_ns),
        }
    )


def observation_body(seen: ToolObservation, parent: str, turn: Turn) -> dict[str, Any]:
    """Return the trace of a tool call that no tool ran for: it was refused, or there is no such."""
    started = seen.started_ns or turn.started_ns
    status = None if seen.outcome == "ok" else seen.outcome
    return given(
        _tool(seen.name, seen.arguments, seen.result)
        | ({"output": error_output(seen.error)} if seen.result is None else {})
        | {
            "parent_id": parent,
            "custom_metadata": _told(seen.call_id, status, seen.error, seen),
            "start_time": iso(started),
            "end_time": iso(seen.ended_ns or started),
        }
    )


def error_output(error: Failure | None) -> Any:
    """Return what stands as output of what failed; an empty text where nothing did."""
    return "" if error is None else {"error": error_text(error)}


def error_text(error: Failure) -> str:
    """Return an exception's type and its words."""
    return f"{error.type}: {error.message}" if error.message else error.type


def _did(span: Span, calls: Sequence[Span]) -> dict[str, Any]:
    if span.kind == "tool":
        return _tool(span.name, span.arguments, span.result)
    if span.kind == "retriever":
        documents = [msgspec.to_builtins(document) for document in span.documents]
        return {"name": span.name, "input": span.query or "", "output": documents}
    asked = [m.text for m in (calls[0].input_messages if calls else ()) if m.role == USER]
    said = [m.text for m in (calls[-1].output_messages if calls else ())]
    return {
        "agent_name": span.name,
        "input": asked[-1] if asked else "",
        "output": said[-1] if said else "",
    }


def _tool(name: str, arguments: Any, result: Any) -> dict[str, Any]:
    """Return what a tool did; nothing is an empty text, since both must be there."""
    return {
        "kind": "tool",
        "name": name,
        "input": "" if arguments is None else arguments,
        "output": "" if result is None else result,
    }


def _told(
    call_id: str | None, status: str | None, error: Failure | None, seen: ToolObservation | None
) -> dict[str, Any] | None:
    decision = None if seen is None else seen.decision
    told = {
        "tool_call_id": call_id,
        "status": status,
        "error": None if error is None else True,
        "error_type": None if error is None else error.type,
        "decision": None if decision is None else decision.kind,
        "decision_message": None if decision is None else decision.message,
    }
    return flat(told) or None
