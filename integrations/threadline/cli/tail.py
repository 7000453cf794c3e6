"""`threadline tail`: turns as they happen, of all processes that record into a store."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from threadline.cli.options import (
    given,
    json_option,
    pass_session,
    store_option,
    turn_filter_options,
)
from threadline.cli.session import place, quoted
from threadline.cli.turn_view import TurnDrawer
from threadline.cli.waiting import Pause
from threadline.errors import StoreNotFoundError
from threadline.store.journal import journal_folder, orphaned_journals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.cli.reader import Reader
    from threadline.cli.session import Session
    from threadline.model import Turn

_LOOK_S: Final = 0.25
_LOOKS_PER_ROUND: Final = 8
"""How many looks at the store come on one for processes that died and left turns behind."""


@click.command("tail")
@turn_filter_options
@click.option(
    "-n",
    "--last",
    type=click.IntRange(0, 10_000),
    default=3,
    show_default=True,
    help="Begin with so many of the newest turns.",
)
@click.option("--full", is_flag=True, help="Long texts, results and documents whole.")
@json_option
@store_option
@pass_session
def tail(session: Session, *, last: int, full: bool, as_json: bool, **filters: Any) -> None:
    """Show turns as they happen, whichever process records them, until Ctrl-C.

    A turn is shown when it ends, one that takes long also when it is seen under way, and what is
    rated later once more. With --json each of these is a line; `status` tells them apart.
    """
    drawer = TurnDrawer(session, full=full)
    with contextlib.suppress(KeyboardInterrupt):
        for turn in _Tail(session, last, given(filters)):
            if as_json:
                session.json_line(msgspec.structs.replace(turn, spans=()))
            else:
                drawer.draw(turn)


class _Tail:
    """Yields turns for as long as somebody reads them; waits for a store that is not there."""

    def __init__(self, session: Session, last: int, filters: dict[str, Any]) -> None:
        self._session = session
        self._last = last
        self._filters = filters
        self._pause = Pause()
        self._is_told_of: Path | None = None
        self._left_alone: list[Path] = []

    def __iter__(self) -> Iterator[Turn]:
        store = self._opened()
        following = store.follow(last=self._last, **self._filters)
        self._say(f"Following {place(store)}; Ctrl-C ends it.")
        while True:
            for _ in range(_LOOKS_PER_ROUND):
                try:
                    yield from following.changes()
                except StoreNotFoundError as error:
                    self._tell_of_waiting(error)
                self._pause.wait(_LOOK_S)
            self._take_in(store)

    def _opened(self) -> Reader:
        while True:
            try:
                return self._session.open_store()
            except StoreNotFoundError as error:
                self._last = _EVERYTHING
                self._tell_of_waiting(error)
            self._pause.wait(_LOOK_S)

    def _take_in(self, store: Reader) -> None:
        """Have the turns stored that a process left behind: nobody else may do it for hours."""
        if store.path is None:
            return
        orphans = orphaned_journals(journal_folder(store.path))
        if orphans and orphans != self._left_alone:
            with contextlib.suppress(StoreNotFoundError):
                self._session.open_store()
            self._left_alone = orphaned_journals(journal_folder(store.path))

    def _tell_of_waiting(self, error: StoreNotFoundError) -> None:
        if self._is_told_of != error.path:
            self._is_told_of = error.path
            self._say(f"No store at {quoted(str(error.path))} yet; waiting for it.")

    def _say(self, text: str) -> None:
        self._session.say(text, "dim")


_EVERYTHING: Final = 10_000
"""What a store that was waited for is begun with: all that is in it is new."""
