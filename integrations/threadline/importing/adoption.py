"""Takes whole conversations into a store: all of a group or nothing of it, each turn once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from threadline.ids import keyed_digest, pack_id
from threadline.importing.layout import Layout, messages_of
from threadline.importing.message_rows import MessageSheet, ratings_shown
from threadline.importing.span_rows import TraceSheet
from threadline.model import Event, Rating
from threadline.model.message import USER
from threadline.store import adopting
from threadline.store.message_rows import POSITION_MASK
from threadline.store.rows import Rows
from threadline.store.schema import KINDS, STATUSES, TURN_KINDS
from threadline.store.values import encode_json, pack_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from threadline.model import Conversation, Feedback, Message, Turn
    from threadline.model.message import Body
    from threadline.store.held import Held
    from threadline.store.writer import KnownTurn, StoreWriter

_UNDER_WAY: Final = "running"
_RUNNING: Final = STATUSES.index(_UNDER_WAY)
_PRELUDE: Final = KINDS.index("prelude")
_PREVIEW: Final = 120


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what was brought.

    `turns` and `notes` (ratings, feedback, events) are those that are new in the store,
    `conversations` those that they belong to. `known` turns were there already; `deleted` ones
    were not taken, because what they belong to was deleted.
    """

    conversations: int = 0
    turns: int = 0
    notes: int = 0
    known: int = 0
    deleted: int = 0

    def __add__(self, other: ImportReport) -> ImportReport:
        names = self.__struct_fields__
        return ImportReport(**{n: getattr(self, n) + getattr(other, n) for n in names})


class Adoption:
    """Takes conversations in.

    Args:
        store: The store's writer; whoever uses this holds its lock.
        seal: Gives the digest and the bytes of a body, as when it is recorded.
        tenant: Whose they are where they name no tenant themselves.
        destinations: Whose outboxes what is new goes into.
    """

    def __init__(
        self,
        store: StoreWriter,
        seal: Callable[[Body], tuple[bytes, bytes]],
        *,
        tenant: str = "",
        destinations: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._seal = seal
        self._tenant = tenant
        self._destinations = destinations

    def take(self, conversations: Sequence[Conversation], now_ns: int) -> ImportReport:
        """Store a group.

        Raises:
            StoreUnavailableError: if the store cannot take it now; nothing of it was stored.
        """
        store = self._store
        store.begin(now_ns=now_ns)
        try:
            rows = Rows(store.key)
            tenants = [c.tenant or self._tenant for c in conversations]
            store.load([(t, c.thread_id) for t, c in zip(tenants, conversations, strict=True)])
            report = ImportReport()
            for tenant, conversation in zip(tenants, conversations, strict=True):
                report += _Entrance(
                    store, self._seal, rows, conversation, tenant, self._destinations
                ).take()
        except BaseException:
            store.rollback()
            raise
        store.commit(rows)
        return report


class _Entrance:
    """One conversation on its way into `rows`."""

    def __init__(
        self,
        store: StoreWriter,
        seal: Callable[[Body], tuple[bytes, bytes]],
        rows: Rows,
        conversation: Conversation,
        tenant: str,
        destinations: tuple[str, ...],
    ) -> None:
        self._store = store
        self._seal = seal
        self._rows = rows
        self._conversation = conversation
        self._tenant = tenant
        self._destinations = destinations
        self._foreign = adopting.foreign_keys(store.connection) if store.has_tombstones() else ()

    def take(self) -> ImportReport:
        told = self._conversation
        known = self._store.known_turns([turn.id for turn in told.turns])
        news = [turn for turn in told.turns if _is_news(turn, known.get(turn.id))]
        wanted = [turn for turn in news if not self._was_deleted(turn.user_id, turn.started_ns)]
        count = ImportReport(
            turns=len(wanted), known=len(told.turns) - len(news), deleted=len(news) - len(wanted)
        )
        if told.turns and not wanted and len(news) == len(told.turns):
            return count  # all of it was deleted
        if not told.turns and self._was_deleted(None, told.updated_ns):
            return count
        held = self._store.held(
            self._tenant,
            told.thread_id,
            now_ns=told.created_ns,
            generated=told.id_source == "generated",
        )
        before = _description(held)
        self._describe(held)
        self._take_back(held, [known[turn.id].row for turn in wanted if turn.id in known])
        layout = self._laid_out(held, wanted, known)
        sheets = self._add_turns(held, layout, known)
        notes = self._add_notes(held, layout, sheets)
        self._rows.keep_blobs(held.id)
        if layout.placed or wanted or notes or _description(held) != before:
            self._rows.conversations[held.id] = held
            adopting.begin_earlier(self._store.connection, held.id, told.created_ns)
        return replace(count, conversations=int(bool(wanted or notes)), notes=notes)

    def _take_back(self, held: Held, rows: Sequence[int]) -> None:
        for row in rows:
            for message in adopting.take_back(self._store.connection, row):
                held.kinds[message & POSITION_MASK] = KINDS.index("context")
                held.said -= 1

    def _laid_out(self, held: Held, wanted: Sequence[Turn], known: dict[str, KnownTurn]) -> Layout:
        firsts = adopting.first_positions(
            self._store.connection, [turn.row for turn in known.values()]
        )

        def place_of(message_id: str) -> int | None:
            turn_id, _, offset = message_id.rpartition(":")
            turn = known.get(turn_id)
            if turn is None or not offset.isdecimal():
                return None
            return firsts[turn.row] + int(offset)

        def said_at(message: Message) -> int | None:
            return held.find(self._digest(message.body), -1)

        layout = Layout(
            self._conversation, wanted, held=place_of, find=said_at, start=held.next_position
        )
        self._hide_what_is_told_now(held, layout)
        return layout

    def _hide_what_is_told_now(self, held: Held, layout: Layout) -> None:
        said = {m.id for turn in layout.settled if turn.kind == "turn" for m in turn.messages}
        digests = {self._digest(p.message.body) for p in layout.placed if p.message.id in said}
        unheard = [
            position
            for position, digest in enumerate(held.digests)
            if held.kinds[position] == _PRELUDE and digest in digests
        ]
        if unheard:
            adopting.hide_prelude(self._store.connection, map(held.row_id, unheard))
            for position in unheard:
                held.kinds[position] = KINDS.index("context")

    def _add_turns(
        self,
        held: Held,
        layout: Layout,
        known: dict[str, KnownTurn],
    ) -> dict[str, TraceSheet]:
        numbers = {
            turn.id: known[turn.id].row if turn.id in known else self._store.take_number("turn")
            for turn in layout.settled
        }
        prelude = {message.id for message in self._conversation.prelude}
        MessageSheet(held, self._rows, self._digest, numbers).add(
            layout, prelude=prelude, gone=self._is_gone()
        )
        sheets: dict[str, TraceSheet] = {}
        for turn in layout.settled:
            sheet = TraceSheet(turn, layout, self._rows, row=numbers[turn.id], key=self._store.key)
            sheet.add()
            sheets[turn.id] = sheet
            self._add_turn(held, turn, layout, numbers[turn.id])
            _count(held, turn, was_shown=turn.id in known)
        return sheets

    def _add_turn(self, held: Held, turn: Turn, layout: Layout, row: int) -> None:
        process = adopting.process_elsewhere(
            self._store.connection, turn.app, turn.environment, turn.release
        )
        ident = pack_id(turn.id)
        branch = turn.branches_from
        self._rows.turns.append(
            (
                row,
                ident,
                held.id,
                TURN_KINDS.index(turn.kind),
                STATUSES.index(turn.status),
                turn.started_ns,
                turn.ended_ns,
                layout.first[turn.id],
                process,
                turn.name,
                turn.user_id,
                encode_json(turn.tags).decode() if turn.tags else None,
                pack_value(turn.metadata, self._rows.shelf) if turn.metadata else None,
                None
                if turn.error is None
                else encode_json([turn.error.type, turn.error.message]).decode(),
                None if turn.continues is None else pack_id(turn.continues),
                None if branch is None else (layout.at(branch) if branch else -1),
                turn.request_span,
            )
        )
        if turn.status != _UNDER_WAY:
            self._rows.outbox.extend((n, turn.kind, held.id, ident) for n in self._destinations)

    def _add_notes(self, held: Held, layout: Layout, sheets: dict[str, TraceSheet]) -> int:
        notes = {pack_id(note.id): note for note in self._notes(layout, sheets)}
        there = adopting.known_notes(self._store.connection, notes)
        added = 0
        for ident, note in notes.items():
            user_id = None if isinstance(note, Event) else note.user_id
            if ident in there or self._was_deleted(user_id, note.at_ns):
                continue
            kind = str(note.__struct_config__.tag)
            turn_id = None if note.turn_id is None else pack_id(note.turn_id)
            value = note.value if isinstance(note, Rating) else None
            record = msgspec.json.encode(note).decode()
            self._rows.notes.append((ident, kind, held.id, turn_id, note.at_ns, value, record))
            self._rows.outbox.extend((n, kind, held.id, ident) for n in self._destinations)
            added += 1
        return added

    def _notes(
        self, layout: Layout, sheets: dict[str, TraceSheet]
    ) -> Iterator[Rating | Event | Feedback]:
        """Yield the notes, naming what they are about as it is named here."""
        told = self._conversation
        yield from (*told.ratings, *told.feedback, *told.events)
        for turn in told.turns:
            shown = ratings_shown(turn) if turn.id in sheets else ()
            told_of_spans = (event for span in turn.spans for event in span.events)
            for note in (*turn.ratings, *shown, *turn.feedback, *turn.events, *told_of_spans):
                named = note if note.turn_id is not None else replace(note, turn_id=turn.id)
                if isinstance(named, Rating) and turn.id in sheets:
                    yield _renamed(named, turn, layout, sheets[turn.id])
                else:
                    yield named

    def _describe(self, held: Held) -> None:
        """Take over what is said of the conversation; who was heard of last has the last word."""
        told = self._conversation
        is_newer = told.updated_ns >= held.updated_ns
        first, last = (held.metadata, told.metadata) if is_newer else (told.metadata, held.metadata)
        held.metadata = {**first, **last}
        held.tags = list(dict.fromkeys([*held.tags, *told.tags]))
        held.title = (is_newer and told.title) or held.title or told.title
        held.user_id = (is_newer and told.user_id) or held.user_id or told.user_id
        held.updated_ns = max(held.updated_ns, told.updated_ns)

    def _digest(self, body: Body) -> bytes:
        return self._seal(body)[0]

    def _was_deleted(self, user_id: str | None, at_ns: int) -> bool:
        if not self._store.has_tombstones():
            return False
        names = [("thread", self._tenant, self._conversation.thread_id)]
        if user_id or self._conversation.user_id:
            names.append(("user", self._tenant, user_id or self._conversation.user_id or ""))
        return any(self._store.is_deleted(words, at_ns) for words in names)

    def _is_gone(self) -> Callable[[Body], bool]:
        """Return what tells whether these very words were deleted, here or where they came from."""
        if not self._store.has_tombstones():
            return lambda _body: False
        keys = self._foreign

        def gone(body: Body) -> bool:
            digest, data = self._seal(body)
            digests = [digest, *(keyed_digest(data, key) for key in keys)]
            return bool(self._store.deleted_digests(digests))

        return gone


def _is_news(turn: Turn, known: KnownTurn | None) -> bool:
    """A turn that was under way when it was seen first comes again when it is whole."""
    return known is None or (known.status == _RUNNING and turn.status != _UNDER_WAY)


def _count(held: Held, turn: Turn, *, was_shown: bool) -> None:
    if turn.kind != "turn":
        held.turns -= was_shown
        return
    held.turns += not was_shown
    held.said += len(turn.messages)
    held.last_status = STATUSES.index(turn.status)
    words = next((m.text for m in turn.messages if m.role == USER), None)
    if words is not None:
        held.preview = " ".join(words[: _PREVIEW * 2].split())[:_PREVIEW]


def _description(held: Held) -> tuple[Any, ...]:
    return held.updated_ns, held.title, held.user_id, tuple(held.tags), dict(held.metadata)


def _renamed(rating: Rating, turn: Turn, layout: Layout, sheet: TraceSheet) -> Rating:
    position = layout.at(rating.message_id)
    if position is not None and any(m.id == rating.message_id for m in messages_of(turn)):
        rating = replace(rating, message_id=f"{turn.id}:{position - layout.first[turn.id]}")
    number = sheet.span_numbers.get(rating.span_id or "")
    return rating if number is None else replace(rating, span_id=f"{turn.id}.{number}")
