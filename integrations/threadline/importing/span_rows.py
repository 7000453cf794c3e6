"""Spans and tool observations from elsewhere as rows of a store."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.ids import keyed_digest, pack_id
from threadline.importing.layout import messages_of
from threadline.model import ToolCallResponsePart
from threadline.store.positions import write_positions
from threadline.store.prompts import without_repeats
from threadline.store.schema import SPAN_KINDS, STATUSES, code_of
from threadline.store.values import encode_json, pack_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.importing.layout import Layout
    from threadline.model import Document, Failure, Message, Span, ToolObservation, Turn
    from threadline.store.rows import Rows


class TraceSheet:
    """Writes the spans and tool observations of one turn, whose row is `row`, into `rows`."""

    def __init__(self, turn: Turn, layout: Layout, rows: Rows, *, row: int, key: bytes) -> None:
        self._turn = turn
        self._layout = layout
        self._rows = rows
        self._row = row
        self._key = key
        self._run = _uuid_or_none(turn.continues or turn.id)
        self.span_numbers = _numbers((span.id for span in turn.spans), f"{turn.id}.")

    def add(self) -> None:
        """Add all rows; what an observation tells of a tool's span is left to it."""
        observed = {ident for seen in self._turn.tool_observations for ident in seen.span_ids}
        for span in self._turn.spans:
            self._rows.spans.append(self._span_row(span, told=span.id in observed))
        answers = _answers(self._turn)
        ids = (seen.id for seen in self._turn.tool_observations)
        numbers = _numbers(ids, f"{self._turn.id}.t")
        for seen in self._turn.tool_observations:
            self._rows.observations.append(
                self._observation_row(seen, numbers[seen.id], answers.get(seen.call_id))
            )

    def _span_row(self, span: Span, *, told: bool) -> tuple[Any, ...]:
        usage = span.usage
        return (
            self._row,
            self.span_numbers[span.id],
            self.span_numbers.get(span.parent_id or ""),
            code_of(span.kind, SPAN_KINDS),
            code_of(span.status, STATUSES),
            None if span.name == self._turn.name else span.name,
            _storable(span.started_ns - self._turn.started_ns),
            self._relative(span.ended_ns),
            self._relative(span.first_chunk_ns),
            self._run_id(span),
            span.model,
            span.provider,
            self._positions_of(span.input_messages),
            self._positions_of(span.output_messages),
            self._request(span),
            *(None if usage is None else getattr(usage, name) for name in _TOKENS),
            span.finish_reason,
            self._detail(span, told=told),
        )

    def _run_id(self, span: Span) -> bytes | str | None:
        """None where it is the turn's own, empty where there is none."""
        if span.run_id == self._run:
            return None
        return b"" if span.run_id is None else pack_id(span.run_id)

    def _positions_of(self, messages: Iterable[Message]) -> str | None:
        found = (self._layout.at(message.id) for message in messages)
        return write_positions(at for at in found if at is not None) or None

    def _request(self, span: Span) -> bytes | None:
        request = {"parameters": span.parameters, "tools": span.tools}
        request = {name: value for name, value in request.items() if value}
        if not request:
            return None
        data = encode_json(request)
        digest = keyed_digest(data, self._key)
        self._rows.blobs[0, digest] = data
        return digest

    def _detail(self, span: Span, *, told: bool) -> str | None:
        known: dict[str, Any] = {"attributes": span.attributes}
        if not told:
            known |= {name: getattr(span, name) for name in ("arguments", "result", "call_id")}
        known["query"] = span.query
        known["documents"] = [self._document(document) for document in span.documents]
        known = {name: value for name, value in known.items() if value not in _NOTHING}
        if span.prompt is not None:
            prompt: dict[str, Any] = {"variables": {}}
            prompt.update(msgspec.to_builtins(span.prompt))
            known["prompt"] = without_repeats(prompt, [m.text for m in span.input_messages])
        if span.error is not None:
            known["error"] = _pair(span.error)
        return pack_value(known, self._rows.shelf) if known else None

    def _document(self, document: Document) -> dict[str, Any]:
        packed: dict[str, Any] = msgspec.to_builtins(document)
        packed["text"] = self._rows.shelf.put(document.text.encode()).hex()
        return packed

    def _observation_row(
        self, seen: ToolObservation, number: int, answer: tuple[str, Any] | None
    ) -> tuple[Any, ...]:
        """What the messages tell of arguments and result is not written a second time."""
        shelf, asked = self._rows.shelf, self._asked(seen)
        call = next((c for c in asked.tool_calls if c.id == seen.call_id), None) if asked else None
        is_told = call is not None and call.arguments == seen.arguments
        result_at = None
        if answer is not None and seen.result is not None and answer[1] == seen.result:
            result_at = self._layout.at(answer[0])
        own_result = seen.result is not None and result_at is None
        spans = (self.span_numbers.get(ident) for ident in seen.span_ids)
        return (
            self._row,
            number,
            seen.name,
            seen.outcome,
            seen.call_id,
            None if asked is None else self._layout.at(asked.id),
            result_at,
            None if is_told else pack_value(seen.arguments, shelf),
            pack_value(seen.result, shelf) if own_result else None,
            None if seen.error is None else encode_json(_pair(seen.error)).decode(),
            self._relative(seen.started_ns),
            self._relative(seen.ended_ns),
            ",".join(str(n) for n in spans if n is not None) or None,
            None if seen.decision is None else encode_json(seen.decision).decode(),
        )

    def _asked(self, seen: ToolObservation) -> Message | None:
        return next((m for m in messages_of(self._turn) if m.id == seen.message_id), None)

    def _relative(self, at_ns: int | None) -> int | None:
        return None if at_ns is None else _storable(at_ns - self._turn.started_ns)


_DIGITS: Final = 8
_LARGEST: Final = 2**63 - 1
_TOKENS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_NOTHING: Final[tuple[object, ...]] = (None, {}, [])


def _answers(turn: Turn) -> dict[str | None, tuple[str, Any]]:
    """Return by call id the message that answers it, and what it answers."""
    return {
        part.id: (message.id, part.response)
        for message in turn.messages
        for part in message.parts
        if isinstance(part, ToolCallResponsePart) and part.id is not None
    }


def _numbers(ids: Iterable[str], before: str) -> dict[str, int]:
    """Return the number that each id ends in behind `before`; counted anew where one has none."""
    known = list(dict.fromkeys(ids))
    ends = [ident.removeprefix(before) for ident in known]
    if all(end.isascii() and end.isdigit() and len(end) <= _DIGITS for end in ends):
        numbers = {ident: int(end) for ident, end in zip(known, ends, strict=True)}
        if len(set(numbers.values())) == len(known):
            return numbers
    return {ident: number for number, ident in enumerate(known)}


def _storable(number: int) -> int:
    """Return the nearest number that a row can hold: clocks elsewhere may tell anything."""
    return max(-_LARGEST - 1, min(number, _LARGEST))


def _pair(failure: Failure) -> list[str]:
    return [failure.type, failure.message]


def _uuid_or_none(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
