"""The writer: one daemon thread per process that joins, settles and cuts the journal.

It owns everything that changes. Hooks only append to a deque and, when a turn may have ended, put
a signal into a queue; both are safe when a hook interrupts a hook.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Final

import msgspec

from threadline.capture.events import CaptureEvent, decode_event
from threadline.capture.joiner import Joiner
from threadline.capture.long_turns import LongTurns
from threadline.capture.memory_limit import MEMORY_FULL, MemoryLimit
from threadline.capture.room import Room
from threadline.capture.store_wait import StoreWait
from threadline.capture.stored_until import StoredUntil
from threadline.capture.taking_in import take_in
from threadline.clock import give_way
from threadline.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from threadline.capture.events import Noted, Updated
    from threadline.capture.journal_keeper import JournalKeeper
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.recorder import Recorder
    from threadline.capture.settling import Settler
    from threadline.clock import Clock
    from threadline.store.writer import StoreWriter

GATHER_S: Final = 0.2
TICK_S: Final = 1.0
MAX_GROUP: Final = 256
_EVENTS_IN_A_ROW: Final = 16
_TAKE_IN_S: Final = 30.0


class WriterThread:
    """Takes what the recorder hands over to the store, in groups."""

    def __init__(
        self,
        recorder: Recorder,
        keeper: JournalKeeper,
        store: StoreWriter,
        settler: Settler,
        *,
        clock: Clock,
        min_free_bytes: int,
        max_memory_bytes: int,
    ) -> None:
        self.stored_turns = 0
        self._losses = recorder.losses
        self._recorder = recorder
        self._keeper = keeper
        self._store = store
        self._settler = settler
        self._clock = clock
        self.room = Room(recorder, keeper, clock, min_free_bytes)
        self._stored_until = StoredUntil(recorder, keeper, clock)
        self._joiner = Joiner()
        self._memory = MemoryLimit(recorder, keeper, self._joiner, clock, max_memory_bytes)
        self._long_turns = LongTurns(self._joiner, settler, store, clock)
        self._waiting: list[OpenTurn] = []
        self._parking = False
        self._store_wait = StoreWait(recorder.losses)
        self.has_taken_in = False
        self.before_first: Callable[[], None] | None = None
        """Called once, before anything of this process is stored."""

        self.on_outbox: Callable[[], None] | None = None
        """Called when something was stored that destinations are to get."""

        self._wake: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._hurry: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.working = threading.RLock()
        self._threads: dict[str, threading.Thread] = {}
        self._stopping = False
        self._is_stopped = False
        self._took = False
        self._asleep = True
        self._take_in_at = 0.0

    def wake(self) -> None:
        """Let the thread know that a turn may have ended; start it if need be. Safe in hooks."""
        self._wake.put("work")
        if not self._threads and not self._stopping:
            self._start()

    def stir(self) -> None:
        """Let a sleeping thread know that a turn began, so that it is seen. Safe in hooks."""
        if self._asleep:
            self._asleep = False
            self._wake.put("tick")
            if not self._threads and not self._stopping:
                self._start()

    def flush(self, timeout: float, *, close: bool = False) -> bool:
        """Store all that has been handed over so far, on the calling thread.

        Args:
            timeout: Seconds to wait for the writer to be done with what it is doing.
            close: Also end the turns that are still under way, as abandoned.

        Returns:
            Whether everything that could be stored is stored.
        """
        if not self.working.acquire(timeout=max(0.0, timeout)):
            return False
        try:
            self._store_wait.lift()
            with self._store.patient(timeout):
                deadline = self._clock.monotonic() + timeout
                while self._has_more() and self._clock.monotonic() < deadline:
                    self._work()
                    if not self._took:
                        break  # what is left is being written right now
                # what ends a turn may stand in what there was no time for
                self._work(force=True, close=close and not self._has_more())
                if self._keeper.given_away:
                    self._work()
            return not (self._waiting or self._joiner.notes or self._has_more())
        finally:
            self.working.release()

    def stop(self, timeout: float) -> bool:
        """Store everything, end the thread, close the store; journals of what is left stay."""
        deadline = self._clock.monotonic() + timeout
        self._stopping = self._is_stopped = True
        done = self.flush(timeout, close=True)
        self._wake.put("stop")
        self._hurry.put(None)
        thread = self._threads.get("writer")
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.05, deadline - self._clock.monotonic()))
        if self.working.acquire(timeout=max(0.05, deadline - self._clock.monotonic())):
            try:
                self._store_wait.say()
                self._keeper.leave(self._waiting, "the store could not be written until the end")
                self._waiting = []
                self._keeper.cut(self._recorder, close=True, keep=bool(self._joiner.notes))
                self._store.close()
            finally:
                self.working.release()
        self._threads.clear()
        self._stopping = False
        return done

    @property
    def _is_asked(self) -> bool:
        """Whether the sender of this process has found journals of one that is gone."""
        return self._take_in_at < 0

    @contextlib.contextmanager
    def parked(self, timeout: float) -> Generator[None]:
        """Hold the writer with its connection closed, so that this process may fork."""
        self._parking = True  # a long backlog is left for later
        held = self.working.acquire(timeout=timeout)
        try:
            if held:
                self._store.close()
            yield
        finally:
            self._parking = False
            if held:
                self.working.release()

    def pending(self) -> int:
        """Return how many turns are under way or wait for the store."""
        waiting = (data for _, data, _ in list(self._recorder.queue))
        handed = map(self._decode, (*waiting, *self._keeper.backlog.unread()))
        begun = self._joiner.open.keys() | {getattr(event, "turn", b"") for event in handed}
        return len(begun - {b""}) + len(self._waiting) + self._keeper.left_turns()

    def take_in(self) -> int:
        """Take in the journals of processes that are gone; returns how many turns they held.

        Raises:
            StoreError: if the store cannot take them now; the journals stay.
        """
        if self._keeper.folder is None:
            return 0
        with self.working:
            turns = take_in(self._keeper.folder, self._settler, self._clock, self._losses)
            self.has_taken_in = True
            self.stored_turns += self._keeper.given_away
            self._keeper.given_away = 0
            self._tell_what_the_store_did()
            self._kick()
            return turns

    def look_for_orphans(self) -> None:
        """Have the thread take in what a process that died just now has left; not after `stop`."""
        if not self._is_stopped:
            self._take_in_at = -1.0
            self.wake()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="threadline-writer", daemon=True)
        if self._threads.setdefault("writer", thread) is not thread:
            return  # hooks of several threads came here at once
        self._is_stopped = False
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down: the journal keeps what there is
            self._threads.clear()

    def _run(self) -> None:
        while not self._stopping:
            pause = self._pause()
            self._asleep = pause is None
            try:
                signal = self._wake.get(timeout=pause)
            except queue.Empty:
                signal = "tick"
            self._asleep = False
            if signal == "stop":
                return
            if signal == "work":
                self._gather()
            with self.working:
                if not self._stopping:
                    self._work()
            if self._took and self._has_more() and not self._parking:
                self._wake.put("tick")  # the rest of it at once, once others had their turn

    def _pause(self) -> float | None:
        """How long to wait: for ever when there is nothing that time alone could change."""
        busy = self._joiner.open or self._waiting or self._has_more() or self._joiner.notes
        busy = busy or self._keeper.given_away
        if busy and self._keeper.is_awaited:
            return GATHER_S  # others deliver once they know how far this process is
        return TICK_S if busy or self._recorder.stopped_for else None

    def _gather(self) -> None:
        """Let a group come together; one commit serves all its turns.

        It waits on a queue of its own: being woken at every turn costs as much as the work.
        """
        with contextlib.suppress(queue.Empty):
            self._hurry.get(timeout=GATHER_S)
        with contextlib.suppress(queue.Empty):
            while True:
                if self._wake.get_nowait() == "stop":
                    self._wake.put("stop")
                    return

    def _work(self, *, force: bool = False, close: bool = False) -> None:
        try:
            now = self._clock.monotonic()
            self._stored_until.begin_look()
            self._drain(now)
            self._joiner.sweep(self._clock.now_ns())
            self._waiting.extend(self._joiner.take_whole(now, force=force, close=close))
            if self._waiting or self._joiner.notes or self._keeper.given_away or self._is_asked:
                self._settle(now)
            self._tell_how_far()
            self._show_long_turns(now)
            self._keeper.cut(self._recorder, keep=bool(self._joiner.notes))
            self._memory.mind(self._waiting)
            self.room.mind()
        except Exception as error:  # noqa: BLE001 (the thread must live; what failed is counted)
            self._losses.add("the writer failed", detail=type(error).__name__)

    def _drain(self, now: float) -> None:
        batch = self._keeper.backlog.take(self._recorder)
        self._took = bool(batch)
        self._keeper.take(batch)
        event = None
        for number, (journal, data, _) in enumerate(batch):
            if number % _EVENTS_IN_A_ROW == 0:
                self._pause_briefly()
            event = self._decode(data)
            if event is not None and not self._memory.is_too_late(event):
                self._joiner.feed(event, journal, now)
        self._stored_until.end_look(event, has_more=self._has_more())

    def _tell_how_far(self) -> None:
        """Tell other processes how far the store is, then whoever delivers that there is more."""
        if not self._joiner.notes:
            self._stored_until.tell([*self._waiting, *self._joiner.over()])
        self._kick()

    def _kick(self) -> None:
        if self._store.has_filled_outbox:
            self._store.has_filled_outbox = False
            if self.on_outbox is not None:
                self.on_outbox()

    def _pause_briefly(self) -> None:
        self._keeper.mind_the_backlog(self._recorder)
        give_way()

    def _has_more(self) -> bool:
        return bool(self._recorder.queue or self._keeper.backlog)

    def _decode(self, data: bytes) -> CaptureEvent | None:
        try:
            return decode_event(data)
        except msgspec.MsgspecError as error:
            self._losses.add("an event could not be read back", detail=type(error).__name__)
            return None

    def _settle(self, now: float) -> None:
        if self._store_wait.is_on(now):
            return
        try:
            if not self.has_taken_in or self._keeper.given_away or now >= self._take_in_at:
                self._take_in_at = now + _TAKE_IN_S  # workers beside this one may die at any time
                self.take_in()
            while (self._waiting or self._joiner.notes) and not self._parking:
                most = min(MAX_GROUP, self._store.turns_at_once)
                self._settle_group(self._waiting[:most], list(self._joiner.notes))
                self._tell_how_far()
        except StoreError as error:  # it cannot take it now: wait, and keep the journals
            self._store_wait.after(error, now)
        self._tell_what_the_store_did()

    def _show_long_turns(self, now: float) -> None:
        if not self._store_wait.is_on(now):
            try:
                self._long_turns.show(now)
                self._store_wait.over()  # nothing was refused in this whole look
            except StoreError as error:
                self._store_wait.after(error, now)

    def _settle_group(self, group: list[OpenTurn], notes: list[Noted | Updated]) -> None:
        try:
            self._store_group(group, notes)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (one bad turn must not block the others)
            self._settle_one_by_one(group, error)
            return
        del self._waiting[: len(group)]
        del self._joiner.notes[: len(notes)]
        self._done_with(group)

    def _store_group(self, group: list[OpenTurn], notes: list[Noted | Updated]) -> None:
        if self.before_first is not None:
            first, self.before_first = self.before_first, None
            first()
        find, now_ns = self._keeper.find_body, self._clock.now_ns()
        self._settler.settle(group, notes, find, now_ns, between=self._pause_briefly)

    def _settle_one_by_one(self, group: list[OpenTurn], error: Exception) -> None:
        """A group that fails is tried turn by turn; what fails alone is given up and counted."""
        if not group:
            lost = len(self._joiner.notes)
            self._losses.add("a note could not be stored", lost, detail=type(error).__name__)
            self._joiner.notes.clear()
        for turn in group:
            try:
                self._store_group([turn], [])
                self._done_with([turn])
            except StoreError:
                raise
            except Exception as failure:  # noqa: BLE001 (counted)
                self._losses.add("a turn could not be stored", detail=type(failure).__name__)
                self._keeper.forget([turn], self._recorder)
            self._waiting.remove(turn)

    def _done_with(self, turns: list[OpenTurn]) -> None:
        self.stored_turns += len(turns)
        self._keeper.forget(turns, self._recorder)
        for turn in turns:
            if turn.open_count:
                self._recorder.forget_runs(turn.dead_ends)

    def _tell_what_the_store_did(self) -> None:
        for path in self._store.moved_aside:
            self._losses.warn_once("the store was damaged and has been moved aside", str(path))
        self._store.moved_aside.clear()
        if self._store.evicted_turns:
            self._losses.add(MEMORY_FULL, self._store.evicted_turns)
            self._store.evicted_turns = 0
