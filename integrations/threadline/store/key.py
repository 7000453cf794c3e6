"""The store's key: digests made with it cannot be used to guess what was said."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from threadline.ids import KEY_BYTES
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
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(
            sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=0.2)
        ) as connection,
    ):
        row = connection.execute("SELECT value FROM meta WHERE key = 'hash_key'").fetchone()
        return None if row is None else row[0]
    return None


def _key_in_file(path: Path) -> bytes:
    """Read the key file; make it, whole or not at all, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    draft = path.with_name(f"key.{os.getpid()}")
    fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, os.urandom(KEY_BYTES))
    finally:
        os.close(fd)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()
