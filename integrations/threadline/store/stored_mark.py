"""What a journal says at its very beginning: until when the store has all that stands in it.

The writer of the journal puts it there whenever it has stored something. Others read it to know
whether a turn that ended earlier than one that they have is still on its way into the store.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.clock import now_ns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FRAME: Final = struct.Struct(">4sQQ")
_MAGIC: Final = b"\xf1TLs"
_SILENT_NS: Final = 10_000_000_000
"""A process that has appended nothing for so long is not waited for: it hangs, or cannot store."""

MARK_BYTES: Final = _FRAME.size


class StoredMark(NamedTuple):
    """What ended until `until_ns` is stored; all there is, while the file has `size` bytes.

    A `size` of 0, which no file has, says that something else may wait for the store.
    """

    until_ns: int
    size: int = 0

    def encoded(self) -> bytes:
        """Return the `MARK_BYTES` that stand at the beginning of the file."""
        return _FRAME.pack(_MAGIC, self.until_ns, self.size)

    @classmethod
    def decoded(cls, data: bytes) -> StoredMark | None:
        """Return the mark that `data` begins with, if it does."""
        if len(data) < MARK_BYTES:
            return None
        magic, until_ns, size = _FRAME.unpack_from(data)
        return cls(until_ns, size) if magic == _MAGIC else None


NEVER_AWAITED_NS: Final = 2**63 - 1
"""The time in the mark of a journal of which nothing goes to a destination."""


class Unstored(NamedTuple):
    """Until when all is stored (None: all there is), and whether somebody died before it was."""

    until_ns: int | None = None
    has_orphans: bool = False


def is_all_stored(journal: Path) -> bool:
    """Tell whether the store has all that stands in a journal, as far as its writer has said."""
    with contextlib.suppress(OSError), journal.open("rb") as file:
        mark = StoredMark.decoded(file.read(MARK_BYTES))
        return mark is not None and mark.size == os.fstat(file.fileno()).st_size
    return False


def unstored_in(journals: Iterable[Path]) -> Unstored:
    """Look whether anything that was recorded is not in the store yet.

    Journals of processes that have been silent for ten seconds do not count.
    """
    until_ns: int | None = None
    has_orphans = False
    for path in journals:
        with contextlib.suppress(OSError):  # the store has it: it was deleted meanwhile
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                mark = _awaited(fd)
                if mark is not None:
                    until_ns = mark.until_ns if until_ns is None else min(until_ns, mark.until_ns)
                    has_orphans = has_orphans or _is_orphan(fd)
            finally:
                os.close(fd)
    return Unstored(until_ns, has_orphans)


def _awaited(fd: int) -> StoredMark | None:
    mark = StoredMark.decoded(os.pread(fd, MARK_BYTES, 0))
    found = os.fstat(fd)
    is_silent = now_ns() - found.st_mtime_ns > _SILENT_NS
    if mark is None or mark.size == found.st_size or is_silent:
        return None
    return None if mark.until_ns == NEVER_AWAITED_NS else mark


def _is_orphan(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(fd, fcntl.LOCK_UN)  # not only closed: a child forked meanwhile would keep it
    return True
