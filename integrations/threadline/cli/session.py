"""What every command shares: where it reads, where it writes, what time it is."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console

import threadline
from threadline.cli.paint import painted
from threadline.clock import Clock, SystemClock
from threadline.render.printable import one_line
from threadline.render.values import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from threadline.cli.paint import Piece
    from threadline.cli.reader import Reader

PIPE_WIDTH: Final = 100
_NAME_WIDTH: Final = 1000


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that reads no markup; NO_COLOR takes every escape sequence away."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):  # where a character is lacking, `?` is written
        stream.reconfigure(errors="replace")
    return Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


@dataclass(kw_only=True, slots=True)
class Session:
    """One run of the command line: data goes to `out`, talk goes to `err`."""

    store_path: Path | None = None
    out: Console = field(default_factory=plain_console)
    err: Console = field(default_factory=lambda: plain_console(stderr=True))
    clock: Clock = field(default_factory=SystemClock)

    def open_store(self) -> Reader:
        """Open the store that the user named, else the default one."""
        return threadline.open(self.store_path)

    @property
    def width(self) -> int:
        """How many columns there are to wrap text in."""
        return max(20, self.out.width) if self.has_screen else PIPE_WIDTH

    @property
    def has_screen(self) -> bool:
        """Whether somebody looks at a screen of a certain width, so that tables are cut to it."""
        return self.out.is_terminal or "COLUMNS" in os.environ

    def line(self, *pieces: Piece, marked: Sequence[str] = ()) -> None:
        """Write one line of data; a line that is too long is neither wrapped nor cut here."""
        self.out.print(painted(pieces, marked=marked), soft_wrap=True, end="\n")

    def json_line(self, value: Any) -> None:
        """Write one JSON value on a line of its own, as UTF-8 whatever the terminal speaks."""
        click.echo(json_text(value).encode())

    def say(self, text: str, style: str = "plain") -> None:
        """Tell the user something; never mixed into the data."""
        self.err.print(painted([(text, style)]), soft_wrap=True, end="\n")

    @contextlib.contextmanager
    def counting(self, what: str, total: int | None) -> Generator[Callable[[int], None]]:
        """Show how far long work is, on a terminal only; lends what counts on."""
        # here, because only long work shows it, and every command would wait for its loading
        from rich.markup import escape
        from rich.progress import Progress

        hidden = not self.err.is_terminal
        with Progress(console=self.err, transient=True, disable=hidden) as bars:
            task = bars.add_task(escape(quoted(what)), total=total)
            yield lambda count: bars.advance(task, count)

    def fail(self, text: str) -> click.exceptions.Exit:
        """Tell the user what is wrong; raise what this returns."""
        self.err.print(painted([("threadline: ", "bad"), (text, "plain")]), soft_wrap=True)
        return click.exceptions.Exit(1)


def place(store: Reader) -> str:
    """Name a store for a sentence."""
    return "the store in memory" if store.path is None else quoted(str(store.path))


def quoted(text: str) -> str:
    """Return an id or a path for a sentence: on one line, and not cut."""
    return one_line(text, width=_NAME_WIDTH)
