"""A client: one set of settings, one recorder, one writer, one store."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

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
    from threadline.store.writer import StoreWriter


class FlushReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what was recorded.

    `stored` counts turns since the client was made; `pending` those under way or waiting for the
    store; `delivered` and `rejected` belong to destinations; `dropped` tells losses by reason.
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

    def flush(self, timeout: float = 5.0) -> FlushReport:
        """Store what was recorded so far and say what became of it; never hangs, never raises.

        Args:
            timeout: Seconds to wait at most.
        """
        parts = self._parts.get("parts")
        if parts is not None:
            parts.writer.flush(timeout)
        return self._report()

    def close(self, timeout: float | None = None) -> FlushReport:
        """Store everything, end what is under way as abandoned, let go of the store."""
        parts = self._parts.get("parts")
        if parts is not None:
            parts.writer.stop(self.settings.shutdown_timeout if timeout is None else timeout)
        return self._report()

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

    @property
    def has_started(self) -> bool:
        """Whether anything was recorded or read through this client in this process."""
        return "parts" in self._parts

    def take_in(self) -> int:
        """Take in what processes that are gone have left; returns how many turns that were."""
        return self._started().writer.take_in()

    @contextlib.contextmanager
    def parked(self) -> Generator[None]:
        """Hold the writer, with the store closed, so that this process may fork."""
        parts = self._parts.get("parts")
        with parts.writer.parked(5.0) if parts is not None else contextlib.nullcontext():
            yield

    def begin_anew(self) -> None:
        """Forget, in a forked child, what belongs to the parent; everything starts lazily again."""
        parts = self._parts.pop("parts", None)
        if parts is not None:
            parts.keeper.reset(parts.recorder.journal)
            _inherited.append(parts.store)
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
        self.flush(self.settings.shutdown_timeout)

    def _report(self) -> FlushReport:
        parts = self._parts.get("parts")
        if parts is None:
            return FlushReport(dropped=dict(self.losses.counts))
        pending = parts.writer.pending()
        return FlushReport(
            stored=parts.writer.stored_turns, pending=pending, dropped=dict(self.losses.counts)
        )

    def _started(self) -> Parts:
        parts = self._parts.get("parts")
        if parts is None:
            # two threads may come here at once; the first one's parts are used, no lock is taken
            parts = self._parts.setdefault("parts", Parts(self.settings, self.clock, self.losses))
        return parts


_inherited: Final[list[StoreWriter]] = []
"""Never let go of: closing a connection that belongs to the parent could lose what it commits."""

living_clients: Final[weakref.WeakSet[Client]] = weakref.WeakSet()
"""Every client of this process; forks, exits and readers of the same store ask for them."""
