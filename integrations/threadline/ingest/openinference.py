"""Our records in the names of OpenInference: the only place that knows them.

The shape of a trace is that of `gen_ai`; each span gets the attributes of this vocabulary in the
place of the other's. What it has no name for stands under `threadline.`, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from threadline.ingest import gen_ai
from threadline.ingest.gen_ai_content import given, json_text
from threadline.ingest.openinference_messages import listed, messages_under
from threadline.ingest.otlp_notes import span_of_note
from threadline.model.feedback import Rating

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.ingest.destination import ConversationFacts
    from threadline.ingest.wire_span import WireSpan
    from threadline.model.feedback import Event, Feedback
    from threadline.model.span import Span
    from threadline.model.turn import Turn

Attributes = dict[str, Any]

_KIND: Final = "openinference.span.kind"
_KINDS: Final = {
    "workflow": "CHAIN",
    "agent": "AGENT",
    "llm": "LLM",
    "tool": "TOOL",
    "retriever": "RETRIEVER",
    "embedding": "EMBEDDING",
    "step": "CHAIN",
}
_ANNOTATORS: Final = {"user": "HUMAN", "code": "CODE"}
_JSON: Final = "application/json"
_GEN_AI: Final = "gen_ai."


def spans_of(turn: Turn, conversation: ConversationFacts | None) -> list[WireSpan]:
    """Return the trace of a turn."""
    told = gen_ai.spans_of(turn, conversation)
    spans = [None] * (len(told) - len(turn.spans)) + list(turn.spans)
    whose = _whose(conversation)
    return [
        _with(wire, whose | _of_span(span) | ({} if wire.parent_id else _of_turn(turn)))
        for wire, span in zip(told, spans, strict=True)
    ]


def note_span(note: Rating | Feedback | Event, conversation: ConversationFacts | None) -> WireSpan:
    """Return a judgement or a happening as a span; a rating is an annotation of its trace."""
    told: Attributes = {_KIND: "CHAIN"}
    if isinstance(note, Rating):
        scope = "session" if note.turn_id is None else "trace"
        told = {_KIND: "EVALUATOR"} | listed(f"{scope}.annotations", [_annotation(note)])
    return _with(span_of_note(note, conversation), _whose(conversation) | told)


def _with(wire: WireSpan, attributes: Attributes) -> WireSpan:
    ours = {k: v for k, v in wire.attributes.items() if not k.startswith(_GEN_AI)}
    return replace(wire, attributes=ours | given(attributes))


def _whose(conversation: ConversationFacts | None) -> Attributes:
    """Name the session; never by an id that the application did not give."""
    if conversation is None:
        return {}
    session = None if conversation.is_generated else conversation.thread_id
    return given({"session.id": session, "user.id": conversation.user_id})


def _of_turn(turn: Turn) -> Attributes:
    return given(
        {
            "user.id": turn.user_id,
            "tag.tags": list(turn.tags),
            "metadata": json_text(turn.metadata or None),
            "input.value": turn.input or None,
            "output.value": turn.output or None,
        }
    )


def _of_span(span: Span | None) -> Attributes:
    if span is None:
        return {_KIND: "CHAIN"}
    reader = _BY_KIND.get(span.kind)
    return {_KIND: _KINDS.get(span.kind, "UNKNOWN")} | (reader(span) if reader else {})


def _model_call(span: Span) -> Attributes:
    asked = [message.text for message in span.input_messages if message.text]
    said = [message.text for message in span.output_messages if message.text]
    definitions = [{"tool.json_schema": json_text(tool)} for tool in span.tools]
    return {
        "llm.model_name": span.model,
        "llm.provider": span.provider,
        "llm.invocation_parameters": json_text(span.parameters or None),
        "llm.finish_reason": span.finish_reason,
        "input.value": asked[-1] if asked else None,
        "output.value": said[-1] if said else None,
        **messages_under("llm.input_messages", span.input_messages),
        **messages_under("llm.output_messages", span.output_messages),
        **listed("llm.tools", definitions),
        **_prompt(span),
        **_usage(span),
    }


def _prompt(span: Span) -> Attributes:
    prompt = span.prompt
    if prompt is None:
        return {}
    return {
        "prompt.id": prompt.name,
        "llm.prompt_template.version": prompt.version,
        "llm.prompt_template.variables": json_text(prompt.variables or None),
    }


def _usage(span: Span) -> Attributes:
    usage = span.usage
    if usage is None:
        return {}
    return {
        "llm.token_count.prompt": usage.input_tokens,
        "llm.token_count.completion": usage.output_tokens,
        "llm.token_count.total": usage.total_tokens,
        "llm.token_count.prompt_details.cache_read": usage.cache_read_tokens,
        "llm.token_count.prompt_details.cache_write": usage.cache_write_tokens,
        "llm.token_count.completion_details.reasoning": usage.reasoning_tokens,
    }


def _tool(span: Span) -> Attributes:
    return {
        "tool.name": span.name,
        "tool.id": span.call_id,
        **_value("input", span.arguments),
        **_value("output", span.result),
    }


def _retrieval(span: Span) -> Attributes:
    found = [
        given(
            {
                "document.id": document.id,
                "document.score": document.score,
                "document.content": document.text,
                "document.metadata": json_text(document.metadata or None),
            }
        )
        for document in span.documents
    ]
    return {"input.value": span.query, **listed("retrieval.documents", found)}


def _embedding(span: Span) -> Attributes:
    return {"embedding.model_name": span.model, **_usage(span)}


_BY_KIND: Final[dict[str, Callable[[Span], Attributes]]] = {
    "llm": _model_call,
    "tool": _tool,
    "retriever": _retrieval,
    "embedding": _embedding,
    "agent": lambda span: {"agent.name": span.name},
}


def _value(side: str, value: Any) -> Attributes:
    """Return a value and, where it is no text, that it is JSON."""
    if value is None:
        return {}
    told: Attributes = {f"{side}.value": json_text(value)}
    return told if isinstance(value, str) else told | {f"{side}.mime_type": _JSON}


def _annotation(rating: Rating) -> Attributes:
    return given(
        {
            "annotation.name": rating.name,
            "annotation.score": rating.value,
            "annotation.label": rating.label,
            "annotation.explanation": rating.comment,
            "annotation.annotator_kind": _ANNOTATORS.get(rating.source, "LLM"),
            "annotation.identifier": rating.id,
        }
    )
