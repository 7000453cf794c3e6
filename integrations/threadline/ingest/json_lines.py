"""A destination that is a file: one JSON object a line, exactly once each, rotating."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from threadline.errors import SettingError
from threadline.ingest.destination import Delivered, Later
from threadline.ingest.line_records import line_of, start_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from threadline.ingest.destination import Item, Outcome

_BATCH: Final = 64
_TAIL: Final = 65_536
_LONGEST_START: Final = 4_000


class JsonLines:
    """Appends every record to a file.

    Each line is an object with `id`, `kind`, `conversation` and `record`. Each record is written
    once: after a crash the file is asked whether it has it. When the file has grown to
    `max_bytes` it is renamed to `<path>.1`, that one to `<path>.2`, and so on.

    Args:
        path: The file; its folder is made where it does not exist.
        max_bytes: From which size on a new file is begun.
        keep: How many older files are kept.
        name: The name of this destination, where there are several of the kind.

    Raises:
        SettingError: if a size or a number is not positive.

    Example:
        >>> JsonLines("conversations.jsonl").name
        'jsonl'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = 100_000_000,
        keep: int = 9,
        name: str = "jsonl",
    ) -> None:
        if max_bytes < 1:
            raise SettingError(
                setting="max_bytes", value=max_bytes, allowed="a whole number of bytes, 1 or more"
            )
        if keep < 0:
            raise SettingError(
                setting="keep", value=keep, allowed="a whole number of files, 0 or more"
            )
        self.name: Final = name
        self.batch_items = _BATCH
        self.path: Final = Path(path).expanduser().absolute()
        self._max_bytes = max_bytes
        self._keep = keep

    @property
    def origin(self) -> str:
        """The file."""
        return str(self.path)

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        """Append the items with one write; what the file has already is not written again."""
        del timeout_s  # a file on this machine answers, or fails
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as fd:
                there = self._already_there([item for item in items if item.tries])
                lines = [line_of(i) + b"\n" for i in items if (i.kind, i.id) not in there]
                _append(fd, b"".join(lines))
        except OSError as error:
            return [Later(_reason(error))] * len(items)
        return [Delivered()] * len(items)

    def check(self, *, timeout_s: float) -> str | None:
        """Tell whether the file can be written."""
        del timeout_s
        try:
            folder = next((f for f in self.path.parents if f.exists()), Path("/"))
            target = self.path if self.path.exists() else folder
        except OSError as error:
            return _reason(error)
        return None if os.access(target, os.W_OK) else f"{target} cannot be written"

    def close(self) -> None:
        """Do nothing: the file is open only while something is written."""

    @contextlib.contextmanager
    def _opened(self) -> Generator[int]:
        """Open the file under a lock, without a torn line at its end, and not too long."""
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                if not self._is_current(fd):  # renamed by another process meanwhile
                    continue
                _cut_torn_line(fd)
                if os.fstat(fd).st_size >= self._max_bytes:
                    self._rotate()
                    continue
                yield fd
            finally:
                # a process forked meanwhile has the file open too, and would keep the lock for ever
                fcntl.flock(fd, fcntl.LOCK_UN)
                os.close(fd)
            return

    def _is_current(self, fd: int) -> bool:
        try:
            here = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(here, os.fstat(fd))

    def _rotate(self) -> None:
        if self._keep == 0:
            self.path.unlink()
            return
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._older(number).rename(self._older(number + 1))
        self.path.rename(self._older(1))

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _already_there(self, items: Sequence[Item]) -> set[tuple[str, str]]:
        """Return which of these the files have: somebody tried and did not live to tell."""
        wanted = {start_of(item.kind, item.id): (item.kind, item.id) for item in items}
        found: set[tuple[str, str]] = set()
        for path in (self.path, *map(self._older, range(1, self._keep + 1))):
            if len(found) == len(wanted):
                break
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                for line in file:
                    start = line[: line.find(b',"schema"', 0, _LONGEST_START) + 1]
                    if start in wanted:
                        found.add(wanted[start])
        return found


def _cut_torn_line(fd: int) -> None:
    """Cut off a line that was not written to its end: its writer was killed, or the disk full."""
    end = os.fstat(fd).st_size
    while end:
        start = max(0, end - _TAIL)
        tail = os.pread(fd, end - start, start)
        whole = tail.rfind(b"\n") + 1
        if whole or not start:
            if start + whole < os.fstat(fd).st_size:
                os.ftruncate(fd, start + whole)
            return
        end = start


def _append(fd: int, data: bytes) -> None:
    before = os.fstat(fd).st_size
    written = 0
    try:
        while written < len(data):
            written += os.write(fd, data[written:])
        os.fsync(fd)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, before)
        raise


def _reason(error: OSError) -> str:
    return f"the file cannot be written: {error.strerror or type(error).__name__}"
