"""From rows to the model: spans and tool observations."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from threadline.ids import unpack_id
from threadline.model.parts import ToolCallPart, ToolCallResponsePart
from threadline.model.span import Document, Failure, Prompt, Span, Usage
from threadline.model.turn import Decision, ToolObservation
from threadline.store.framework_ids import run_named_by
from threadline.store.prompts import with_repeats
from threadline.store.schema import SPAN_KINDS, STATUSES, word_of
from threadline.store.values import unpack_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from threadline.model.message import Message
    from threadline.model.span import SpanKind, SpanStatus
    from threadline.model.turn import Outcome
    from threadline.store.message_rows import Positions
    from threadline.store.turn_rows import Gathered, ObservationRow, SpanRow, TurnRow

_RUNNING: Final = "running"
_ABANDONED: Final = "abandoned"


class SpanBuilder:
    """Rebuilds the spans and the tool observations of one turn."""

    def __init__(
        self, turn: TurnRow, gathered: Gathered, positions: Positions, *, is_dead: bool
    ) -> None:
        self._turn = turn
        self._id = unpack_id(turn.turn_id)
        self._key = _uuid_or_none(unpack_id(turn.continues or turn.turn_id))
        self._gathered = gathered
        self._positions = positions
        self._is_dead = is_dead
        self._blob = partial(gathered.blob, turn.conversation)
        self._events = gathered.notes.of_turn(self._id).span_events

    def observations(self) -> tuple[ToolObservation, ...]:
        """Return the turn's tool observations, in call order."""
        return tuple(self._observation(row) for row in self._gathered.observations[self._turn.id])

    def spans(self, observations: tuple[ToolObservation, ...]) -> tuple[Span, ...]:
        """Return the turn's spans; those of tools know what `observations` tell of them."""
        told = {span_id: seen for seen in observations for span_id in seen.span_ids}
        return tuple(self._span(row, told) for row in self._gathered.spans[self._turn.id])

    def _span(self, row: SpanRow, told: Mapping[str, ToolObservation]) -> Span:
        ident = f"{self._id}.{row.n}"
        detail = self._detail(row)
        request = self._blob_json(row.request)
        seen = told.get(ident)
        return Span(
            id=ident,
            kind=cast("SpanKind", word_of(row.kind, SPAN_KINDS)),
            name=row.name or self._turn.name or "",
            status=self._status(row),
            started_ns=self._turn.started_ns + row.started,
            ended_ns=self._absolute(row.ended),
            parent_id=None if row.parent is None else f"{self._id}.{row.parent}",
            run_id=self._run_id(row),
            error=failure_from(detail.get("error")),
            model=row.model,
            provider=row.provider,
            usage=_usage(row),
            finish_reason=row.finish_reason,
            first_chunk_ns=self._absolute(row.first_chunk),
            parameters=_mapping(request.get("parameters")),
            tools=tuple(_mapping(tool) for tool in request.get("tools") or ()),
            prompt=self._prompt(row, detail),
            input_messages=self._positions.among(row.input),
            output_messages=self._positions.among(row.output),
            call_id=detail.get("call_id") if seen is None else seen.call_id,
            arguments=detail.get("arguments") if seen is None else seen.arguments,
            result=detail.get("result") if seen is None else seen.result,
            query=detail.get("query"),
            documents=tuple(self._documents(detail)),
            attributes=_attributes(detail),
            events=tuple(self._events.get(self._run_id(row) or "", ())),
        )

    def _run_id(self, row: SpanRow) -> str | None:
        if row.run_id is None:
            return self._key
        if row.run_id:
            return unpack_id(row.run_id)
        answers = self._positions.among(row.output)
        return run_named_by(answers[0].framework_id) if answers else None

    def _detail(self, row: SpanRow) -> dict[str, Any]:
        if row.detail is not None and "$blob" in row.detail:
            return _mapping(unpack_value(row.detail, self._blob))
        return self._gathered.details.get((row.turn, row.n), {})

    def _status(self, row: SpanRow) -> SpanStatus:
        status = word_of(row.status, STATUSES)
        return cast("SpanStatus", _ABANDONED if self._is_dead and status == _RUNNING else status)

    def _absolute(self, relative_ns: int | None) -> int | None:
        return None if relative_ns is None else self._turn.started_ns + relative_ns

    def _blob_json(self, digest: bytes | None) -> dict[str, Any]:
        data = None if digest is None else self._blob(digest)
        return {} if data is None else _mapping(msgspec.json.decode(data))

    def _prompt(self, row: SpanRow, detail: dict[str, Any]) -> Prompt | None:
        value = _mapping(detail.get("prompt"))
        if not value:
            return None
        name, version, environment = (
            None if value.get(key) is None else str(value[key])
            for key in ("name", "version", "environment")
        )
        texts = [message.text for message in self._positions.among(row.input)]
        variables = with_repeats(value, texts)
        return Prompt(name=name, version=version, environment=environment, variables=variables)

    def _documents(self, detail: dict[str, Any]) -> Iterator[Document]:
        for document in detail.get("documents", ()):
            data = self._blob(bytes.fromhex(document["text"]))
            yield Document(
                text="" if data is None else data.decode(errors="replace"),
                id=document.get("id"),
                score=document.get("score"),
                metadata=_mapping(document.get("metadata")),
            )

    def _observation(self, row: ObservationRow) -> ToolObservation:
        asked = self._positions.at(row.call_at)
        return ToolObservation(
            id=f"{self._id}.t{row.n}",
            name=row.name,
            outcome=cast("Outcome", row.outcome),
            call_id=row.call_id,
            thought=self._thought(row, asked),
            arguments=self._arguments(row, asked),
            result=self._result(row),
            error=failure_from(None if row.error is None else msgspec.json.decode(row.error)),
            decision=None if row.decision is None else _decision(row.decision),
            started_ns=self._absolute(row.started),
            ended_ns=self._absolute(row.ended),
            span_ids=tuple(f"{self._id}.{n}" for n in (row.spans or "").split(",") if n),
            turn_id=self._id,
            message_id=None if asked is None else asked.id,
        )

    def _thought(self, row: ObservationRow, asked: Message | None) -> str | None:
        """Return what was said beside the call; of a logged tool, what the application told."""
        if asked is not None:
            return asked.text or asked.reasoning or None
        last = (row.spans or "").rpartition(",")[2]
        detail = self._gathered.details.get((row.turn, int(last)), {}) if last else {}
        thought = _mapping(detail.get("attributes")).get("thought")
        return thought if isinstance(thought, str) else None

    def _arguments(self, row: ObservationRow, asked: Message | None) -> Any:
        if row.arguments is not None:
            return unpack_value(row.arguments, self._blob)
        call = None if asked is None else _call_in(asked, row)
        return None if call is None else call.arguments

    def _result(self, row: ObservationRow) -> Any:
        if row.result is not None:
            return unpack_value(row.result, self._blob)
        answer = self._positions.at(row.result_at)
        if answer is None:
            return None
        responses = [part for part in answer.parts if isinstance(part, ToolCallResponsePart)]
        mine = [part for part in responses if part.id == row.call_id] or responses
        return mine[0].response if mine else answer.text


_decision: Final = msgspec.json.Decoder(Decision).decode


def failure_from(value: Any) -> Failure | None:
    """Read a failure that was written as a pair."""
    return None if value is None else Failure(*map(str, value))


def _call_in(message: Message, row: ObservationRow) -> ToolCallPart | None:
    """Find the call that an observation answers: by its id, where it has none by its name."""
    field, wanted = ("name", row.name) if row.call_id is None else ("id", row.call_id)
    return next((call for call in message.tool_calls if getattr(call, field) == wanted), None)


def _usage(row: SpanRow) -> Usage | None:
    usage = Usage(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
    )
    return None if usage == _NO_USAGE else usage


_NO_USAGE: Final = Usage()


def _attributes(detail: dict[str, Any]) -> dict[str, Any]:
    attributes = _mapping(detail.get("attributes"))
    return {**attributes, "internal": True} if detail.get("internal") else attributes


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _uuid_or_none(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
