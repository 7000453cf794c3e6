"""Where a command writes data of its own: standard output, or a file that is whole or not there."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from threadline.store.journal import journal_folder

if TYPE_CHECKING:
    from collections.abc import Generator

STDOUT = Path("-")
_SQLITE: Final = b"SQLite format 3\x00"


@contextlib.contextmanager
def outlet(path: Path) -> Generator[IO[bytes]]:
    """Open what to write to; a file takes its name when all of it is written, not before."""
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with _opened(path) as file:
            yield file
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise click.ClickException(message) from error


def refuse_to_overwrite(store: Path | None, target: Path) -> None:
    """Refuse to write where a store is, however that place is spelled; call it before `outlet`.

    Raises:
        click.UsageError: if `target`, or the draft of it, is a file of the store's, or a database.
    """
    _refuse_own_files(store, target)
    if target.is_file() and _begins_as_a_database(target):
        message = f"{target} is a database; name another file to write to, or remove it first"
        raise click.UsageError(message)


def refuse_to_replace(store: Path | None, target: Path) -> None:
    """Refuse to put a copy of the store where anything stands but an earlier copy.

    Raises:
        click.UsageError: if `target` is a file of the store's, no database, or a store that is or
            was recorded into: who has it open would go on with a file that nobody finds, and what
            stands beside it would be taken for a part of the copy.
    """
    _refuse_own_files(store, target)
    if not target.is_file() or not target.stat().st_size:
        return
    if journal_folder(target).exists() or any(beside.exists() for beside in _beside(target)):
        message = (
            f"{target} is a store that something else uses or has used; name another file, or "
            "remove it first with all that stands beside it"
        )
        raise click.UsageError(message)
    if not _begins_as_a_database(target):
        message = f"{target} is no copy of a store; name another file, or remove it first"
        raise click.UsageError(message)


def _refuse_own_files(store: Path | None, target: Path) -> None:
    if store is None or not target.name:  # a folder, which `outlet` refuses
        return
    for place in (target, _draft_of(target)):
        if _belongs_to(store, place) or _belongs_to(store.resolve(), place):
            message = f"{target} belongs to the store {store}; name another file to write to"
            raise click.UsageError(message)


def _belongs_to(store: Path, place: Path) -> bool:
    if any(_is_same(place, one) for one in (store, *_beside(store))):
        return True
    real, journals = place.resolve(), journal_folder(store)
    return any(_is_same(one, journals) for one in (real, *real.parents))


def _beside(store: Path) -> list[Path]:
    return [store.with_name(store.name + suffix) for suffix in ("-wal", "-shm", ".lock")]


def _begins_as_a_database(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
    return False


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _draft_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


@contextlib.contextmanager
def _opened(path: Path) -> Generator[IO[bytes]]:
    if path.exists() and not path.is_file():  # a pipe or a device stays what it is
        with path.open("wb") as file:
            yield file
        return
    part = _draft_of(path)
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
