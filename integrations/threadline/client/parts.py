"""What a client is made of once it is needed, wired together here and nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from threadline.capture.journal_keeper import ROTATE_BYTES, JournalKeeper
from threadline.capture.recorder import Recorder
from threadline.capture.redaction import Redactor
from threadline.capture.settling import Origin, Settler
from threadline.capture.writer_thread import WriterThread
from threadline.client.delivery import Delivery
from threadline.ids import uuid7
from threadline.store.journal import Journal, journal_folder
from threadline.store.key import load_key
from threadline.store.writer import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.capture.losses import Losses
    from threadline.clock import Clock
    from threadline.settings import Settings
    from threadline.store.connections import Database


class Parts:
    """The recorder, the writer and the store of one client. Serves the recorder as its handover."""

    def __init__(self, settings: Settings, clock: Clock, losses: Losses) -> None:
        self.pid = os.getpid()
        path = _usable_path(settings, losses)
        key = load_key(path)
        writer_id = uuid7().bytes
        origin = _origin_of(settings)
        redactor = Redactor.compile(settings.redact, key=key)
        self.recorder = Recorder(
            self,
            redactor,
            losses=losses,
            key=key,
            content=settings.content,
            fsync=settings.durability == "fsync",
        )
        self.keeper = JournalKeeper(
            None if path is None else journal_folder(path),
            writer_id,
            msgspec.json.encode(origin),
            mode=settings.store_mode,
            losses=losses,
            clock=clock,
            is_awaited=bool(settings.destination_names),
            rotate_bytes=min(ROTATE_BYTES, settings.max_memory_bytes // 8),
        )
        self.store = StoreWriter(
            path,
            key=key,
            writer_id=writer_id,
            mode=settings.store_mode,
            max_memory_bytes=settings.max_memory_bytes,
        )
        self.writer = WriterThread(
            self.recorder,
            self.keeper,
            self.store,
            Settler(self.store, origin, self.recorder.encoded_body),
            clock=clock,
            min_free_bytes=settings.min_free_bytes,
            max_memory_bytes=settings.max_memory_bytes,
        )
        self._settings = settings
        self.delivery = Delivery(
            settings,
            self.database,
            path=self.store.path,
            clock=clock,
            losses=losses,
            on_orphans=self.writer.look_for_orphans,
        )
        if self.delivery.ships:
            self.writer.on_outbox = self.delivery.kick
            self.writer.before_first = self.delivery.claim
        self.writer.room.mind()

    def database(self) -> Database:
        """Return how readers reach the store: a file of their own, or the writer's memory."""
        # here, because recording needs no reader
        from threadline.store.connections import FileDatabase, SharedDatabase

        if self.store.path is None:
            lock = self.writer.working
            return SharedDatabase(lambda: self.store.connection, lock, self.store.forget)
        return FileDatabase(self.store.path, mode=self._settings.store_mode)

    def open_journal(self) -> Journal:
        """Return a new journal for this process."""
        return self.keeper.open()

    def wake(self) -> None:
        """Let the writer know that a turn ended."""
        self.writer.wake()

    def stir(self) -> None:
        """Let the writer know that a turn began."""
        self.writer.stir()


def _origin_of(settings: Settings) -> Origin:
    return Origin(
        tenant=settings.tenant or "",
        app=settings.app,
        environment=settings.environment,
        release=settings.release,
        destinations=settings.destination_names,
        sample=settings.sample,
        conversation_events=settings.conversation_events,
    )


def _usable_path(settings: Settings, losses: Losses) -> Path | None:
    """Return where the store is; None, for one in memory, where no folder can be written."""
    if isinstance(settings.store, str):
        return None
    path = settings.store
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(path.parent, os.W_OK | os.X_OK):
            return path
        reason = "not writable"
    except OSError as error:
        reason = type(error).__name__
    losses.warn_once(
        "the store's folder cannot be written; recording into memory, which ends with the process",
        f"{path.parent}: {reason}",
    )
    return None
