"""The spans of a turn as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.capture.endings import span_status
from threadline.ids import unpack_id
from threadline.store.framework_ids import run_named_by
from threadline.store.prompts import without_repeats
from threadline.store.schema import SPAN_KINDS, STATUSES, code_of
from threadline.store.values import BLOB_LIMIT, encode_json, pack_value

if TYPE_CHECKING:
    from threadline.capture.bodies import BodySource
    from threadline.capture.events import Detail, DocumentRef, Ref
    from threadline.capture.message_sheet import MessageSheet
    from threadline.capture.observations import Observed
    from threadline.capture.open_turn import OpenSpan, OpenTurn
    from threadline.capture.sayings import Saying, Transcript
    from threadline.store.held import Held
    from threadline.store.rows import Rows
    from threadline.store.values import BlobShelf


class SpanSheet:
    """Writes the spans of one turn, which is called `name`, into `rows`."""

    def __init__(
        self,
        turn: OpenTurn,
        held: Held,
        rows: Rows,
        bodies: BodySource,
        messages: MessageSheet,
        *,
        row: int,
        name: str | None,
    ) -> None:
        self._turn = turn
        self._held = held
        self._rows = rows
        self._bodies = bodies
        self._messages = messages
        self._row = row
        self._name = name

    def add(self, transcript: Transcript, observed: list[Observed]) -> None:
        """Add the rows of all spans; runs that an observation tells of leave that to it."""
        told = {run.n for one in observed for run in one.runs}
        said = {s.span.n: s for s in transcript.said if s.span is not None}
        for span in self._turn.spans.values():
            self._rows.spans.append(self._span_row(span, said.get(span.n), told=span.n in told))

    def _span_row(self, span: OpenSpan, said: Saying | None, *, told: bool) -> tuple[Any, ...]:
        start, end = span.start, span.end
        begin, finish = start.detail, None if end is None else end.detail
        usage = None if finish is None else finish.usage
        is_llm = span.kind == "llm"
        outputs = span.outputs if is_llm else ()
        name = start.name
        model = (finish and finish.model) or (begin and begin.model) or None
        return (
            self._row,
            span.n,
            None if span.parent is None else span.parent.n,
            code_of(span.kind, SPAN_KINDS),
            code_of(span_status(self._turn, span), STATUSES),
            None if name == self._name else name,
            start.at_ns - self._turn.started_ns,
            None if end is None else end.at_ns - self._turn.started_ns,
            None if span.first_chunk_ns is None else span.first_chunk_ns - self._turn.started_ns,
            self._run_id(span, outputs, said),
            model,
            begin.provider if begin is not None else None,
            self._messages.positions_of(span.inputs) if is_llm else None,
            self._output_positions(outputs, said),
            self._request(span),
            *_usage_columns(usage),
            finish.finish_reason if finish is not None else None,
            self._detail(span, told=told),
        )

    def _output_positions(self, outputs: tuple[Ref, ...], said: Saying | None) -> str | None:
        """Where the answers are; one that was said may be named only after the model answered."""
        if said is not None and len(outputs) == 1:
            get = self._bodies.get
            if get(said.digest).parts == get(outputs[0][0]).parts:
                return str(said.position)
        return self._messages.positions_of(outputs)

    def _run_id(
        self, span: OpenSpan, outputs: tuple[Ref, ...], said: Saying | None
    ) -> bytearray | None:
        """The run's own id: none where it is the turn's, empty where the answer's id names it."""
        run = span.start.run
        if run == self._turn.key:
            return None
        is_named = said is not None and outputs and said.framework_id == outputs[0][1]
        if is_named and said is not None and run_named_by(said.framework_id) == unpack_id(run):
            return bytearray()
        return bytearray(run)

    def _request(self, span: OpenSpan) -> bytes | None:
        detail = span.start.detail
        if detail is None or detail.parameters is None:
            return None
        key = (0, detail.parameters)
        if key not in self._rows.blobs:
            self._rows.blobs[key] = encode_json(self._bodies.value(detail.parameters))
        return detail.parameters

    def _detail(self, span: OpenSpan, *, told: bool) -> str | None:
        """What has no column: the error, documents, the prompt, what a tool was given and gave."""
        known: dict[str, Any] = {}
        for one in (span.start.detail, None if span.end is None else span.end.detail):
            if one is not None:
                known.update(self._known(span, one, told=told))
        if span.kind == "tool" and not told and span.outputs:
            known.setdefault("result", self._bodies.get(span.outputs[0][0]).text)
        if span.end is not None and span.end.failure is not None:
            known["error"] = list(span.end.failure)
        return pack_value(known, self._rows.shelf) if known else None

    def _known(self, span: OpenSpan, detail: Detail, *, told: bool) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for name in _FREE_VALUES[:1] if told else _FREE_VALUES:
            data = getattr(detail, name)
            if data is not None:
                known[name] = packed(data, self._rows.shelf)
        if detail.prompt is not None:
            texts = [self._bodies.get(digest).text for digest, _ in span.inputs]
            known["prompt"] = without_repeats(self._bodies.value(detail.prompt), texts)
        if detail.call_id is not None and not told:
            known["call_id"] = detail.call_id
        if detail.internal:
            known["internal"] = True
        if detail.query is not None:
            known["query"] = detail.query
        if detail.documents:
            known["documents"] = [self._document(document) for document in detail.documents]
        return known

    def _document(self, document: DocumentRef) -> dict[str, Any]:
        text = self._bodies.get(document.digest).text
        self._rows.blobs[self._held.id, document.digest] = text.encode()
        packed: dict[str, Any] = {"text": document.digest.hex()}
        if document.id is not None:
            packed["id"] = document.id
        if document.score is not None:
            packed["score"] = document.score
        if document.metadata is not None:
            packed["metadata"] = msgspec.Raw(document.metadata)
        return packed

    def offered_tools(self) -> dict[int, set[str]]:
        """Return the names of the tools each model call was offered, by the span's number."""
        offered: dict[int, set[str]] = {}
        for span in self._turn.spans.values():
            detail = span.start.detail
            if span.kind == "llm" and detail is not None and detail.parameters is not None:
                value = self._bodies.value(detail.parameters)
                offered[span.n] = {_tool_name(tool) for tool in value.get("tools", ())}
        return offered


_FREE_VALUES: Final = ("attributes", "arguments", "result")


def packed(data: bytes, shelf: BlobShelf) -> msgspec.Raw:
    """Return JSON of the application's own; a large one with its strings on the shelf."""
    if len(data) > BLOB_LIMIT:
        data = pack_value(msgspec.json.decode(data), shelf).encode()
    return msgspec.Raw(data)


def _usage_columns(usage: Any) -> tuple[int | None, ...]:
    if usage is None:
        return (None,) * 5
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def _tool_name(tool: Any) -> str:
    function: Any = tool.get("function", tool) if hasattr(tool, "get") else {}
    return str(function.get("name", "")) if hasattr(function, "get") else ""
