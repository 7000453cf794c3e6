"""What went into a span and what came out of it, whole: messages, arguments, documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model import ReasoningPart, TextPart, ToolCallPart, ToolCallResponsePart
from threadline.render.chat import LINE_WIDTH, document_line
from threadline.render.entries import Content
from threadline.render.printable import one_line, printable
from threadline.render.values import (
    UNFINISHED,
    arguments_text,
    bracketed,
    call_text,
    json_text,
    tool_text,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.model import Document, Message, Part, Prompt, Span

_NAME_WIDTH: Final = 60


def span_contents(span: Span) -> tuple[Content, ...]:
    """Tell what a span was given and what it gave, in that order, every text printable."""
    return (
        *_settings(span),
        *_prompt(span.prompt),
        *(message_content("sent", message) for message in span.input_messages),
        *_silence(span),
        *(message_content("said", message) for message in span.output_messages),
        *_value("arguments", arguments_text(span.arguments)),
        *_value("result", value_text(span.result)),
        *_value("query", span.query or ""),
        *(_document(document) for document in span.documents),
    )


def _settings(span: Span) -> Iterator[Content]:
    yield from _value("parameters", arguments_text(span.parameters))
    yield from _value("tools", ", ".join(tool_text(tool) for tool in span.tools))


def _prompt(prompt: Prompt | None) -> Iterator[Content]:
    if prompt is None:
        return
    version = f"version {prompt.version}" if prompt.version else ""
    named = " · ".join(filter(None, (prompt.name, version, prompt.environment)))
    variables = "\n".join(
        one_line(f"{name}={json_text(value)}", width=LINE_WIDTH)
        for name, value in prompt.variables.items()
    )
    if named or variables:
        yield Content(what="prompt", about=one_line(named, width=LINE_WIDTH), text=variables)


def _silence(span: Span) -> Iterator[Content]:
    if span.kind == "llm" and not span.input_messages:
        yield Content(what="sent", text="(nothing recorded)")


def message_content(what: str, message: Message) -> Content:
    """Tell all that a message says, as the model was sent it or said it."""
    answered = [p for p in message.parts if isinstance(p, ToolCallResponsePart)]
    names = [message.role, message.name or "", *(f"answers {p.id}" for p in answered if p.id)]
    about = " · ".join(one_line(name, width=_NAME_WIDTH) for name in names if name)
    if message.partial:
        about += f" · {UNFINISHED}"
    texts = [_part(part) for part in message.parts]
    return Content(what=what, about=about, text=printable("\n".join(filter(None, texts))))


def _part(part: Part) -> str:
    match part:
        case TextPart():
            return part.content
        case ReasoningPart():
            return f"thought: {part.content}"
        case ToolCallPart():
            return call_text(part.name, part.arguments) + (f"  {part.id}" if part.id else "")
        case ToolCallResponsePart():
            return ("failed: " if part.error else "") + value_text(part.response)
        case _:
            return bracketed(part)


def _value(what: str, text: str) -> Iterator[Content]:
    if text:
        yield Content(what=what, text=printable(text))


def _document(document: Document) -> Content:
    metadata = arguments_text(document.metadata)
    text = "\n".join(filter(None, (document.text, f"({metadata})" if metadata else "")))
    return Content(
        what="document", about=document_line(document, is_whole=True), text=printable(text)
    )
