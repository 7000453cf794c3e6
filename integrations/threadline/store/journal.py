"""The journal: this process's own append-only file, one write call per event.

What one `write` has handed to the operating system survives the process. A file is complete in
itself (every message body that its events refer to stands in it), so that it can be taken in by
another process after a crash, and deleted as soon as the store has all of it.

It begins with a mark (`threadline.store.stored_mark`), the only bytes that are ever overwritten.
Frame: magic, length and CRC of the payload, the payload. A torn frame (full disk, power failure)
is skipped to the next magic.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import struct
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from threadline.store.appending import appender
from threadline.store.stored_mark import MARK_BYTES, NEVER_AWAITED_NS, StoredMark, is_all_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAGIC: Final = b"\xf1TL1"
ORIGIN: Final = b"origin"
"""The event bytes of a journal's first frame, whose one piece tells where it comes from."""

_HEAD: Final = struct.Struct(">4sII")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[bytes]).decode
SUFFIX: Final = ".journal"


class Journal:
    """One journal file, open for appending. `append` may be called by any thread at any time.

    `known` holds the digests of the bodies that stand in this file, `writing` the events that are
    about to; `held_bytes` is how much of it is in memory too. The file may go once the store has
    all `turns`; those that are `left` are no longer in memory and stay for whoever takes the file
    in; of those in `gaps` it lacks something. Where it `spills`, its events are handed over in the
    file alone, to be read by `read_on`; `number` tells which journal of a process came before.
    """

    def __init__(self, path: Path | None, fd: int) -> None:
        self.path = path
        self.number = 0
        self.spills = False
        self._read_to = MARK_BYTES
        self.known: set[bytes] = set()
        self.written_bytes = MARK_BYTES
        self.held_bytes = 0
        self.writing: dict[object, None] = {}
        self.turns: set[bytes] = set()
        self.left: set[bytes] = set()
        self.gaps: set[bytes] = set()
        self._fd = fd
        self._mark: StoredMark | None = None
        self._mark_fd = -1
        self._append = appender()

    @classmethod
    def create(cls, path: Path, *, mode: int = 0o600, mark: StoredMark | None = None) -> Journal:
        """Create the file and hold its lock, which tells others that this process lives.

        Args:
            path: Where it is.
            mode: Who may read it.
            mark: What it says of itself at first; that nobody has to wait for it by default.

        Raises:
            OSError: if the file cannot be created.
        """
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, mode)
        journal = cls(path, fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink == 0:
                raise BlockingIOError(errno.EAGAIN, "taken in before it was locked", str(path))
            _append_whole(fd, (mark or StoredMark(NEVER_AWAITED_NS)).encoded())
        except OSError:
            journal.remove()
            raise
        return journal

    @classmethod
    def nowhere(cls) -> Journal:
        """Return a journal that keeps nothing, for where no folder can be written."""
        return cls(None, -1)

    def append(self, payload: bytes) -> None:
        """Append what `encode_payload` made of one event and its bodies, in a single write.

        Raises:
            OSError: if the operating system did not take all of it.
        """
        if self._fd < 0:
            self.written_bytes += len(payload)
            return
        frame = _HEAD.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload
        written = self._append(self._fd, frame)
        self.written_bytes += written
        if written != len(frame):
            raise OSError(errno.ENOSPC, "the journal took only a part of an event")

    @property
    def unread_bytes(self) -> int:
        """How much of the file `read_on` has not returned yet."""
        return self.written_bytes - self._read_to

    def read_on(self, most_bytes: int) -> list[list[bytes]]:
        """Return the payloads that follow in the file, about so many bytes of them, at least one.

        A frame that is not whole yet is left for the next call. May be called while others append.
        """
        data = os.pread(self._fd, most_bytes, self._read_to) if self._fd >= 0 else b""
        end = _end_of_first(data)
        if end > len(data):
            data = os.pread(self._fd, end, self._read_to)
        payloads, read = _whole_payloads(data)
        self._read_to += read
        return payloads

    def unread_events(self) -> Iterator[bytes]:
        """Yield the events that `read_on` has not returned yet."""
        data = (
            os.pread(self._fd, max(0, self.unread_bytes), self._read_to) if self._fd >= 0 else b""
        )
        return (payload[0] for payload in _whole_payloads(data)[0])

    def keeps(self, turn: bytes) -> bool:
        """Tell whether everything of `turn` that was handed to this journal is in its file."""
        return self.path is not None and turn not in self.gaps and not self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether somebody has deleted the file, which takes what is appended and keeps nothing."""
        return self._fd >= 0 and os.fstat(self._fd).st_nlink == 0

    @property
    def quiet_size(self) -> int:
        """How long the file is, if all that stands in it was handed over to the writer too."""
        size = os.fstat(self._fd).st_size if self._fd >= 0 else 0
        return 0 if self.writing else size  # in this order: who is done by now has handed it over

    def tell_stored(self, mark: StoredMark) -> None:
        """Tell other processes how far the store has what stands in the file."""
        said = self._mark
        is_said = said is not None and (mark == said or 0 < mark.size == said.size)
        if self._fd < 0 or self.path is None or is_said:
            return
        with contextlib.suppress(OSError):  # then others wait for it a little longer
            if self._mark_fd < 0:  # what is open for appending can only append
                self._mark_fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            os.pwrite(self._mark_fd, mark.encoded(), 0)
            self._mark = mark

    def sync(self) -> None:
        """Wait until the disk itself has what was appended."""
        if self._fd >= 0:
            os.fdatasync(self._fd)

    def abandon(self) -> None:
        """Let go of the file without deleting it (after a fork it is the parent's)."""
        fds = (self._fd, self._mark_fd)
        self._fd = self._mark_fd = -1
        for fd in fds:
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)

    def remove(self) -> None:
        """Delete the file: the store has all of it."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        self.abandon()

    def leave_to(self, writer: str, number: int) -> None:
        """Give the file to whoever comes to take it in, as that of another, finished writer."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.rename(self.path.with_name(journal_name(writer, number)))
        self.abandon()


def journal_name(writer: str, number: int) -> str:
    """Return what the `number`-th journal of `writer` is called; they are counted from 1."""
    return f"{writer}-{os.getpid()}-{number:06d}{SUFFIX}"


def encode_payload(event: bytes, bodies: Mapping[bytes, bytes]) -> bytes:
    """Return one event and the bodies it brings, by digest, as a journal's payload."""
    if not bodies:
        return _encode((event,))
    return _encode([event, *itertools.chain.from_iterable(bodies.items())])


def read_journal(path: Path) -> Iterator[list[bytes]]:
    """Yield the payloads of a journal file in the order they were appended, skipping torn ones.

    Each is an event, then what it brings: digest, body, digest, body.

    Raises:
        OSError: if the file cannot be read.
    """
    data = path.read_bytes()
    at = data.find(MAGIC)
    while at >= 0:
        payload, end = _payload_at(data, at)
        if payload is None:
            at = data.find(MAGIC, at + 1)
            continue
        yield payload
        at = data.find(MAGIC, end)


def _append_whole(fd: int, data: bytes) -> None:
    if os.write(fd, data) != len(data):
        raise OSError(errno.ENOSPC, "the journal took only a part of its beginning")


def _end_of_first(data: bytes) -> int:
    """Return where the first frame of `data` ends, which may be behind its end."""
    if not data.startswith(MAGIC) or len(data) < _HEAD.size:
        return 0
    return _HEAD.size + int(_HEAD.unpack_from(data)[1])


def _whole_payloads(data: bytes) -> tuple[list[list[bytes]], int]:
    """Return the whole payloads of `data`, torn ones skipped, and how far they reach."""
    payloads: list[list[bytes]] = []
    at = read = 0
    while (at := data.find(MAGIC, at)) >= 0:
        payload, end = _payload_at(data, at)
        if payload is None:
            at += 1
            continue
        payloads.append(payload)
        at = read = end
    return payloads, read


def _payload_at(data: bytes, at: int) -> tuple[list[bytes] | None, int]:
    start = at + _HEAD.size
    if start > len(data):
        return None, at
    _, length, crc = _HEAD.unpack_from(data, at)
    body = data[start : start + length]
    if len(body) != length or zlib.crc32(body) != crc:
        return None, at
    try:
        payload = _decode(body)
    except msgspec.DecodeError:
        return None, at
    return payload or None, start + length


def journal_folder(store: Path) -> Path:
    """Return the folder where the journals of `store` are."""
    return store.with_name(store.name + ".journals")


class OrphanedJournals:
    """The journal files of one process that is gone, held by this one until they are taken in."""

    def __init__(self, writer: str, paths: list[Path], fds: list[int]) -> None:
        self.writer = writer
        self.paths = paths
        self._fds = fds

    @property
    def is_complete(self) -> bool:
        """Whether no earlier file of that process is gone; one that is gone is in the store."""
        names = [path.stem.rsplit("-", 1)[-1] for path in self.paths]
        return names == [f"{number:06d}" for number in range(1, len(names) + 1)]

    def remove(self) -> None:
        """Delete the files and let go of them: the store has all of it."""
        for path in self.paths:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the files and leave them where they are."""
        for fd in self._fds:
            with contextlib.suppress(OSError):
                os.close(fd)
        self._fds = []


def claim_orphans(folder: Path) -> Iterator[OrphanedJournals]:
    """Yield the journals of each process that is gone; what another process holds is left."""
    groups: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("*" + SUFFIX)):
            groups.setdefault(path.name.split("-", 1)[0], []).append(path)
    for writer, paths in groups.items():
        orphans = _claim(writer, paths)
        if orphans is not None:
            yield orphans


def waiting_journals(folder: Path) -> list[Path]:
    """Return the journal files in `folder`, those of living processes too."""
    with contextlib.suppress(OSError):
        return sorted(folder.glob("*" + SUFFIX))
    return []


def orphaned_journals(folder: Path) -> list[Path]:
    """Return the journal files of processes that are gone, leaving them to whoever takes them."""
    found: list[Path] = []
    for orphans in claim_orphans(folder):
        found += orphans.paths
        orphans.release()
    return found


def unfinished_writers(folder: Path) -> int:
    """Return how many processes are gone and have left what the store may not have."""
    left = [path for path in orphaned_journals(folder) if not is_all_stored(path)]
    return len({path.name.split("-", 1)[0] for path in left})


def _claim(writer: str, paths: list[Path]) -> OrphanedJournals | None:
    fds: list[int] = []
    for path in paths:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError:
            break
        fds.append(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            break
    else:
        return OrphanedJournals(writer, [p for p in paths if p.exists()], fds)
    for fd in fds:
        os.close(fd)
    return None
