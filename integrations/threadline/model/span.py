"""Spans: how a turn came about. One timed operation each, with a parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from threadline.actions import act
from threadline.model.feedback import Event
from threadline.model.message import Message
from threadline.model.shown import Shown

if TYPE_CHECKING:
    from threadline.model.difference import Difference

SpanKind = Literal["workflow", "agent", "llm", "tool", "retriever", "embedding", "step"]
SpanStatus = Literal["ok", "error", "stopped", "cancelled", "interrupted", "abandoned", "running"]


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Tokens of one model call. Details are part of their totals, as in OpenTelemetry GenAI."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)


class Prompt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the input of a model call came from."""

    name: str | None = None
    version: str | None = None
    environment: str | None = None
    variables: dict[str, Any] = {}


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a retriever found."""

    text: str
    id: str | None = None
    score: float | None = None
    metadata: dict[str, Any] = {}


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something failed: the exception's type and its words."""

    type: str
    message: str = ""


class Span(
    Shown,
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="record",
    tag="span",
):
    """One timed operation. Which fields are filled depends on `kind`.

    All: `id`, `parent_id` (None for the turn's own root), `name`, times in nanoseconds, `status`.
    `llm`: `model` to `output_messages`. `tool`: `call_id`, `arguments`, `result`.
    `retriever`: `query`, `documents`.
    """

    id: str
    kind: SpanKind
    name: str
    status: SpanStatus
    started_ns: int
    ended_ns: int | None = None
    parent_id: str | None = None
    run_id: str | None = None
    error: Failure | None = None
    model: str | None = None
    provider: str | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    first_chunk_ns: int | None = None
    parameters: dict[str, Any] = {}
    tools: tuple[dict[str, Any], ...] = ()
    prompt: Prompt | None = None
    input_messages: tuple[Message, ...] = ()
    output_messages: tuple[Message, ...] = ()
    call_id: str | None = None
    arguments: Any = None
    result: Any = None
    query: str | None = None
    documents: tuple[Document, ...] = ()
    attributes: dict[str, Any] = {}
    events: tuple[Event, ...] = ()

    @property
    def duration_ns(self) -> int | None:
        """How long it took; None while it runs; never negative, whatever the clocks did."""
        return None if self.ended_ns is None else max(0, self.ended_ns - self.started_ns)

    def diff(self, other: Span) -> Difference:
        """Compare with another span: of two model calls what each was sent and said."""
        return act("diff_spans", self, other)

    @property
    def time_to_first_chunk_ns(self) -> int | None:
        """How long the first chunk of a streamed answer took, if it was streamed."""
        if self.first_chunk_ns is None:
            return None
        return max(0, self.first_chunk_ns - self.started_ns)
