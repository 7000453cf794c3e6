"""Keeps this process's journals: opens them, knows their bodies, cuts what the store has.

Used by the writer only, but for `open`, which the first hook of a process calls.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from threadline.capture.backlog import Backlog
from threadline.capture.events import decode_body, decode_event
from threadline.capture.recorder import NOT_JOURNALED
from threadline.ids import uuid7
from threadline.model.message import Body
from threadline.model.parts import GenericPart
from threadline.store.journal import ORIGIN, Journal, encode_payload, journal_name
from threadline.store.stored_mark import NEVER_AWAITED_NS, StoredMark

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.capture.losses import Losses
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.recorder import Handed, Recorder
    from threadline.clock import Clock

ROTATE_BYTES: Final = 4_000_000
_CACHED_BODIES: Final = 4_000
LOST_BODY: Final = Body("", (GenericPart("lost", None),))


class JournalKeeper:
    """The journals of one recorder, from the first event until the store has everything.

    They are awaited where what they hold goes to destinations: whoever delivers reads their marks.
    """

    def __init__(
        self,
        folder: Path | None,
        writer_id: bytes,
        origin: bytes,
        *,
        mode: int,
        losses: Losses,
        clock: Clock,
        is_awaited: bool,
        rotate_bytes: int = ROTATE_BYTES,
    ) -> None:
        self.folder = folder
        self.is_awaited = is_awaited and folder is not None
        self.rotate_bytes = rotate_bytes
        self._writer = writer_id.hex()
        self._origin = origin
        self._mode = mode
        self._losses = losses
        self._clock = clock
        self.given_away = 0
        self._number = 0
        self._bodies: dict[Journal, dict[bytes, bytes]] = {}
        self._decoded: dict[bytes, Body] = {}
        self.backlog = Backlog()

    def open(self) -> Journal:
        """Return a new journal; one that keeps nothing where no file can be made."""
        if self.folder is None:
            return Journal.nowhere()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return self._create(self.folder)
        except OSError as error:
            self._losses.warn_once(NOT_JOURNALED, type(error).__name__)
            return Journal.nowhere()

    def reopen(self, recorder: Recorder) -> None:
        """Try again to have a file, where none could be made before."""
        current = recorder.journal
        if self.folder is not None and current is not None and current.path is None:
            fresh = self.open()
            if fresh.path is not None:
                self._bodies.setdefault(current, {})
                recorder.journal = fresh

    def take(self, batch: list[Handed]) -> None:
        """Remember the bodies that a batch of events brought."""
        for journal, data, bodies in batch:
            self._bodies.setdefault(journal, {}).update(bodies)
            journal.held_bytes += len(data) + sum(map(len, bodies.values()))

    def find_body(self, digest: bytes) -> Body:
        """Return the body of `digest`; every event's bodies stand in a journal that is kept."""
        body = self._decoded.get(digest)
        if body is None:
            data = next((b[digest] for b in self._bodies.values() if digest in b), None)
            body = LOST_BODY if data is None else decode_body(data)
            if len(self._decoded) >= _CACHED_BODIES:
                self._decoded.clear()
            self._decoded[digest] = body
        return body

    def held_bytes(self) -> int:
        """Return how much memory the events and bodies of all journals take, roughly."""
        return sum(journal.held_bytes for journal in self._bodies)

    def journals(self, recorder: Recorder) -> set[Journal]:
        """Return all journals of this process that are kept, the one in use too."""
        current = recorder.journal
        return {*self._bodies, *([current] if current is not None else [])}

    def forget(self, turns: list[OpenTurn], recorder: Recorder) -> None:
        """The store has these turns (or they were given up): they no longer pin a journal."""
        for journal in self.journals(recorder):
            for turn in turns:
                journal.turns.discard(turn.key)

    def leave(self, turns: list[OpenTurn], reason: str) -> None:
        """Let go of turns that the store cannot take now: their journals keep them.

        Args:
            turns: Which.
            reason: Why; those that no journal has all of are counted as lost for it.
        """
        for turn in turns:
            journals = [journal for journal in self._bodies if turn.key in journal.turns]
            kept = bool(journals) and all(journal.keeps(turn.key) for journal in journals)
            for journal in journals:
                journal.turns.discard(turn.key)
                if kept:
                    journal.left.add(turn.key)
            if not kept:
                self._losses.add(reason)

    def left_turns(self) -> int:
        """Return how many turns were left to the journals and are not in the store yet."""
        return self.given_away + len(set[bytes]().union(*(j.left for j in self._bodies)))

    def cut(
        self, recorder: Recorder, *, rotate: bool = False, keep: bool = False, close: bool = False
    ) -> None:
        """Delete the files that the store has all of; go on in a new one where it has got long.

        Args:
            recorder: Whose journals they are.
            rotate: Go on in a new file even if the one in use is not long.
            keep: Delete none: something in them that is no turn waits for the store.
            close: Let go of all files; what is not in the store stays for the next process.
        """
        self._rotate(recorder, rotate=rotate, close=close)
        if close:
            self._leave_unread()
        queued = {journal for journal, _, _ in list(recorder.queue)}
        done = [
            journal
            for journal in self._bodies
            if journal is not recorder.journal
            and not (journal.turns or journal.writing or journal in queued)
            and journal not in self.backlog
        ]
        if not close:
            self._give_away([journal for journal in done if journal.left])
        for journal in done:
            if not (keep or journal.left):
                journal.remove()
                self._drop(journal)
        for journal in list(self._bodies) if close else ():
            if not journal.writing:
                journal.abandon()

    def reset(self, current: Journal | None) -> None:
        """Let go of everything after a fork: files and bodies are the parent's."""
        for journal in {*self._bodies, *([current] if current is not None else [])}:
            journal.abandon()
        self._bodies = {}
        self._decoded = {}
        self.backlog.clear()

    def _leave_unread(self) -> None:
        """Let go of what was never read back from the files: it stays for whoever takes them in."""
        turns: set[bytes] = set()
        for data in self.backlog.unread():
            with contextlib.suppress(msgspec.MsgspecError):
                turns.add(getattr(decode_event(data), "turn", b""))
        self.given_away += len(turns - {b""})
        for journal in self.backlog.journals:
            journal.abandon()
            self._bodies.pop(journal, None)
        self.backlog.clear()

    def _create(self, folder: Path) -> Journal:
        for _ in range(3):
            self._number += 1
            path = folder / journal_name(self._writer, self._number)
            with contextlib.suppress(FileExistsError, BlockingIOError):
                mark = StoredMark(self._clock.now_ns() if self.is_awaited else NEVER_AWAITED_NS)
                journal = self._begun(Journal.create(path, mode=self._mode, mark=mark))
                journal.tell_stored(mark._replace(size=journal.quiet_size))
                journal.number = self._number
                return journal
        raise FileExistsError

    def _begun(self, journal: Journal) -> Journal:
        try:
            journal.append(encode_payload(ORIGIN, {b"": self._origin}))
        except OSError:
            journal.remove()
            raise
        return journal

    def _rotate(self, recorder: Recorder, *, rotate: bool, close: bool) -> None:
        current = recorder.journal
        if current is None:
            return
        self._bodies.setdefault(current, {})
        if close:
            recorder.reset_journal()
        elif rotate or current.left or current.is_gone or current.written_bytes > self.rotate_bytes:
            self._open_next(recorder, current)
        else:
            self.mind_the_backlog(recorder)

    def mind_the_backlog(self, recorder: Recorder) -> None:
        """Go on in another file where what waits has become too much for memory, or no longer is.

        Called wherever the writer has done a little: a burst does not wait for it to be done.
        """
        current = recorder.journal
        if current is not None and self.backlog.is_much(recorder, current) != current.spills:
            self._bodies.setdefault(current, {})
            self._open_next(recorder, current)

    def _open_next(self, recorder: Recorder, current: Journal) -> None:
        fresh = self.open()
        if self.backlog.is_much(recorder, current):
            self.backlog.spill(fresh)
        recorder.journal = fresh

    def _give_away(self, journals: list[Journal]) -> None:
        """Let whoever comes take in what was left, this process too, once the store can be written.

        All files that a turn stands in go together, or none.
        """
        others = [journal for journal in self._bodies if journal not in journals]
        while tied := [j for j in journals for other in others if j.left & other.left]:
            others.extend(tied)
            journals = [journal for journal in journals if journal not in tied]
        writer = uuid7().bytes.hex()
        self.given_away += len(set[bytes]().union(*(j.left for j in journals)))
        for number, journal in enumerate(journals, start=2):  # earlier files are in the store
            journal.leave_to(writer, number)
            journal.left.clear()
            self._drop(journal)

    def _drop(self, journal: Journal) -> None:
        self._bodies.pop(journal, None)
        self._decoded.clear()
