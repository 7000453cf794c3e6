"""Where a command writes data of its own: standard output, or a file that is whole or not there."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Generator

STDOUT = Path("-")


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


@contextlib.contextmanager
def _opened(path: Path) -> Generator[IO[bytes]]:
    if path.exists() and not path.is_file():  # a pipe or a device stays what it is
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
