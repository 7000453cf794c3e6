"""The store's key: digests made with it cannot be used to guess what was said."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from typing import TYPE_CHECKING

from threadline.errors import StoreUnavailableError
from threadline.ids import KEY_BYTES
from threadline.store.forking import open_connection
from threadline.store.journal import journal_folder

if TYPE_CHECKING:
    from pathlib import Path


def load_key(store: Path | None) -> bytes:
    """Return the key of a store: from the store, else from the file beside its journals.

    Never raises: where neither can be read or written the key lives as long as the process.
    """
    if store is None:
        return os.urandom(KEY_BYTES)
    key = _key_in_store(store)
    if key is not None:
        return key
    try:
        return _key_in_file(journal_folder(store) / "key")
    except OSError:
        return os.urandom(KEY_BYTES)


def _key_in_store(store: Path) -> bytes | None:
    if not store.exists():
        return None
    with (
        contextlib.suppress(sqlite3.Error, StoreUnavailableError),
        contextlib.closing(
            open_connection(store, f"{store.as_uri()}?mode=ro", uri=True, timeout=0)
        ) as connection,
    ):
        row = connection.execute("SELECT value FROM meta WHERE key = 'hash_key'").fetchone()
        return row[0] if row is not None and _is_key(row[0]) else None
    return None


def _key_in_file(path: Path) -> bytes:
    """Read the key file; make it, whole or not at all, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        key = path.read_bytes()
        if _is_key(key):
            return key
        path.unlink()
    draft = path.with_name(f"key.{os.urandom(8).hex()}")  # threads may come here at once, too
    try:
        _write(draft, os.urandom(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()


def _write(path: Path, key: bytes) -> None:
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        if os.write(fd, key) != len(key):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(fd)


def _is_key(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == KEY_BYTES
