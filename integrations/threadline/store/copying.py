"""Copies a store that others are writing to: one moment of it, whole."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from threadline.store.database import connect_reader, unavailable

if TYPE_CHECKING:
    from pathlib import Path


def copy_store(source: Path, target: Path, *, mode: int = 0o600) -> None:
    """Write a copy of a store; who writes to it meanwhile neither waits nor harms the copy.

    It is read in one transaction and written without the pages that deletions freed. A file that
    stands at `target` is replaced when all is written, not before.

    Raises:
        StoreError: if there is no store, or it cannot be read.
        OSError: if the copy cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode))
    try:
        with contextlib.closing(connect_reader(source)) as connection:
            connection.isolation_level = None
            connection.execute("VACUUM INTO ?", (str(part),))
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except sqlite3.Error as error:
        raise unavailable(source, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
