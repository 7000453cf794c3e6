"""Turns a whole turn into rows: the last step of capture, inside the store's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.capture.branching import branch_of
from threadline.capture.decisions import decide
from threadline.capture.endings import error_of, status_of
from threadline.capture.interrupts import was_resumed
from threadline.capture.message_sheet import CONTEXT, PRELUDE, SAID, MessageSheet
from threadline.capture.observation_sheet import ObservationSheet
from threadline.capture.observations import observe_tools
from threadline.capture.sayings import Reading
from threadline.capture.span_sheet import SpanSheet
from threadline.capture.transcript import read_transcript
from threadline.ids import pack_id
from threadline.model.message import USER
from threadline.store.schema import STATUSES, TURN_KINDS, code_of
from threadline.store.values import encode_json, pack_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.capture.bodies import BodySource
    from threadline.capture.branching import Branch
    from threadline.capture.identify import Belonging
    from threadline.capture.observations import Observed
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.sayings import Transcript
    from threadline.store.held import Held
    from threadline.store.rows import Rows

_PREVIEW: Final = 120


class Assembly:
    """Writes one turn into `rows`, against what `held` says of its conversation.

    `was_shown` tells that the turn stands in the store already, as one under way.
    """

    def __init__(
        self,
        turn: OpenTurn,
        belonging: Belonging,
        held: Held,
        rows: Rows,
        *,
        row: int,
        process: int | None,
        continues: str | None = None,
        was_shown: bool = False,
    ) -> None:
        self._turn = turn
        self._belonging = belonging
        self._held = held
        self._rows = rows
        self._row = row
        self._process = process
        self._continues = continues
        self._was_shown = was_shown
        self._first_position = held.next_position

    def show(self) -> None:
        """Add the turn as one that is under way; its messages and spans come when it has ended."""
        self._add_turn("running", is_trace=False)
        self._update_conversation("running", is_trace=False)

    def write(
        self,
        bodies: BodySource,
        destinations: tuple[str, ...],
        deleted: Callable[[set[bytes]], set[bytes]] | None,
    ) -> Transcript:
        """Add every row of the turn.

        Args:
            bodies: Gives the bodies that the turn refers to.
            destinations: Whose outbox it goes into.
            deleted: Tells which message digests may not come back, where anything was deleted.
        """
        reading = Reading(self._turn, self._held, bodies.get, bodies.seal)
        reading.branch = branch_of(reading)
        transcript = read_transcript(reading)
        is_rest = self._turn.is_remainder
        is_turn = (
            transcript.is_turn or self._was_asked_in_vain(transcript) or was_resumed(self._turn)
        )
        is_trace = self._belonging.side_call or is_rest or not is_turn
        gone = deleted(self._history_digests(transcript)) if deleted is not None else ()
        messages = MessageSheet(self._held, self._rows, bodies, self._row, gone)
        for ref in transcript.prelude:
            messages.add(ref, CONTEXT if is_trace else PRELUDE)
        for saying in transcript.said if is_turn else ():
            messages.add_saying(saying, CONTEXT if is_trace else SAID)
        self._write_trace(bodies, messages, transcript, is_trace=is_trace)
        status = status_of(self._turn)
        branch = None if is_trace or not transcript.said else reading.branch
        if self._held.branching is not None and not is_trace:
            at = None if branch is None else branch.at
            self._held.branching.add(self._first_position, at, self._turn.last_ns)
        self._add_turn(status, is_trace=is_trace, branch=branch)
        self._update_conversation(status, is_trace=is_trace)
        if not is_trace:
            self._count_sayings(transcript, bodies)
        self._rows.keep_blobs(self._held.id)
        packed_id = pack_id(self._belonging.turn_id)
        kind = TURN_KINDS[is_trace]
        self._rows.outbox.extend((name, kind, self._held.id, packed_id) for name in destinations)
        return transcript

    def _was_asked_in_vain(self, transcript: Transcript) -> bool:
        """Whether the user said something and no model came to answer: an error, an interrupt.

        Also where all went well: if the application itself says what the user said, it was said.
        """
        if all(saying.role != USER for saying in transcript.said):
            return False
        opened = self._turn.opened
        if opened is not None and opened.words is not None:
            return True
        if status_of(self._turn) == "ok":
            return False
        if self._belonging.thread_id is not None or opened is not None:
            return True
        kinds = {span.kind for span in self._turn.spans.values()}
        return "retriever" in kinds or any(root.inputs for root in self._turn.roots)

    def _history_digests(self, transcript: Transcript) -> set[bytes]:
        refs = [ref for span in self._turn.spans.values() for ref in (*span.inputs, *span.outputs)]
        return {digest for digest, _ in (*transcript.prelude, *refs)}

    def _write_trace(
        self, bodies: BodySource, messages: MessageSheet, transcript: Transcript, *, is_trace: bool
    ) -> None:
        turn, row = self._turn, self._row
        name = self._belonging.name
        spans = SpanSheet(turn, self._held, self._rows, bodies, messages, row=row, name=name)
        observed: list[Observed] = []
        if not is_trace:
            status, offered = status_of(turn), spans.offered_tools()
            observed = observe_tools(turn, transcript, bodies.get, offered, status=status)
            waiting = decide(turn, observed, self._held.awaited or [])
            self._held.awaited = waiting if status == "interrupted" else []
        spans.add(transcript, observed)
        ObservationSheet(turn, self._rows, messages, row=row).add(transcript, observed)

    def _add_turn(self, status: str, *, is_trace: bool, branch: Branch | None = None) -> None:
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
                error_of(turn),
                None if self._continues is None else pack_id(self._continues),
                None if branch is None else branch.at,
                belonging.request_span,
            )
        )

    def _update_conversation(self, status: str, *, is_trace: bool) -> None:
        held, belonging = self._held, self._belonging
        self._rows.conversations[held.id] = held
        if belonging.user_id is not None:
            held.user_id = belonging.user_id
        held.tags = list(dict.fromkeys([*held.tags, *belonging.conversation_tags]))
        held.metadata = held.metadata | belonging.conversation_metadata
        held.turns += (not is_trace) - self._was_shown
        if not is_trace:
            held.updated_ns = max(held.updated_ns, self._turn.last_ns)
            held.last_status = STATUSES.index(status)

    def _count_sayings(self, transcript: Transcript, bodies: BodySource) -> None:
        self._held.said += len(transcript.said)
        words = next((s for s in transcript.said if s.role == USER), None)
        if words is not None:
            text = bodies.get(words.digest).text[: _PREVIEW * 2]
            self._held.preview = " ".join(text.split())[:_PREVIEW]


def generated_thread_id(turn_id: str) -> str:
    """Return the key of a conversation that the application gave no id."""
    packed = pack_id(turn_id)
    return f"generated-{packed.hex() if isinstance(packed, bytes) else packed}"
