"""One sender at a time for each destination of a store, whatever process it lives in.

A file lock, not a lease with an end: the system takes it back when its process dies, by kill -9
too, and no clock decides whether a slow sender still has it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SenderLock:
    """The right to send to one destination.

    Args:
        folder: Where the lock's file is; None where nobody else can have the store.
        destination: The destination's name.
    """

    def __init__(self, folder: Path | None, destination: str) -> None:
        name = blake2b(destination.encode(), digest_size=8).hexdigest()
        self._path = None if folder is None else folder / f"sender-{name}.lock"
        self._fd: int | None = None

    def take(self) -> bool:
        """Take the right, or tell that another process has it."""
        if self._path is None or self._fd is not None:
            return True
        fd = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if fd is not None:
                os.close(fd)
            return False
        self._fd = fd
        return True

    def give_back(self) -> None:
        """Let others send.

        The lock is opened, not only the file closed: a process that was forked meanwhile may have
        the file open without knowing of it, and would keep the right for as long as it lives.
        """
        if self._fd is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        self.let_go()

    def let_go(self) -> None:
        """Leave, in a forked child, the parent's right to the parent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)
