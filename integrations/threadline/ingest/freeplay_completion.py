"""A model call as a completion of Freeplay: the whole prompt, and last of all the answer."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from threadline.ingest.freeplay_steps import error_text
from threadline.ingest.freeplay_values import given, seconds
from threadline.model.message import ASSISTANT
from threadline.model.openai_chat import chat_messages

if TYPE_CHECKING:
    from threadline.model.span import Prompt, Span


def completion_body(
    span: Span, ident: str, parent: str, session_metadata: dict[str, Any]
) -> dict[str, Any]:
    """Return the body of the request that records a model call."""
    return given(
        {
            "completion_id": ident,
            "parent_id": parent,
            "messages": _messages(span),
            "inputs": _inputs(span.prompt) or None,
            "tool_schema": list(span.tools) or None,
            "session_info": {"custom_metadata": session_metadata} if session_metadata else None,
            "prompt_info": _prompt_info(span.prompt),
            "call_info": _call_info(span),
            "eval_results": {"llm_error": True} if span.error is not None else None,
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


def _inputs(prompt: Prompt | None) -> dict[str, Any]:
    variables = prompt.variables if prompt is not None else {}
    return {name: value for name, value in variables.items() if value is not None}


def _prompt_info(prompt: Prompt | None) -> dict[str, Any] | None:
    """Name the version of the template; only Freeplay's own versions have a UUID."""
    if prompt is None or prompt.version is None:
        return None
    try:
        version = str(uuid.UUID(prompt.version))
    except ValueError:
        return None
    return given({"prompt_template_version_id": version, "environment": prompt.environment})


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
