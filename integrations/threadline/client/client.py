"""A client: one set of settings, one recorder, one writer, one store."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from threadline.capture.guard import hook_failures
from threadline.capture.losses import Losses
from threadline.client.parts import Parts
from threadline.clock import Clock, SystemClock
from threadline.errors import SettingError, ThreadlineError
from threadline.settings import MEMORY, Settings, resolve

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

    from threadline.capture.recorder import Recorder
    from threadline.store.reader import Reader


class FlushReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what was recorded.

    `stored` counts turns since the client was made. `pending` counts turns that are under way or
    wait for the store, and records that wait for a destination. `delivered` counts records that
    this process delivered; `rejected` those that a destination refused, and that were put aside.
    `dropped` tells losses by reason.
    """

    stored: int = 0
    delivered: int = 0
    pending: int = 0
    rejected: int = 0
    dropped: dict[str, int] = {}

    @property
    def complete(self) -> bool:
        """Whether nothing is pending and nothing was dropped."""
        return self.pending == 0 and not self.dropped


class Client:
    """Records into one store. Handlers and connectors made without a client follow the default.

    Making one opens nothing: files and the writer's thread come with the first event. A store
    that cannot be opened never raises; its journal waits, and `flush` says so.

    Args:
        clock: The clock to record by; the system's own by default.
        refused: Why no setting can be used; the client then records nothing, and says so.
        **settings: Those of `threadline.settings.Settings`; each may also come from the
            environment as `THREADLINE_<NAME>`.

    Raises:
        SettingError: if a setting does not exist or has a value that is not allowed.

    Example:
        >>> with Client(store="memory") as client:
        ...     client.flush().pending
        0
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        refused: SettingError | None = None,
        **settings: Any,
    ) -> None:
        off = {"enabled": False, "store": MEMORY}
        self.settings: Settings = resolve(settings) if refused is None else resolve(off, {})
        self.clock: Clock = clock or SystemClock()
        self.losses = Losses()
        self.refused = refused
        self._parts: dict[str, Parts] = {}
        living_clients.add(self)
        if refused is not None:
            self.losses.warn_once(f"nothing is recorded: {refused}")

    def count_refusal(self) -> None:
        """Count a run that is not recorded because of a wrong setting."""
        if self.refused is not None:
            self.losses.add("nothing is recorded, because a setting is not allowed")

    @property
    def recorder(self) -> Recorder:
        """Where adapters hand events over."""
        return self._started().recorder

    @property
    def open_runs(self) -> dict[Any, Any]:
        """The adapters' table of open runs; starts nothing."""
        parts = self._parts.get("parts")
        return {} if parts is None else parts.recorder.runs

    @property
    def parts(self) -> Parts:
        """What the client is made of, for what works on its store itself."""
        return self._started()

    def flush(self, timeout: float = 5.0) -> FlushReport:
        """Store and deliver what was recorded so far, and say what became of it.

        It never hangs and never raises. Where a destination is down, it ends as soon as waiting
        cannot help; what is left is delivered later.

        Args:
            timeout: Seconds to wait at most.
        """
        if self.settings.destinations and self.settings.ship:
            self._started()  # what earlier processes left is delivered, too
        deadline = self.clock.monotonic() + timeout
        self.store_recorded(timeout)
        parts = self._parts.get("parts")
        if parts is not None:
            parts.delivery.flush(deadline - self.clock.monotonic())
        return self._report()

    def store_recorded(self, timeout: float = 5.0) -> None:
        """Store what was recorded so far, and leave its delivery to the background."""
        parts = self._parts.get("parts")
        if parts is not None:
            parts.writer.flush(timeout)

    def close(self, timeout: float | None = None) -> FlushReport:
        """Store everything, end what is under way as abandoned, deliver, let go of the store.

        Args:
            timeout: Seconds to wait at most; the setting `shutdown_timeout` by default. What is not
                delivered by then waits on disk for the next process.
        """
        parts = self._parts.get("parts")
        if parts is not None:
            seconds = self.settings.shutdown_timeout if timeout is None else timeout
            deadline = self.clock.monotonic() + seconds
            parts.writer.stop(seconds)
            parts.delivery.stop(deadline - self.clock.monotonic())
        report = self._report()
        if parts is not None:
            parts.delivery.close()
        return report

    def reader(self) -> Reader:
        """Return the read side of this client's store, up to date with what was recorded."""
        from threadline.store.reader import Reader  # recording needs no reader

        parts = self._started()
        parts.writer.flush(self.settings.shutdown_timeout)
        with contextlib.suppress(ThreadlineError, OSError):
            parts.writer.take_in()
        return Reader(
            parts.database(),
            parts.store.path,
            before_read=self._before_read,
            tenant=self.settings.tenant,
        )

    def notice_fork(self) -> None:
        """Begin anew in a child that was forked behind the interpreter's back, by a C library."""
        parts = self._parts.get("parts")
        if parts is not None and parts.pid != os.getpid():
            self.begin_anew()

    @property
    def has_started(self) -> bool:
        """Whether anything was recorded or read through this client in this process."""
        return "parts" in self._parts

    def take_in(self) -> int:
        """Take in what processes that are gone have left; returns how many turns that were."""
        return self._started().writer.take_in()

    @contextlib.contextmanager
    def parked(self, timeout: float) -> Generator[None]:
        """Hold the writer, with the store closed, so that this process may fork."""
        parts = self._parts.get("parts")
        if parts is None:
            yield
            return
        with parts.writer.parked(timeout), parts.delivery.parked(timeout):
            yield

    def begin_anew(self) -> None:
        """Forget, in a forked child, what belongs to the parent; everything starts lazily again."""
        parts = self._parts.pop("parts", None)
        if parts is not None:
            parts.keeper.reset(parts.recorder.journal)
            parts.delivery.let_go()
            _inherited.append(parts)
        self.losses = Losses()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _before_read(self) -> None:
        self.store_recorded(self.settings.shutdown_timeout)

    def _report(self) -> FlushReport:
        parts = self._parts.get("parts")
        if parts is None:
            return FlushReport(dropped=self._dropped())
        deliveries = parts.delivery.deliveries()
        return FlushReport(
            stored=parts.writer.stored_turns,
            delivered=deliveries.delivered,
            pending=parts.writer.pending() + deliveries.pending,
            rejected=deliveries.rejected,
            dropped=self._dropped(),
        )

    def _dropped(self) -> dict[str, int]:
        """What this client lost, and what hooks lost that belong to no client in particular."""
        return dict(Counter(hook_failures.losses.counts) + Counter(self.losses.counts))

    def _started(self) -> Parts:
        parts = self._parts.get("parts")
        if parts is None:
            # two threads may come here at once; the first one's parts are used, no lock is taken
            parts = self._parts.setdefault("parts", Parts(self.settings, self.clock, self.losses))
        return parts


_inherited: Final[list[Parts]] = []
"""Never let go of: closing what belongs to the parent, a connection to the store or to a
destination, could lose what goes through it."""

living_clients: Final[weakref.WeakSet[Client]] = weakref.WeakSet()
"""Every client of this process; forks, exits and readers of the same store ask for them."""
