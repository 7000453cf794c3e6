"""A model call as a completion of Freeplay: the whole prompt, and last of all the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.ingest.freeplay_prompt import case_of, prompt_fields
from threadline.ingest.freeplay_steps import error_text
from threadline.ingest.freeplay_values import given, seconds
from threadline.model.message import ASSISTANT
from threadline.model.openai_chat import chat_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.model.span import Span


def completion_body(
    span: Span,
    ident: str,
    parent: str,
    *,
    metadata: Mapping[str, Any],
    session_metadata: dict[str, Any],
) -> dict[str, Any]:
    """Return the body of the request that records a model call.

    Args:
        span: The model call.
        ident: Its id there.
        parent: The id of what it stands below.
        metadata: That of its turn.
        session_metadata: What is told of its conversation.
    """
    return given(
        {
            "completion_id": ident,
            "parent_id": parent,
            "messages": _messages(span),
            "tool_schema": list(span.tools) or None,
            "session_info": {"custom_metadata": session_metadata} if session_metadata else None,
            "call_info": _call_info(span),
            "test_run_info": case_of(metadata),
            "eval_results": {"llm_error": True} if span.error is not None else None,
            **prompt_fields(span.prompt, metadata),
        }
    )


def _messages(span: Span) -> list[dict[str, Any]]:
    """Return what the model was sent and what it said; there is an answer, were it an empty one.

    The last message counts as the answer: without one it would be the user's.
    """
    said = chat_messages(span.output_messages)
    if not said:
        words = "" if span.error is None else error_text(span.error)
        said = [{"role": ASSISTANT, "content": words}]
    return [*chat_messages(span.input_messages), *said]


def _call_info(span: Span) -> dict[str, Any]:
    usage = span.usage
    tokens = None
    if usage is not None and usage.input_tokens is not None and usage.output_tokens is not None:
        tokens = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    return given(
        {
            "provider": span.provider,
            "model": span.model,
            "start_time": seconds(span.started_ns),
            "end_time": seconds(max(span.ended_ns or 0, span.started_ns)),
            "llm_parameters": span.parameters or None,
            "usage": tokens,
        }
    )
