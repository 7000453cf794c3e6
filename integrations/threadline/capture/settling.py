"""Settles a group of whole turns into one transaction of the store."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from threadline.capture.assembly import Assembly, generated_thread_id
from threadline.capture.bodies import BodySource
from threadline.capture.branching import may_branch
from threadline.capture.events import Noted, Updated
from threadline.capture.identify import Belonging, answer_ids, belonging_of, split_by_thread
from threadline.capture.interrupts import was_resumed
from threadline.capture.logged import was_recorded
from threadline.clock import give_way
from threadline.ids import derived_uuid, pack_id
from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.message import ASSISTANT, Body
from threadline.store.rows import Rows
from threadline.store.schema import STATUSES
from threadline.store.writer import KnownTurn, StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.sayings import Transcript
    from threadline.store.held import Held

Note = Rating | Feedback | Event

_RUNNING = STATUSES.index("running")


class Origin(msgspec.Struct, frozen=True):
    """Where records come from: what every turn of a process shares. Each journal begins with it."""

    tenant: str = ""
    app: str | None = None
    environment: str | None = None
    release: str | None = None
    destinations: tuple[str, ...] = ()
    sample: float = 1.0
    conversation_events: tuple[str, ...] = ()


class Settler:
    """Writes turns and notes; everything of a group, or nothing of it."""

    def __init__(
        self,
        store: StoreWriter,
        origin: Origin,
        seal: Callable[[Body], tuple[bytes, bytes]],
    ) -> None:
        self._store = store
        self._origin = origin
        self._seal = seal

    def for_origin(self, origin: Origin) -> Settler:
        """Return a settler for what another process has left."""
        return Settler(self._store, origin, self._seal)

    def settle(
        self,
        turns: Sequence[OpenTurn],
        notes: Sequence[Noted | Updated],
        find_body: Callable[[bytes], Body],
        now_ns: int,
        *,
        between: Callable[[], None] = give_way,
    ) -> None:
        """Store a group; `between` is called after each turn, to let others have theirs.

        Raises:
            StoreUnavailableError: if the store cannot take it now; nothing of it was stored.
        """
        parts = [part for turn in turns for part in split_by_thread(turn)]
        belongings = [belonging_of(part) for part in parts]
        store = self._store
        origin = self._origin
        store.begin(now_ns=now_ns, process=(origin.app, origin.environment, origin.release))
        try:
            rows = Rows(store.key)
            known = store.known_turns([b.turn_id for b in belongings])
            histories = [
                _history_of(p, b, find_body) for p, b in zip(parts, belongings, strict=True)
            ]
            sent = [i for history in histories for i in history]
            holders = store.threads_of_answers(self._origin.tenant, sent) if sent else {}
            for belonging, history in zip(belongings, histories, strict=True):
                _name_by_history(belonging, history, holders)
            store.load([(self._origin.tenant, b.thread_id) for b in belongings if b.thread_id])
            for part, belonging, history in zip(parts, belongings, histories, strict=True):
                if part.logged is not None and belonging.turn_id in known:
                    continue  # it was logged before
                _name_by_history(belonging, history, holders)  # by what this group itself says
                answers = self._settle_turn(part, belonging, rows, known, find_body)
                for framework_id, holder in answers.items():
                    holders.setdefault(framework_id, []).append(holder)
                between()
            for note in self._news(notes):
                self._settle_note(note, rows, known, now_ns)
        except BaseException:
            store.rollback()
            raise
        store.commit(rows)

    def show(self, turns: Sequence[OpenTurn], now_ns: int) -> None:
        """Let readers see turns that are under way, and that this process lives.

        Only those whose conversation is known for sure; the others wait for their end.

        Raises:
            StoreUnavailableError: if the store cannot take it now.
        """
        belongings = [belonging_of(turn) for turn in turns]
        named = [(t, b) for t, b in zip(turns, belongings, strict=True) if b.thread_id]
        store, origin = self._store, self._origin
        store.begin(now_ns=now_ns, process=(origin.app, origin.environment, origin.release))
        try:
            rows = Rows(store.key)
            known = store.known_turns([belonging.turn_id for _, belonging in named])
            store.load([(origin.tenant, b.thread_id) for _, b in named if b.thread_id])
            shown: list[tuple[OpenTurn, int]] = []
            for turn, belonging in named:
                if belonging.turn_id in known or self._is_unwanted(turn, belonging):
                    continue
                held = self._conversation_of(turn, belonging)
                row = store.take_number("turn")
                process = store.process_row
                Assembly(turn, belonging, held, rows, row=row, process=process).show()
                shown.append((turn, row))
        except BaseException:
            store.rollback()
            raise
        store.commit(rows)
        for turn, row in shown:
            turn.row = row

    def _settle_turn(
        self,
        turn: OpenTurn,
        belonging: Belonging,
        rows: Rows,
        known: dict[str, KnownTurn],
        find_body: Callable[[bytes], Body],
    ) -> dict[str, tuple[str, str | None]]:
        row, continues, was_shown = turn.row, None, turn.row is not None
        before = known.get(belonging.turn_id)
        if before is not None and before.started_ns != turn.started_ns:
            continues = belonging.turn_id
            belonging.turn_id = str(derived_uuid(continues, str(turn.started_ns)))
            before = self._store.known_turns([belonging.turn_id]).get(belonging.turn_id)
        if before is not None:
            if before.status != _RUNNING:
                return {}  # a journal that was taken in before it could be deleted
            row, was_shown = before.row, True
        if self._is_unwanted(turn, belonging):
            return {}
        held = self._conversation_of(turn, belonging)
        if was_recorded(turn.logged, held, find_body):
            return {}
        row = self._store.take_number("turn") if row is None else row
        known[belonging.turn_id] = KnownTurn(row, turn.started_ns, 0, held.id)
        assembly = Assembly(
            turn,
            belonging,
            held,
            rows,
            row=row,
            process=self._store.process_row,
            continues=continues,
            was_shown=was_shown,
        )
        if was_resumed(turn):
            self._store.load_awaited(held)
        if may_branch(turn):
            self._store.load_branching(held)
        bodies = BodySource(find_body, self._seal)
        deleted = self._store.deleted_digests if self._store.has_tombstones() else None
        stays = turn.logged is not None and not turn.logged.ships
        destinations = () if stays else self._origin.destinations
        return _holder_of_answers(assembly.write(bodies, destinations, deleted), held)

    def _news(self, notes: Sequence[Noted | Updated]) -> list[Noted | Updated]:
        """Leave out what is stored: a journal that is taken in may tell what was delivered."""
        said = [event.note.id for event in notes if isinstance(event, Noted)]
        held = self._store.known_notes(said) if said else ()
        return [e for e in notes if not isinstance(e, Noted) or e.note.id not in held]

    def _conversation_of(self, turn: OpenTurn, belonging: Belonging) -> Held:
        logged = turn.logged
        generated = belonging.thread_id is None or (logged is not None and logged.generated)
        thread_id = belonging.thread_id or generated_thread_id(belonging.turn_id)
        tenant = self._origin.tenant
        return self._store.held(tenant, thread_id, now_ns=turn.started_ns, generated=generated)

    def _is_unwanted(self, turn: OpenTurn, belonging: Belonging) -> bool:
        thread_id = belonging.thread_id or generated_thread_id(belonging.turn_id)
        sample = self._origin.sample
        if sample < 1.0 and zlib.crc32(thread_id.encode()) / 2**32 >= sample:
            return True
        return self._was_deleted(thread_id, belonging.user_id, turn.started_ns)

    def _settle_note(
        self, event: Noted | Updated, rows: Rows, known: dict[str, KnownTurn], now_ns: int
    ) -> None:
        if isinstance(event, Updated):
            if not self._was_deleted(event.thread_id, event.user_id, event.at_ns):
                held = self._loaded(event.thread_id, event.at_ns)
                _update(held, event)
                rows.conversations[held.id] = held
            return
        note = self._placed(event.note)
        user_id = None if isinstance(note, Event) else note.user_id
        if self._was_deleted(note.thread_id, user_id, note.at_ns):
            return
        conversation: int | None = None
        if note.thread_id is not None:
            held = self._loaded(note.thread_id, now_ns)
            rows.conversations[held.id] = held
            conversation = held.id
        elif note.turn_id is not None:
            known = known if note.turn_id in known else self._store.known_turns([note.turn_id])
            conversation = known[note.turn_id].conversation if note.turn_id in known else None
        kind = str(note.__struct_config__.tag)
        turn_id = None if note.turn_id is None else pack_id(note.turn_id)
        value = note.value if isinstance(note, Rating) else None
        record = msgspec.json.encode(note).decode()
        ident = pack_id(note.id)
        rows.notes.append((ident, kind, conversation, turn_id, note.at_ns, value, record))
        is_of_span = isinstance(note, Event) and note.run_id is not None  # it goes with its turn
        names = self._origin.destinations if event.ships and not is_of_span else ()
        rows.outbox.extend((name, kind, conversation, ident) for name in names)

    def _placed(self, note: Note) -> Note:
        """Let an event be the conversation's where its name is listed, not the span's."""
        if isinstance(note, Event) and note.name in self._origin.conversation_events:
            return msgspec.structs.replace(note, run_id=None)
        return note

    def _loaded(self, thread_id: str, now_ns: int) -> Held:
        tenant = self._origin.tenant
        self._store.load([(tenant, thread_id)])
        return self._store.held(tenant, thread_id, now_ns=now_ns)

    def _was_deleted(self, thread_id: str | None, user_id: str | None, at_ns: int) -> bool:
        names = (("thread", thread_id), ("user", user_id))
        tenant = self._origin.tenant
        return any(
            name is not None and self._store.is_deleted((kind, tenant, name), at_ns)
            for kind, name in names
        )


def _holder_of_answers(transcript: Transcript, held: Held) -> dict[str, tuple[str, str | None]]:
    holder = (held.thread_id, held.user_id)
    return {
        saying.framework_id: holder
        for saying in transcript.said
        if saying.framework_id is not None and saying.role == ASSISTANT
    }


def _history_of(
    turn: OpenTurn, belonging: Belonging, find_body: Callable[[bytes], Body]
) -> list[str]:
    if belonging.thread_id is not None:
        return []

    def role_of(digest: bytes) -> str:
        return find_body(digest).role

    return answer_ids(turn, role_of)


def _name_by_history(
    belonging: Belonging, history: list[str], holders: dict[str, list[tuple[str, str | None]]]
) -> None:
    """A caller that holds the history itself is known by the ids of the answers it sends."""
    for framework_id in history:
        found = set(holders.get(framework_id, ()))
        if belonging.thread_id is None and len(found) == 1:
            thread_id, user_id = next(iter(found))
            if _agrees(belonging.user_id, user_id):
                belonging.thread_id = thread_id


def _agrees(user_id: str | None, other: str | None) -> bool:
    return user_id is None or other is None or user_id == other


def _update(held: Held, event: Updated) -> None:
    if event.metadata is not None:
        held.metadata = held.metadata | msgspec.json.decode(event.metadata)
    held.tags = list(dict.fromkeys([*held.tags, *event.tags]))
    held.title = event.title or held.title
    held.user_id = event.user_id or held.user_id
    held.updated_ns = max(held.updated_ns, event.at_ns)
