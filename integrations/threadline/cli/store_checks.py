"""What `doctor` finds out about the store, its folder and its journals."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
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
    place = _place(settings.store)
    yield place
    if place.tone == "bad" and not _is_there(settings.store):
        return
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
    try:
        if path.is_file():
            return _file(path)
        if path.exists():
            return Finding(_TOPIC, "path", str(path), "bad", "it is not a file")
    except OSError as error:
        return Finding(_TOPIC, "path", str(path), "bad", _reason(error))
    obstacle = _obstacle(_existing(path))
    if obstacle:
        note = f"it can never be made: {obstacle}; what is recorded is lost when its program ends"
        return Finding(_TOPIC, "path", str(path), "bad", note)
    note = "not there yet; it is made when something is recorded"
    return Finding(_TOPIC, "path", str(path), "quiet", note)


def _file(path: Path) -> Finding:
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return Finding(_TOPIC, "path", f"{path} ({size_text(path.stat().st_size)})", "good")
    return Finding(_TOPIC, "path", str(path), "bad", "it cannot be written")


def _obstacle(folder: Path) -> str:
    """Return what keeps anything from being made in `folder`; nothing if it can be.

    Permissions alone do not tell: root may write to /proc, and cannot make anything there.
    """
    if not folder.is_dir():
        return f"{folder} is not a folder"
    try:
        probe = tempfile.mkdtemp(prefix=".threadline-", dir=folder)
        Path(probe).rmdir()
    except OSError as error:
        return f"{folder} cannot be written ({_reason(error)})"
    return ""


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _existing(path: Path) -> Path:
    return next((folder for folder in path.parents if _is_there(folder)), Path("/"))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # it stands in a folder that nobody may look into
        return False


def _disk(settings: Settings) -> Finding:
    try:
        total, _, free = shutil.disk_usage(_existing(Path(settings.store)))
    except OSError as error:
        return Finding(_TOPIC, "free disk space", "unknown", "warn", _reason(error))
    floor = f"recording stops below {size_text(settings.min_free_bytes)}"
    if not total and settings.min_free_bytes:
        note = f"its file system tells no size, and {floor}; min_free_bytes=0 records all the same"
        return Finding(_TOPIC, "free disk space", "unknown", "bad", note)
    if free < settings.min_free_bytes:
        note = f"{floor}; make room, or lower the setting min_free_bytes"
        return Finding(_TOPIC, "free disk space", size_text(free), "bad", note)
    return Finding(_TOPIC, "free disk space", f"{size_text(free)} ({floor})", "good")


def _contents(session: Session, path: Path) -> Iterator[Finding]:
    if not _is_there(path):
        return
    try:
        store = session.open_store()
        yield Finding(_TOPIC, "schema version", str(store.schema_version))
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
        return Finding(_TOPIC, "journals", "cannot be read", "warn", _reason(error))
    waiting = sum(size > 0 for size in sizes)
    if not waiting:
        return Finding(_TOPIC, "journals", "none waiting", "good")
    value = f"{counted(waiting, 'journal')} waiting, {size_text(sum(sizes))}"
    note = "of programs that run now, or that died: the next one that records takes those in"
    return Finding(_TOPIC, "journals", value, "quiet", note)


def _journal_files(path: Path) -> list[Path]:
    folder = path.with_name(f"{path.name}.journals")
    return list(folder.glob("*.journal")) if folder.is_dir() else []
