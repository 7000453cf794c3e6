"""Turns a whole turn into rows: the last step of capture, inside the store's transaction."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.capture.observations import Observed, observe_tools
from threadline.capture.sayings import Reading, Saying, Transcript
from threadline.capture.transcript import read_transcript
from threadline.ids import pack_id
from threadline.model.message import USER, Body
from threadline.model.parts import GenericPart, TextPart
from threadline.store.framework_ids import pack_framework_id
from threadline.store.positions import write_positions
from threadline.store.prompts import without_repeats
from threadline.store.rows import Rows
from threadline.store.schema import KINDS, ROLES, SPAN_KINDS, STATUSES, TURN_KINDS, code_of
from threadline.store.values import BLOB_LIMIT, encode_json, pack_body, pack_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.capture.events import Ref
    from threadline.capture.identify import Belonging
    from threadline.capture.open_turn import OpenSpan, OpenTurn
    from threadline.store.held import Held

_SAID: Final = KINDS.index("said")
_PRELUDE: Final = KINDS.index("prelude")
_CONTEXT: Final = KINDS.index("context")
_PREVIEW: Final = 120
_DELETED: Final = Body("", (TextPart("[deleted]"),))


class Assembly:
    """Writes one turn into `rows`, against what `held` says of its conversation."""

    def __init__(
        self,
        turn: OpenTurn,
        belonging: Belonging,
        held: Held,
        rows: Rows,
        bodies: BodySource,
        *,
        row: int,
        process: int | None,
        continues: str | None = None,
    ) -> None:
        self._turn = turn
        self._belonging = belonging
        self._held = held
        self._rows = rows
        self._bodies = bodies
        self._row = row
        self._process = process
        self._continues = continues
        self._first_position = held.next_position

    def write(
        self, destinations: tuple[str, ...], deleted: Callable[[set[bytes]], set[bytes]]
    ) -> Transcript:
        """Add every row of the turn; `deleted` tells which message digests may not come back."""
        reading = Reading(self._turn, self._held, self._bodies.get, self._bodies.seal)
        transcript = read_transcript(reading)
        is_rest = self._turn.is_remainder
        is_trace = self._belonging.side_call or is_rest or not transcript.is_turn
        status = status_of(self._turn)
        gone = deleted({digest for digest, _ in transcript.prelude})
        for ref in transcript.prelude:
            self._add_message(ref, _CONTEXT if is_trace else _PRELUDE, gone=ref[0] in gone)
        for saying in transcript.said:
            self._add_saying(saying, _CONTEXT if is_trace else _SAID)
        observed = (
            []
            if is_trace
            else observe_tools(
                self._turn,
                transcript,
                self._bodies.get,
                self._offered_tools(),
                waits=status == "interrupted",
            )
        )
        self._add_spans(transcript, observed)
        self._add_observations(transcript, observed)
        self._add_turn(status, is_trace=is_trace)
        self._update_conversation(transcript, status, is_trace=is_trace)
        self._rows.keep_blobs(self._held.id)
        packed = pack_id(self._belonging.turn_id)
        kind = TURN_KINDS[is_trace]
        self._rows.outbox.extend((name, kind, self._held.id, packed) for name in destinations)
        return transcript

    # -- messages -----------------------------------------------------------------------------

    def _add_saying(self, saying: Saying, kind: int) -> None:
        saying.position = self._add_message(
            (saying.digest, saying.framework_id),
            kind,
            at_ns=saying.at_ns,
            partial=saying.partial,
            metadata='{"guessed":true}' if saying.guessed else None,
        )

    def _add_message(
        self,
        ref: Ref,
        kind: int,
        *,
        at_ns: int | None = None,
        partial: bool = False,
        metadata: str | None = None,
        gone: bool = False,
    ) -> int:
        digest, framework_id = ref
        body = self._bodies.get(digest)
        position = self._held.add(digest, body.role, kind, framework_id)
        text, parts = pack_body(_DELETED if gone else body, self._rows.shelf)
        self._rows.messages.append(
            (
                self._held.row_id(position),
                self._row if kind != _PRELUDE else None,
                kind,
                code_of(body.role, ROLES),
                body.name,
                text,
                parts,
                digest,
                pack_framework_id(framework_id),
                at_ns,
                1 if partial else None,
                metadata,
            )
        )
        return position

    def _positions(self, refs: tuple[Ref, ...]) -> str | None:
        """Where a model call's messages are; what is nowhere yet is added as its context."""
        positions: list[int] = []
        for ref in refs:
            position = self._held.find(ref[0], positions[-1] if positions else -1)
            if position is None:
                position = self._add_message(ref, _CONTEXT)
            positions.append(position)
        return write_positions(positions) or None

    # -- spans --------------------------------------------------------------------------------

    def _add_spans(self, transcript: Transcript, observed: list[Observed]) -> None:
        told = {run.n for one in observed for run in one.runs}
        said = {
            s.span.n: s.position
            for s in transcript.said
            if s.span is not None and s.span.kind == "llm"
        }
        for span in self._turn.spans.values():
            self._rows.spans.append(self._span_row(span, said.get(span.n), told=span.n in told))

    def _span_row(self, span: OpenSpan, said_at: int | None, *, told: bool) -> tuple[Any, ...]:
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
            code_of(_span_status(self._turn, span), STATUSES),
            None if name == self._belonging.name else name,
            start.at_ns - self._turn.started_ns,
            None if end is None else end.at_ns - self._turn.started_ns,
            None if span.first_chunk_ns is None else span.first_chunk_ns - self._turn.started_ns,
            None if start.run == self._turn.key else start.run,
            model,
            begin.provider if begin is not None else None,
            self._positions(span.inputs) if is_llm else None,
            self._output_positions(outputs, said_at),
            self._request(span),
            *_usage_columns(usage),
            finish.finish_reason if finish is not None else None,
            self._detail(span, told=told),
        )

    def _output_positions(self, outputs: tuple[Ref, ...], said_at: int | None) -> str | None:
        if said_at is not None and len(outputs) == 1:
            if self._held.digests[said_at] == outputs[0][0]:
                return str(said_at)
        return self._positions(outputs)

    def _request(self, span: OpenSpan) -> bytes | None:
        detail = span.start.detail
        if detail is None or detail.parameters is None:
            return None
        value = self._bodies.value(detail.parameters)
        self._rows.blobs[0, detail.parameters] = encode_json(value)
        return detail.parameters

    def _detail(self, span: OpenSpan, *, told: bool) -> str | None:
        """What has no column: the error, documents, the prompt, what a tool was given and gave."""
        detail: dict[str, Any] = {}
        for one in (span.start.detail, None if span.end is None else span.end.detail):
            if one is None:
                continue
            if one.call_id is not None and not told:
                detail["call_id"] = one.call_id
            if one.internal:
                detail["internal"] = True
            if one.query is not None:
                detail["query"] = one.query
            for name in ("arguments", "result", "attributes"):
                data = getattr(one, name)
                if data is not None and not (told and name != "attributes"):
                    detail[name] = self._packed(data)
            if one.documents:
                detail["documents"] = [self._document(d) for d in one.documents]
            if one.prompt is not None:
                texts = [self._bodies.get(digest).text for digest, _ in span.inputs]
                detail["prompt"] = without_repeats(self._bodies.value(one.prompt), texts)
        if span.kind == "tool" and not told and span.outputs and "result" not in detail:
            detail["result"] = self._bodies.get(span.outputs[0][0]).text
        if span.end is not None and span.end.failure is not None:
            detail["error"] = list(span.end.failure)
        return pack_value(detail, self._rows.shelf) if detail else None

    def _document(self, document: Any) -> dict[str, Any]:
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

    def _packed(self, data: bytes) -> msgspec.Raw:
        """JSON of the application's own, as it is or, if it is large, with its strings shelved."""
        if len(data) > BLOB_LIMIT:
            data = pack_value(msgspec.json.decode(data), self._rows.shelf).encode()
        return msgspec.Raw(data)

    def _offered_tools(self) -> dict[int, set[str]]:
        offered: dict[int, set[str]] = {}
        for span in self._turn.spans.values():
            detail = span.start.detail
            if span.kind == "llm" and detail is not None and detail.parameters is not None:
                value = self._bodies.value(detail.parameters)
                offered[span.n] = {_tool_name(tool) for tool in value.get("tools", ())}
        return offered

    # -- observations -------------------------------------------------------------------------

    def _add_observations(self, transcript: Transcript, observed: list[Observed]) -> None:
        for n, one in enumerate(observed):
            first, last = (one.runs[0], one.runs[-1]) if one.runs else (None, None)
            call_at = None if one.call_digest is None else self._where(one.call_digest, transcript)
            result_at, result = self._observed_result(one, transcript)
            end = None if last is None else last.end
            self._rows.observations.append(
                (
                    self._row,
                    n,
                    one.name,
                    one.outcome,
                    one.call_id,
                    call_at,
                    result_at,
                    self._observed_arguments(one),
                    result,
                    None
                    if end is None or end.failure is None
                    else encode_json(end.failure).decode(),
                    None if first is None else first.start.at_ns - self._turn.started_ns,
                    None if end is None else end.at_ns - self._turn.started_ns,
                    ",".join(str(run.n) for run in one.runs) or None,
                )
            )

    def _observed_arguments(self, one: Observed) -> str | None:
        """Only where the run was given others than the call names, as a human's edit makes it."""
        if not one.runs:
            return None
        detail = one.runs[-1].start.detail
        if detail is None or detail.arguments is None:
            return None
        if one.call is not None and msgspec.json.decode(detail.arguments) == _as_json(
            one.call.arguments
        ):
            return None
        return bytes(self._packed(detail.arguments)).decode()

    def _observed_result(
        self, one: Observed, transcript: Transcript
    ) -> tuple[int | None, str | None]:
        if one.result is not None:
            position = self._where(one.result[0], transcript)
            if position is None:
                position = self._add_message(one.result, _CONTEXT)
            return position, None
        for run in reversed(one.runs):
            detail = None if run.end is None else run.end.detail
            if detail is not None and detail.result is not None:
                return None, bytes(self._packed(detail.result)).decode()
        return None, None

    def _where(self, digest: bytes, transcript: Transcript) -> int | None:
        for saying in transcript.said:
            if saying.digest == digest:
                return saying.position
        return self._held.find(digest, -1)

    # -- the turn and its conversation --------------------------------------------------------

    def _add_turn(self, status: str, *, is_trace: bool) -> None:
        turn, belonging = self._turn, self._belonging
        self._rows.turns.append(
            (
                self._row,
                pack_id(belonging.turn_id),
                self._held.id,
                int(is_trace),
                code_of(status, STATUSES),
                turn.started_ns,
                None if status == "running" else turn.last_ns,
                self._first_position,
                self._process,
                belonging.name,
                belonging.user_id,
                encode_json(belonging.tags).decode() if belonging.tags else None,
                pack_value(belonging.metadata, self._rows.shelf) if belonging.metadata else None,
                _error_of(turn),
                None if self._continues is None else pack_id(self._continues),
            )
        )

    def _update_conversation(self, transcript: Transcript, status: str, *, is_trace: bool) -> None:
        held, belonging = self._held, self._belonging
        self._rows.conversations[held.id] = held
        if belonging.user_id is not None:
            held.user_id = belonging.user_id
        held.tags = list(dict.fromkeys([*held.tags, *belonging.conversation_tags]))
        held.metadata = held.metadata | belonging.conversation_metadata
        if is_trace:
            return
        held.updated_ns = max(held.updated_ns, self._turn.last_ns)
        held.turns += 1
        held.said += len(transcript.said)
        held.last_status = STATUSES.index(status)
        words = next((s for s in transcript.said if s.role == USER), None)
        if words is not None:
            held.preview = " ".join(self._bodies.get(words.digest).text[: _PREVIEW * 2].split())[
                :_PREVIEW
            ]


class BodySource:
    """Gives bodies by digest: those that events brought, and those that capture makes itself."""

    def __init__(
        self, find: Callable[[bytes], Body], seal: Callable[[Body], tuple[bytes, bytes]]
    ) -> None:
        self._find = find
        self._seal = seal
        self._made: dict[bytes, Body] = {}
        self._read: dict[bytes, Body] = {}

    def get(self, digest: bytes) -> Body:
        """Return the body of `digest`."""
        body = self._read.get(digest) or self._made.get(digest)
        if body is None:
            body = self._read[digest] = self._find(digest)
        return body

    def seal(self, body: Body) -> bytes:
        """Take in a body that capture made, and return its digest."""
        digest, _ = self._seal(body)
        self._made[digest] = body
        return digest

    def value(self, digest: bytes) -> Any:
        """Return a sealed free value."""
        for part in self.get(digest).parts:
            if isinstance(part, GenericPart):
                return part.value
        return {}


def status_of(turn: OpenTurn) -> str:
    """Return how a turn ended, truly: design 7."""
    if turn.abandoned:
        return "abandoned"
    if not turn.is_over:
        return "running"
    if turn.closed is not None:
        return turn.closed.status
    for root in turn.roots:
        if root.end is not None and root.end.status != "ok":
            return root.end.status
    if turn.left_open_by_root:
        return "stopped"
    interrupted = any(
        s.end is not None and s.end.status == "interrupted" and not s.beneath("tool")
        for s in turn.spans.values()
    )
    return "interrupted" if interrupted else "ok"


def _span_status(turn: OpenTurn, span: OpenSpan) -> str:
    if span.end is not None:
        return span.end.status
    if turn.abandoned:
        return "abandoned"
    if not turn.is_over:
        return "running"
    status = status_of(turn)
    return status if status != "ok" else "abandoned"


def _error_of(turn: OpenTurn) -> str | None:
    if turn.closed is not None and turn.closed.failure is not None:
        return encode_json(turn.closed.failure).decode()
    for root in turn.roots:
        if root.end is not None and root.end.failure is not None:
            return encode_json(root.end.failure).decode()
    return None


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
    if not isinstance(tool, dict):
        return ""
    inner: Any = tool.get("function", tool)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    return str(inner.get("name", "")) if isinstance(inner, dict) else ""  # pyright: ignore


def _as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def generated_thread_id(turn_id: str) -> str:
    """Return the key of a conversation that the application gave no id."""
    return f"generated-{uuid.UUID(turn_id).hex if len(turn_id) == 36 else turn_id}"  # noqa: PLR2004
