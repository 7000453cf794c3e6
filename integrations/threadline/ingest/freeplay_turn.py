"""A turn as Freeplay's objects: completions, traces of tools and steps, and a trace of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.ingest.freeplay_completion import completion_body
from threadline.ingest.freeplay_request import FreeplayRequest
from threadline.ingest.freeplay_values import flat, given, iso
from threadline.model.openai_chat import value_as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.ingest.freeplay_ids import FreeplayIds
    from threadline.model.span import Failure, Span
    from threadline.model.turn import ToolObservation, Turn
    from threadline.store.outbox_records import ConversationFacts

_STEPS: Final = frozenset({"tool", "retriever", "agent"})
"""Kinds of spans that are traces there. The turn's own trace stands for a root that is an agent."""


class SpanTree:
    """Which spans of a turn are objects at Freeplay, and below which others they stand."""

    def __init__(self, turn: Turn, ids: FreeplayIds) -> None:
        self._turn = turn
        self._ids = ids
        self._spans = {span.id: span for span in turn.spans}
        self._asked = {
            (call.id, span.id): span
            for span in turn.llm_calls
            for message in span.output_messages
            for call in message.tool_calls
        }

    def is_sent(self, span: Span) -> bool:
        """Tell whether a span is an object of its own."""
        return span.kind == "llm" or (
            span.kind in _STEPS and not (span.kind == "agent" and span.parent_id is None)
        )

    def standing_for(self, span_id: str | None) -> Span | None:
        """Return the nearest span, this one or one around it, that is an object; None: the turn."""
        span = self._spans.get(span_id or "")
        while span is not None and not self.is_sent(span):
            span = self._spans.get(span.parent_id or "")
        return span

    def parent(self, span: Span) -> str:
        """Return below what a span stands: a tool below the completion that asked for it."""
        asking = self.asking(span.call_id, span.started_ns) if span.kind == "tool" else None
        return self.id_of(asking or self.standing_for(span.parent_id))

    def asking(self, call_id: str | None, before_ns: int | None) -> Span | None:
        """Return the model call that asked for a tool: the last one, as ids may come again."""
        if call_id is None:
            return None
        found = [span for (asked, _), span in self._asked.items() if asked == call_id]
        earlier = [s for s in found if before_ns is None or s.started_ns <= before_ns]
        return (earlier or found or [None])[-1]

    def id_of(self, span: Span | None) -> str:
        """Return the id of a span there, or that of the turn."""
        return self._ids.turn(self._turn.id) if span is None else self._ids.span(span.id)


def turn_requests(
    turn: Turn,
    conversation: ConversationFacts | None,
    ids: FreeplayIds,
    *,
    agent_name: str | None = None,
) -> Iterator[FreeplayRequest]:
    """Yield what is to be sent of a turn: what it consists of in its order, last the turn itself.

    Args:
        turn: The turn.
        conversation: What its conversation says of itself.
        ids: Give the ids there.
        agent_name: What the turn's trace is called; by default what the turn is.
    """
    tree = SpanTree(turn, ids)
    session = f"/sessions/{session_of(turn, conversation, ids)}"
    about = session_metadata(conversation, turn)
    observations = {ident: seen for seen in turn.tool_observations for ident in seen.span_ids}
    for span in turn.spans:
        if span.kind == "llm":
            yield FreeplayRequest(
                path=f"{session}/completions",
                body=completion_body(span, tree.id_of(span), tree.parent(span), about),
                what=f"the completion {span.name!r}",
            )
        elif tree.is_sent(span):
            body = _step_body(span, tree.parent(span), observations.get(span.id))
            yield _trace(session, tree.id_of(span), body)
    for seen in turn.tool_observations:
        if not seen.span_ids:
            asking = tree.asking(seen.call_id, seen.started_ns)
            body = _observation_body(seen, tree.id_of(asking), turn)
            yield _trace(session, ids.span(seen.id), body)
    yield _trace(session, ids.turn(turn.id), _turn_body(turn, agent_name))
    if about and not turn.llm_calls:  # completions bring it along
        yield metadata_request(session_of(turn, conversation, ids), about)


def session_of(turn: Turn, conversation: ConversationFacts | None, ids: FreeplayIds) -> str:
    """Return the id of the session that a turn belongs to."""
    facts = conversation
    return ids.session(turn.thread_id, turn.tenant if facts is None else facts.tenant)


def session_metadata(conversation: ConversationFacts | None, turn: Turn) -> dict[str, Any]:
    """Return what is told of a conversation; an id that nobody gave is not told."""
    if conversation is None:
        return {}
    told = {
        "thread_id": None if conversation.is_generated else conversation.thread_id,
        "user_id": conversation.user_id or turn.user_id,
        "tenant": conversation.tenant,
        "title": conversation.title,
        "tags": ", ".join(conversation.tags) or None,
    }
    return flat(conversation.metadata, told)


def metadata_request(session_id: str, metadata: dict[str, Any]) -> FreeplayRequest:
    """Return the request that adds to a session's metadata."""
    return FreeplayRequest(
        method="PATCH",
        path=f"/sessions/id/{session_id}/metadata",
        body=metadata,
        what="the session's metadata",
        refers=True,
    )


def _trace(session: str, ident: str, body: dict[str, Any]) -> FreeplayRequest:
    name = body.get("name") or body.get("agent_name")
    return FreeplayRequest(path=f"{session}/traces/id/{ident}", body=body, what=f"trace {name!r}")


def _turn_body(turn: Turn, agent_name: str | None) -> dict[str, Any]:
    name = agent_name or turn.name or turn.app or "threadline"
    told = {
        "turn_id": turn.id,
        "turn_status": str(turn.status),
        "turn_error": _error_text(turn.error),
        "user_id": turn.user_id,
        "tags": ", ".join(turn.tags) or None,
        "continues": turn.continues,
        "branches_from": turn.branches_from,
        "app": turn.app,
        "environment": turn.environment,
        "release": turn.release,
        "side_call": True if turn.kind == "trace" else None,
    }
    return given(
        {
            "agent_name": name if turn.kind == "turn" else None,
            "name": None if turn.kind == "turn" else name,
            "input": turn.input,
            "output": turn.output or _error_output(turn.error),
            "custom_metadata": flat(turn.metadata, told) or None,
            "start_time": iso(turn.started_ns),
            "end_time": iso(turn.ended_ns),
        }
    )


def _step_body(span: Span, parent: str, seen: ToolObservation | None) -> dict[str, Any]:
    body = _BODIES[span.kind](span)
    told = {
        "tool_call_id": span.call_id,
        "status": None if span.status == "ok" else span.status,
        "error": True if span.error is not None else None,
        "error_type": span.error.type if span.error else None,
        **_decided(seen),
    }
    return given(
        {
            **body,
            "output": body["output"] if span.error is None else _error_output(span.error),
            "parent_id": parent,
            "custom_metadata": flat(told) or None,
            "start_time": iso(span.started_ns),
            "end_time": iso(span.ended_ns),
        }
    )


def _tool(span: Span) -> dict[str, Any]:
    return {
        "kind": "tool",
        "name": span.name,
        "input": _something(span.arguments),
        "output": _something(span.result),
    }


def _retriever(span: Span) -> dict[str, Any]:
    documents = [msgspec.to_builtins(document) for document in span.documents]
    return {"name": span.name, "input": span.query or "", "output": documents}


def _agent(span: Span) -> dict[str, Any]:
    return {"agent_name": span.name, "input": "", "output": ""}


_BODIES: Final = {"tool": _tool, "retriever": _retriever, "agent": _agent}


def _observation_body(seen: ToolObservation, parent: str, turn: Turn) -> dict[str, Any]:
    """Return a tool observation that no run of a tool stands for: rejected, unknown, not run."""
    told = {
        "tool_call_id": seen.call_id,
        "status": None if seen.outcome == "ok" else seen.outcome,
        "error": True if seen.error is not None else None,
        "error_type": seen.error.type if seen.error else None,
        **_decided(seen),
    }
    started = seen.started_ns or turn.started_ns
    result = _something(seen.result) or _error_output(seen.error)
    return given(
        {
            "kind": "tool",
            "name": seen.name,
            "input": _something(seen.arguments),
            "output": result,
            "parent_id": parent,
            "custom_metadata": flat(told) or None,
            "start_time": iso(started),
            "end_time": iso(seen.ended_ns or started),
        }
    )


def _decided(seen: ToolObservation | None) -> dict[str, Any]:
    if seen is None or seen.decision is None:
        return {}
    return {"decision": seen.decision.kind, "decision_message": seen.decision.message}


def _something(value: Any) -> Any:
    """Return a value; nothing as an empty text, since input and output must be there."""
    return "" if value is None else value


def _error_output(error: Failure | None) -> Any:
    return "" if error is None else {"error": _error_text(error)}


def _error_text(error: Failure | None) -> str | None:
    return None if error is None else value_as_text(f"{error.type}: {error.message}".rstrip(": "))
