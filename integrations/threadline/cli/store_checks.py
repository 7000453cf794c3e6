"""What `doctor` finds out about the store, its folder and its journals."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import threadline.store
from threadline.cli.finding import Finding
from threadline.errors import StoreNotFoundError, ThreadlineError
from threadline.render.values import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.cli.reader import Reader
    from threadline.cli.session import Session
    from threadline.settings import Settings

_TOPIC: Final = "Store"
_SAFE_SQLITE: Final = (3, 51, 3)
_PAGE: Final = 1000
_COUNTED_PAGES: Final = 50


def find_out(session: Session, settings: Settings) -> Iterator[Finding]:
    """Check where the store is, whether it can be used, and what is in it."""
    if not isinstance(settings.store, Path):
        yield Finding(_TOPIC, "path", "in memory", "warn", "nothing of it outlives its process")
        return
    yield _place(settings.store)
    yield _disk(settings)
    yield from _contents(session, settings.store)
    yield _journals(settings.store)


def sqlite_finding(topic: str) -> Finding:
    """Tell the version of SQLite, and what is known about it."""
    version = str(getattr(threadline.store, "SQLITE_VERSION", ""))
    if not version:
        return Finding(topic, "sqlite", "unknown")
    if tuple(int(number) for number in re.findall(r"\d+", version)) >= _SAFE_SQLITE:
        return Finding(topic, "sqlite", version, "good")
    note = (
        "before 3.51.3 a checkpoint can damage the file when another program writes to it; "
        "Threadline checkpoints under a lock file and so avoids it, other tools may not"
    )
    return Finding(topic, "sqlite", version, "warn", note)


def _place(path: Path) -> Finding:
    if path.is_file():
        if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
            return Finding(_TOPIC, "path", f"{path} ({size_text(path.stat().st_size)})", "good")
        return Finding(_TOPIC, "path", str(path), "bad", "it cannot be written")
    if path.exists():
        return Finding(_TOPIC, "path", str(path), "bad", "it is not a file")
    if os.access(_existing(path), os.W_OK):
        note = "not there yet; it is made when something is recorded"
        return Finding(_TOPIC, "path", str(path), "quiet", note)
    note = f"not there yet, and {_existing(path)} cannot be written"
    return Finding(_TOPIC, "path", str(path), "bad", note)


def _existing(path: Path) -> Path:
    return next((folder for folder in path.parents if folder.exists()), Path("/"))


def _disk(settings: Settings) -> Finding:
    try:
        free = shutil.disk_usage(_existing(Path(settings.store))).free
    except OSError as error:
        return Finding(_TOPIC, "free disk space", "unknown", "warn", str(error.strerror))
    floor = f"recording stops below {size_text(settings.min_free_bytes)}"
    if free < settings.min_free_bytes:
        note = f"{floor}; make room, or lower the setting min_free_bytes"
        return Finding(_TOPIC, "free disk space", size_text(free), "bad", note)
    return Finding(_TOPIC, "free disk space", f"{size_text(free)} ({floor})", "good")


def _contents(session: Session, path: Path) -> Iterator[Finding]:
    if not path.exists():
        return
    try:
        store = session.open_store()
        yield Finding(_TOPIC, "schema version", str(getattr(store, "schema_version", "unknown")))
        yield Finding(_TOPIC, "contents", _counts(store), "good")
    except StoreNotFoundError:
        return
    except ThreadlineError as error:
        yield Finding(_TOPIC, "contents", "cannot be read", "bad", str(error))


def _counts(store: Reader) -> str:
    conversations = turns = messages = 0
    cursor: str | None = None
    for _ in range(_COUNTED_PAGES):
        page = store.conversations(limit=_PAGE, cursor=cursor)
        conversations += len(page)
        turns += sum(summary.turn_count for summary in page)
        messages += sum(summary.message_count for summary in page)
        cursor = page.cursor
        if cursor is None:
            break
    more = "" if cursor is None else "more than "
    numbers = (
        counted(conversations, "conversation"),
        counted(turns, "turn"),
        counted(messages, "message"),
    )
    return more + ", ".join(numbers)


def _journals(path: Path) -> Finding:
    try:
        sizes = [file.stat().st_size for file in _journal_files(path)]
    except OSError as error:
        return Finding(_TOPIC, "journals", "cannot be read", "warn", str(error.strerror))
    waiting = sum(size > 0 for size in sizes)
    if not waiting:
        return Finding(_TOPIC, "journals", "none waiting", "good")
    value = f"{counted(waiting, 'journal')} waiting, {size_text(sum(sizes))}"
    note = "of programs that run now, or that died: the next one that records takes those in"
    return Finding(_TOPIC, "journals", value, "quiet", note)


def _journal_files(path: Path) -> list[Path]:
    folder = path.with_name(f"{path.name}.journals")
    return list(folder.glob("*.journal")) if folder.is_dir() else []
