"""Drains the outbox of one destination: a thread of its own, one round after the other."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from threadline.errors import ThreadlineError
from threadline.ingest.batches import Batches
from threadline.ingest.destination import Delivered, Later, Rejected
from threadline.ingest.origins import HELD_BACK_S, held_back
from threadline.ingest.trying import failed_whole, item_of, refused_whole, try_once
from threadline.store.outbox import Outcomes, PutOff
from threadline.store.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from threadline.clock import Clock
    from threadline.ingest.destination import Destination, Item, Outcome
    from threadline.ingest.pace import Pace
    from threadline.ingest.recorders import Recorders
    from threadline.ingest.sender_lock import SenderLock
    from threadline.store.outbox import DestinationState, Outbox, OutboxRow

_NS: Final = 1_000_000_000
_STORE_WAIT_S: Final = 2.0
_SHORTEST_WAIT_S: Final = 0.02


class Sender:
    """Sends what waits for one destination, in order, and writes down what came of it.

    Nothing here is called by a hook. Its thread starts when there is something to send, sleeps
    without an end where nothing waits, and lets others send meanwhile.
    """

    def __init__(
        self,
        destination: Destination,
        outbox: Outbox,
        lock: SenderLock,
        *,
        clock: Clock,
        pace: Pace,
        progress: Callable[[], None],
        recorders: Recorders,
        origin: str | None = None,
    ) -> None:
        self.destination = destination
        self.delivered = 0
        self.is_occupied = False
        """Whether another process was sending when it was this one's turn."""

        self.is_trying = False
        """Whether a try is under way of which nobody knows yet what comes."""

        self._outbox = outbox
        self._lock = lock
        self._clock = clock
        self._pace = pace
        self._progress = progress
        self._recorders = recorders
        self._origin = origin
        self._wake = threading.Event()
        self._starting = threading.Lock()  # no hook comes here
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._hurries = 0
        self._answered = 0
        self._next_try: float | None = None
        self._deadline: float | None = None
        self._most = destination.batch_items
        self._planned: int = pace.planned_rows
        self._settle_ns = int(getattr(destination, "settle_s", 0.0) * _NS)

    @property
    def name(self) -> str:
        """The destination's name."""
        return self.destination.name

    def kick(self) -> None:
        """Let the thread know that there may be something to send; start it if need be."""
        self._stopping = False
        self._wake.set()
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def hurry(self, deadline: float) -> None:
        """Try at once, whatever was to be waited for, unless the destination asked for it.

        Args:
            deadline: When the caller must be done, by the monotonic clock.
        """
        self._hurries += 1
        self.kick()
        if self._thread is None:  # too late for threads: the interpreter is shutting down
            self._deadline = deadline
            self.send_due()
            self._deadline = None

    def may_deliver_by(self, deadline: float) -> bool:
        """Tell whether waiting until `deadline` could help, after `hurry`."""
        if self._thread is None:
            return False
        if self._answered < self._hurries:
            return True
        if self.is_occupied:
            with contextlib.suppress(ThreadlineError):  # the store cannot be used now
                return self._is_anything_waiting()
            return False
        return self._next_try is not None and self._next_try < deadline

    def stop(self, timeout: float) -> None:
        """End the thread; one that hangs in a try is left behind, and ends after it."""
        self._stopping = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.0, timeout))
        if thread is None or not thread.is_alive():
            self._thread = None

    def let_go(self) -> None:
        """Leave, in a forked child, to the parent what is the parent's."""
        self._lock.let_go()

    def is_meant_for_it(self) -> bool:
        """Tell whether what waits was recorded for this destination's account."""
        return self._origin is None or self._outbox.is_meant_for(self.name, self._origin)

    def send_due(self) -> float | None:
        """Send what is due, on the calling thread.

        Returns:
            Seconds until it is worth to try again; None where nothing waits.
        """
        hurries = self._hurries
        wait: float | None = _STORE_WAIT_S
        with contextlib.suppress(ThreadlineError):  # the store cannot be used now: it waits there
            self.is_occupied = not self._lock.take()
            if self.is_occupied:
                wait = self._pace.occupied_wait_s if self._is_anything_waiting() else None
            else:
                try:
                    is_hurried = hurries > self._answered
                    is_ours = self.is_meant_for_it()
                    wait = self._round(is_hurried=is_hurried) if is_ours else self._hold_back()
                finally:
                    self._lock.give_back()
        self._next_try = None if wait is None else self._clock.monotonic() + wait
        self._answered = hurries
        self._progress()
        return wait

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=f"threadline-{self.name}", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down: the outbox keeps what there is
            self._thread = None

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            wait = self.send_due()
            if not self._stopping:
                self._wake.wait(None if wait is None else max(wait, _SHORTEST_WAIT_S))
        self.destination.close()

    def _is_anything_waiting(self) -> bool:
        return self._outbox.counts([self.name]).waiting > 0

    def _round(self, *, is_hurried: bool) -> float | None:
        state = self._outbox.state(self.name)
        if is_hurried and not state.is_told:
            state = replace(state, until_ns=0)
        now = self._clock.now_ns()
        if state.until_ns > now:
            return (state.until_ns - now) / _NS if self._is_anything_waiting() else None
        stored_ns = self._recorders.stored_ns(now)  # before the plan, which has all of that then
        rows = self._outbox.plan(self.name, self._planned)
        plan = Batches(rows, now, self._settle_ns, stored_ns)
        while batch := plan.take(self._most):
            state = self._send(batch, plan, state)
            if state.failures:
                return (state.until_ns - self._clock.now_ns()) / _NS
            if self._stopping or self._time_left() <= 0:
                return 0.0
        if len(rows) == self._planned and not plan.awaits_others:
            if not plan.has_given:  # what stands first waits: look behind it
                self._planned *= 4
            return 0.0
        self._planned = self._pace.planned_rows
        due = plan.next_due_ns
        return None if due is None else (due - self._clock.now_ns()) / _NS

    def _hold_back(self) -> float:
        state = held_back(self._outbox.state(self.name), self.name, self._clock.now_ns())
        self._outbox.settle(self.name, Outcomes(), state)
        return HELD_BACK_S

    def _time_left(self) -> float:
        if self._deadline is None:
            return self._pace.send_timeout_s
        return min(self._pace.send_timeout_s, self._deadline - self._clock.monotonic())

    def _send(
        self, rows: Sequence[OutboxRow], plan: Batches, state: DestinationState
    ) -> DestinationState:
        self._outbox.count_try(self.name, rows)
        records = self._outbox.records(rows)
        gone = [row for row in rows if row not in records]
        kept = [row for row in rows if row in records]
        if not kept:
            self._outbox.settle(self.name, Outcomes(delivered=gone), state)
            return state
        came = self._outbox.receipts(self.name, kept)
        items = [item_of(row, records[row], came[row]) for row in kept]
        self.is_trying = True
        outcomes = self._tried(items)
        self.is_trying = False
        failure = failed_whole(outcomes)
        state = self._after(state, failure, outcomes)
        later = self._put_off(kept, outcomes, plan, state)
        told = list(zip(kept, outcomes, strict=True))
        receipts = [
            (r, Receipts(o.receipt, o.conversation_receipt))
            for r, o in told
            if isinstance(o, Delivered)
        ]
        delivered = [r for r, _ in receipts]
        rejected = [(r, o.reason) for r, o in told if isinstance(o, Rejected)]
        settled = Outcomes([*delivered, *gone], later, rejected, receipts)
        self._outbox.settle(self.name, settled, state)
        self.delivered += len(delivered)
        return state

    def _tried(self, items: Sequence[Item]) -> list[Outcome]:
        """Try, and where a batch is refused, find out by halves what it is that is refused."""
        outcomes = try_once(self.destination, items, self._time_left())
        if not refused_whole(outcomes):
            return outcomes
        middle = len(items) // 2
        first = self._tried(items[:middle])
        if failed_whole(first):  # it went down meanwhile
            return [*first, *[first[0]] * (len(items) - middle)]
        return [*first, *self._tried(items[middle:])]

    def _after(
        self, state: DestinationState, failure: Later | None, outcomes: Sequence[Outcome]
    ) -> DestinationState:
        """Return how the destination stands after a try."""
        now = self._clock.now_ns()
        delivered = sum(isinstance(outcome, Delivered) for outcome in outcomes)
        if failure is None:
            self._most = min(self.destination.batch_items, self._most * 2)
            return replace(
                state,
                failures=0,
                until_ns=0,
                is_told=False,
                delivered=state.delivered + delivered,
                delivered_ns=now if delivered else state.delivered_ns,
            )
        self._most = max(1, self._most // 4)
        failures = state.failures + 1
        told = failure.after_s
        wait = self._pace.wait_s(failures)
        if told is not None:
            wait = max(wait, min(told, self._pace.longest_told_s))
        return replace(
            state,
            failures=failures,
            until_ns=now + int(wait * _NS),
            is_told=told is not None,
            error=failure.reason,
            error_ns=now,
        )

    def _put_off(
        self,
        rows: Sequence[OutboxRow],
        outcomes: Sequence[Outcome],
        plan: Batches,
        state: DestinationState,
    ) -> list[PutOff]:
        """Return the rows that come later, and when.

        Where the destination is down, rows keep their time: it is the destination that waits. One
        row that was tried alone steps back all the same, since it may be the reason.
        """
        later: list[PutOff] = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if not isinstance(outcome, Later):
                continue
            due_ns = row.due_ns
            if not state.failures:
                due_ns = self._clock.now_ns() + int(self._wait_s(row, outcome) * _NS)
            elif len(rows) == 1:
                due_ns = state.until_ns + int(self._pace.wait_s(row.attempts + 1) * _NS)
            plan.block(row, due_ns)
            later.append(PutOff(row, due_ns, outcome.reason, outcome.is_known))
        return later

    def _wait_s(self, row: OutboxRow, outcome: Later) -> float:
        """Return how long a row waits that others did not have to wait with."""
        if outcome.after_s is None:
            return self._pace.wait_s(row.attempts + 1)
        longest = outcome.after_s if outcome.of_record else self._pace.longest_told_s
        return min(outcome.after_s, longest)
