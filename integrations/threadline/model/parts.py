"""What a message is made of: parts, as in the OpenTelemetry GenAI message schema.

Source: semantic conventions v1.41.1, `docs/gen-ai/`, JSON schemas of input and output messages.
What is not recognised is kept as a `GenericPart`, never dropped.
"""

from __future__ import annotations

from typing import Any

import msgspec


class TextPart(
    msgspec.Struct, frozen=True, gc=False, tag="text", tag_field="type", omit_defaults=True
):
    """Words. `extra` holds what came beside them, such as citations."""

    content: str
    extra: dict[str, Any] | None = None


class ReasoningPart(
    msgspec.Struct, frozen=True, gc=False, tag="reasoning", tag_field="type", omit_defaults=True
):
    """What a model thought before it spoke; `extra` holds signatures and the like."""

    content: str
    extra: dict[str, Any] | None = None


class ToolCallPart(
    msgspec.Struct, frozen=True, gc=False, tag="tool_call", tag_field="type", omit_defaults=True
):
    """A model's request to execute a tool; the execution is a `ToolObservation`."""

    name: str
    arguments: Any = None
    id: str | None = None


class ToolCallResponsePart(
    msgspec.Struct,
    frozen=True,
    gc=False,
    tag="tool_call_response",
    tag_field="type",
    omit_defaults=True,
):
    """What a tool answered, as the model was told."""

    response: Any = None
    id: str | None = None
    error: bool = False


class BlobPart(
    msgspec.Struct, frozen=True, gc=False, tag="blob", tag_field="type", omit_defaults=True
):
    """Bytes that came inside the message: an image, a sound, a document."""

    content: bytes
    mime_type: str | None = None
    modality: str | None = None
    extra: dict[str, Any] | None = None


class FilePart(
    msgspec.Struct, frozen=True, gc=False, tag="file", tag_field="type", omit_defaults=True
):
    """A file that the provider holds, by its id there."""

    file_id: str
    mime_type: str | None = None
    modality: str | None = None
    extra: dict[str, Any] | None = None


class UriPart(
    msgspec.Struct, frozen=True, gc=False, tag="uri", tag_field="type", omit_defaults=True
):
    """Content that lives elsewhere, by its address."""

    uri: str
    mime_type: str | None = None
    modality: str | None = None
    extra: dict[str, Any] | None = None


class GenericPart(msgspec.Struct, frozen=True, gc=False, tag="generic", tag_field="type"):
    """Anything else, kept as it came; `kind` is the type the framework gave it."""

    kind: str
    value: Any = None


Part = (
    TextPart
    | ReasoningPart
    | ToolCallPart
    | ToolCallResponsePart
    | BlobPart
    | FilePart
    | UriPart
    | GenericPart
)
