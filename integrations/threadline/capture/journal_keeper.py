"""Keeps this process's journals: opens them, knows their bodies, cuts what the store has.

Used by the writer only, but for `open`, which the first hook of a process calls.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from threadline.capture.events import decode_body
from threadline.model.message import Body
from threadline.model.parts import GenericPart
from threadline.store.journal import ORIGIN, SUFFIX, Journal, encode_payload

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.capture.losses import Losses
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.recorder import Handed, Recorder

ROTATE_BYTES: Final = 4_000_000
_CACHED_BODIES: Final = 4_000
LOST_BODY: Final = Body("", (GenericPart("lost", None),))


class JournalKeeper:
    """The journals of one recorder, from the first event until the store has everything."""

    def __init__(
        self, folder: Path | None, writer_id: bytes, origin: bytes, *, mode: int, losses: Losses
    ) -> None:
        self.folder = folder
        self._writer = writer_id.hex()
        self._origin = origin
        self._mode = mode
        self._losses = losses
        self._number = 0
        self._bodies: dict[Journal, dict[bytes, bytes]] = {}
        self._decoded: dict[bytes, Body] = {}

    def open(self) -> Journal:
        """Return a new journal; one that keeps nothing where no file can be made."""
        if self.folder is None:
            return Journal.nowhere()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for _ in range(3):
                self._number += 1
                name = f"{self._writer}-{os.getpid()}-{self._number:06d}{SUFFIX}"
                try:
                    journal = Journal.create(self.folder / name, mode=self._mode)
                    journal.append(encode_payload(ORIGIN, {b"": self._origin}))
                    return journal
                except (FileExistsError, BlockingIOError):
                    continue
        except OSError as error:
            self._losses.warn_once(
                "no journal can be written here; what is recorded is only in memory until the"
                " store has it",
                type(error).__name__,
            )
        return Journal.nowhere()

    def take(self, batch: list[Handed]) -> None:
        """Remember the bodies that a batch of events brought."""
        for journal, _, bodies in batch:
            if bodies:
                self._bodies.setdefault(journal, {}).update(bodies)

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
        """Return how much memory the remembered bodies take."""
        return sum(len(body) for bodies in self._bodies.values() for body in bodies.values())

    def forget(self, turns: list[OpenTurn], recorder: Recorder) -> None:
        """The store has these turns (or they were given up): they no longer pin a journal."""
        current = recorder.journal
        for journal in {*self._bodies, *([current] if current is not None else [])}:
            for turn in turns:
                journal.turns.discard(turn.key)

    def cut(self, recorder: Recorder, *, close: bool = False) -> None:
        """Begin a new file where the one in use is long; delete those the store has all of."""
        current = recorder.journal
        if current is not None:
            self._bodies.setdefault(current, {})
            if close:
                recorder.reset_journal()
            elif current.written_bytes > ROTATE_BYTES:
                recorder.journal = self.open()
        queued = {journal for journal, _, _ in list(recorder.queue)}
        for journal in list(self._bodies):
            in_use = journal is recorder.journal or journal.turns or journal.writing
            if not in_use and journal not in queued:
                journal.remove()
                del self._bodies[journal]
                self._decoded.clear()
            elif close and journal is not recorder.journal:
                journal.abandon()  # the file stays: the next process takes it in

    def reset(self, current: Journal | None) -> None:
        """Let go of everything after a fork: files and bodies are the parent's."""
        for journal in {*self._bodies, *([current] if current is not None else [])}:
            journal.abandon()
        self._bodies = {}
        self._decoded = {}
