"""Plays what Haystack really told a tracer: the recorded spans and tags, in the recorded order.

A stream is one file in `haystack/`. Its first line says which versions sent it; each other line is
`start`, `tag`, `content`, `error` or `end` of a span: `parent_arg` is the `parent_span` argument,
`ctx_parent` what a context variable told, `thread` a pool's thread. Messages and documents are
dicts, tools and callbacks their class in angle brackets; the specifications of inputs and outputs
were left out.
"""

from __future__ import annotations

import contextvars
import functools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from haystack import Document
from haystack.core.errors import BreakpointException, PipelineRuntimeError
from haystack.dataclasses import (
    ChatMessage,
    ChatRole,
    GeneratedAnswer,
    ReasoningContent,
    TextContent,
    ToolCall,
    ToolCallResult,
)

if TYPE_CHECKING:
    from haystack.tracing.tracer import Span, Tracer

FOLDER = Path(__file__).parent / "haystack"
STREAMS = tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))
_GIVES = {
    "MockChatGenerator": ["replies"],
    "Slow": ["replies"],
    "Boom": ["replies"],
    "InMemoryBM25Retriever": ["documents"],
    "Agent": ["messages", "last_message"],
    "SuperComponent": ["replies"],
    "DemoConnector": ["name", "trace_id"],
}


@functools.cache
def read_stream(name: str) -> tuple[dict[str, Any], ...]:
    """Return the lines of a stream behind the first."""
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return tuple(json.loads(line) for line in lines[1:])


class Player:
    """Plays streams into a tracer. The same text is the same string, as it is in one process."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._texts: dict[str, str] = {}
        self._calls: dict[str, ToolCall] = {}

    def play(self, name: str) -> None:
        """Play one stream."""
        events = read_stream(name)
        spans: dict[str, Any] = {}
        entered: dict[str, Span] = {}
        contexts: dict[str | None, contextvars.Context] = {None: contextvars.copy_context()}
        errors: dict[str, BaseException] = {}
        for event in events:
            label = event["span"]
            if event["ev"] == "start":
                parent = entered.get(event["parent_arg"] or "")
                context = contexts[event["ctx_parent"]].copy()
                contexts[label] = context
                spans[label] = context.run(
                    self._tracer.trace, event["op"], tags=self._tags(event), parent_span=parent
                )
                entered[label] = context.run(spans[label].__enter__)
            elif event["ev"] == "tag":
                contexts[label].run(entered[label].set_tag, event["key"], event["value"])
            elif event["ev"] == "content":
                value = self._rebuilt(event["value"])
                contexts[label].run(entered[label].set_content_tag, event["key"], value)
            elif event["ev"] == "error":
                errors[label] = _error(event)
            elif event["ev"] == "ctx_reset_failed":
                contexts[label] = contextvars.copy_context()
            else:
                error = errors.get(label)
                contexts[label].run(spans[label].__exit__, type(error), error, None)

    def _tags(self, event: dict[str, Any]) -> dict[str, Any]:
        tags = {key: self._rebuilt(value) for key, value in event["tags"].items()}
        kind = tags.get("haystack.component.type")
        if kind is not None:
            tags["haystack.component.output_spec"] = _specification(kind)
        return tags

    def _rebuilt(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "role" in value and ("text" in value or len(value) > 1) and "content" not in value:
                return self._message(value)
            if "doc" in value:
                fields = {key: value[key] for key in ("id", "score", "meta")}
                return Document(content=value["doc"], **fields)
            return {key: self._rebuilt(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._rebuilt(item) for item in value]
        if isinstance(value, str) and value.endswith("Tool>"):
            return SimpleNamespace(name="ask_sub" if "Component" in value else "add")
        if value == "<GeneratedAnswer>":
            return GeneratedAnswer("Paris.", "Who?", [])
        return self._same(value) if isinstance(value, str) else value

    def _message(self, value: dict[str, Any]) -> ChatMessage:
        parts: list[Any] = [ReasoningContent(text) for text in value.get("reasoning", ())]
        parts += [TextContent(self._same(text)) for text in value.get("text", ())]
        for call in value.get("tool_calls", ()):
            made = ToolCall(call["name"], call["args"], call["id"])
            self._calls[call["id"]] = made
            parts.append(made)
        for result in value.get("tool_results", ()):
            origin = self._calls[result["origin"]]
            parts.append(ToolCallResult(result["result"], origin, bool(result["error"])))
        return ChatMessage(ChatRole(value["role"]), parts, None, dict(value.get("meta", {})))

    def _same(self, text: str) -> str:
        return self._texts.setdefault(text, text)


def _specification(kind: str) -> dict[str, Any]:
    return {key: {} for key in _GIVES.get(kind, ["value"])}


def _error(event: dict[str, Any]) -> BaseException:
    kind, words = event["etype"], event["msg"]
    if kind == "BreakpointException":
        return BreakpointException.__new__(BreakpointException, words)
    error: BaseException
    if kind == "PipelineRuntimeError":
        error = PipelineRuntimeError(None, None, words)
        cause = str(event["cause"])
        error.__cause__ = type(cause, (Exception,), {})("boom inside")
        return error
    base = BaseException if kind in {"CancelledError", "GeneratorExit"} else Exception
    error = type(kind, (base,), {})(words)
    return error
