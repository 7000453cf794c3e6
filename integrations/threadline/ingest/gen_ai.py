"""Our records in the names of the OpenTelemetry GenAI conventions: the only place that knows them.

Source: semantic conventions v1.41.1, `docs/gen-ai/`, status Development. What the conventions have
no name for stands under `threadline.`.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final, cast

from threadline.ingest.gen_ai_content import (
    definitions_text,
    documents_text,
    given,
    instructions_text,
    json_text,
    messages_text,
)
from threadline.ingest.wire_span import WireEvent, WireSpan, span_id_of, trace_id_of
from threadline.model.message import ASSISTANT, SYSTEM, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from threadline.model.span import Failure, Span
    from threadline.model.turn import Turn
    from threadline.store.outbox_records import ConversationFacts

Attributes = dict[str, Any]

_OPERATIONS: Final = {
    "workflow": "invoke_workflow",
    "agent": "invoke_agent",
    "llm": "chat",
    "tool": "execute_tool",
    "retriever": "retrieval",
    "embedding": "embeddings",
}
_FRACTIONS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
_COUNTS: Final = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
}
_STOPS: Final = ("stop", "stop_sequences")
_REMOTE: Final = frozenset({"llm", "retriever", "embedding"})
_UNSUCCESSFUL: Final = frozenset({"error"})


def spans_of(turn: Turn, conversation: ConversationFacts | None) -> list[WireSpan]:
    """Return the trace of a turn.

    Its root is the turn's only outermost span; where there are several, or none, or where that one
    knows nothing of the turn's error, it is one of its own.
    """
    roots = [span for span in turn.spans if span.parent_id is None]
    told = _of_turn(turn, conversation)
    common = conversation_attributes(conversation)
    if len(roots) == 1 and (turn.error is None or roots[0].error is not None):
        return [
            _span(span, turn, common | (told if span is roots[0] else {})) for span in turn.spans
        ]
    ended_ns = turn.ended_ns or turn.started_ns
    own = WireSpan(
        trace_id=trace_id_of(turn.id),
        span_id=span_id_of(f"{turn.id}/root") if turn.spans else turn_span_id(turn.id),
        name=f"invoke_workflow {turn.name}" if turn.name else "invoke_workflow",
        started_ns=turn.started_ns,
        ended_ns=ended_ns,
        attributes=common
        | {"gen_ai.operation.name": "invoke_workflow"}
        | told
        | _error_type(turn.error),
        events=_exception(turn.error, ended_ns),
        is_error=turn.status in _UNSUCCESSFUL,
        error=turn.error.message if turn.error else "",
    )
    return [own, *(_span(span, turn, common, root=own.span_id) for span in turn.spans)]


def turn_span_id(turn_id: str) -> bytes:
    """Return the span that a judgement of a turn hangs on: its first one."""
    return span_id_of(turn_id)


def wire_id(span_id: str, turn_id: str) -> bytes:
    """Return the eight bytes of one of a turn's spans."""
    return turn_span_id(turn_id) if span_id == f"{turn_id}.0" else span_id_of(span_id)


def conversation_attributes(conversation: ConversationFacts | None) -> Attributes:
    """Name the conversation; never by an id that the application did not give."""
    if conversation is None or conversation.is_generated:
        return {}
    return {"gen_ai.conversation.id": conversation.thread_id}


def _of_turn(turn: Turn, conversation: ConversationFacts | None) -> Attributes:
    user = turn.user_id or (conversation.user_id if conversation else None)
    return given(
        {
            "user.id": user,
            "threadline.turn.id": turn.id,
            "threadline.turn.kind": turn.kind,
            "threadline.turn.status": str(turn.status),
            "threadline.turn.continues": turn.continues,
            "threadline.tenant": turn.tenant,
            "threadline.tags": list(turn.tags),
            "threadline.release": turn.release,
            "deployment.environment.name": turn.environment,
            "gen_ai.input.messages": messages_text(m for m in turn.messages if m.role == USER),
            "gen_ai.output.messages": messages_text(
                [m for m in turn.messages if m.role == ASSISTANT][-1:], finish_reason="stop"
            ),
            **metadata_attributes(turn.metadata),
        }
    )


def _span(span: Span, turn: Turn, common: Attributes, *, root: bytes = b"") -> WireSpan:
    operation = _OPERATIONS.get(span.kind)
    subject = _subject(span)
    name = span.name if operation is None else f"{operation} {subject}".rstrip()
    attributes = given({"gen_ai.operation.name": operation, "threadline.span.kind": span.kind})
    reader = _BY_KIND.get(span.kind)
    ended = span.ended_ns or turn.ended_ns or span.started_ns
    return WireSpan(
        trace_id=trace_id_of(turn.id),
        span_id=wire_id(span.id, turn.id),
        parent_id=root if span.parent_id is None else wire_id(span.parent_id, turn.id),
        name=name,
        kind="client" if span.kind in _REMOTE else "internal",
        started_ns=span.started_ns,
        ended_ns=max(ended, span.started_ns),
        attributes=common
        | attributes
        | (given(reader(span)) if reader else {})
        | _error_type(span.error)
        | _status(span),
        events=_events(span) + _exception(span.error, span.ended_ns or span.started_ns),
        is_error=span.status in _UNSUCCESSFUL,
        error=span.error.message if span.error else "",
    )


def _subject(span: Span) -> str:
    return (span.model or "") if span.kind in {"llm", "embedding"} else span.name


def _status(span: Span) -> Attributes:
    return {} if span.status == "ok" else {"threadline.status": span.status}


def _error_type(error: Failure | None) -> Attributes:
    return {} if error is None else {"error.type": error.type}


def _events(span: Span) -> tuple[WireEvent, ...]:
    return tuple(
        WireEvent(name=one.name, at_ns=one.at_ns, attributes=metadata_attributes(one.metadata))
        for one in span.events
    )


def _exception(error: Failure | None, at_ns: int) -> tuple[WireEvent, ...]:
    if error is None:
        return ()
    told = {"exception.type": error.type, "exception.message": error.message}
    return (WireEvent(name="exception", at_ns=at_ns, attributes=told),)


def _model_call(span: Span) -> Attributes:
    first_chunk = span.time_to_first_chunk_ns
    instructions = [m for m in span.input_messages if m.role == SYSTEM]
    said = [m for m in span.input_messages if m.role != SYSTEM]
    return {
        "gen_ai.provider.name": span.provider,
        "gen_ai.request.model": span.model,
        "gen_ai.response.model": span.model,
        "gen_ai.response.finish_reasons": [span.finish_reason] if span.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": None if first_chunk is None else first_chunk / 1e9,
        "gen_ai.request.stream": None if first_chunk is None else True,
        "gen_ai.system_instructions": instructions_text(instructions),
        "gen_ai.input.messages": messages_text(said),
        "gen_ai.output.messages": messages_text(
            span.output_messages, finish_reason=span.finish_reason or "stop"
        ),
        "gen_ai.tool.definitions": definitions_text(span.tools),
        "gen_ai.prompt.name": span.prompt.name if span.prompt else None,
        **_parameters(span),
        **_usage(span),
    }


def _parameters(span: Span) -> Attributes:
    """Return what was asked for, in the types that the conventions name."""
    found: Attributes = {}
    for name, value in span.parameters.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            if name in _FRACTIONS:
                found[_FRACTIONS[name]] = float(value)
            elif name in _COUNTS and float(value).is_integer():
                found[_COUNTS[name]] = int(value)
    if found.get("gen_ai.request.choice.count") == 1:
        del found["gen_ai.request.choice.count"]
    return found | {"gen_ai.request.stop_sequences": _stops(span.parameters)}


def _stops(parameters: Mapping[str, Any]) -> list[str]:
    for stops in map(parameters.get, _STOPS):
        if isinstance(stops, str):
            return [stops]
        if isinstance(stops, list):
            return [str(text) for text in cast("list[Any]", stops)]
    return []


def _usage(span: Span) -> Attributes:
    usage = span.usage
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }


def _tool(span: Span) -> Attributes:
    return {
        "gen_ai.tool.name": span.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": span.call_id,
        "gen_ai.tool.call.arguments": json_text(span.arguments),
        "gen_ai.tool.call.result": json_text(span.result),
    }


def _retrieval(span: Span) -> Attributes:
    return {
        "gen_ai.retrieval.query.text": span.query,
        "gen_ai.retrieval.documents": documents_text(span.documents),
    }


def _embedding(span: Span) -> Attributes:
    return {
        "gen_ai.provider.name": span.provider,
        "gen_ai.request.model": span.model,
        **_usage(span),
    }


_BY_KIND: Final[dict[str, Callable[[Span], Attributes]]] = {
    "llm": _model_call,
    "tool": _tool,
    "retriever": _retrieval,
    "embedding": _embedding,
    "agent": lambda span: {"gen_ai.agent.name": span.name},
    "workflow": lambda span: {"gen_ai.workflow.name": span.name},
}


def metadata_attributes(metadata: Mapping[str, Any]) -> Attributes:
    """Return metadata under names of ours; what no attribute can hold as JSON."""
    return {
        f"threadline.metadata.{key}": value if isinstance(value, int | float) else json_text(value)
        for key, value in metadata.items()
    }
