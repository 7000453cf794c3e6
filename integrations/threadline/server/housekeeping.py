"""What is done beside answering: indexes for a large store, and turns that dead processes left."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from threadline.client import open_store
from threadline.errors import ThreadlineError
from threadline.store.journal import journal_folder, orphaned_journals

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.server.viewer import Viewer
    from threadline.store.reader import Reader

_ROUND_S: Final = 5.0
_TURNS_AT_ONCE: Final = 2_000
_BUDGET_S: Final = 0.5
_BREATH_S: Final = 0.05


def keep_house(viewer: Viewer) -> None:
    """Look after the store until the viewer ends; nothing that goes wrong here ends it."""
    left_alone: list[Path] = []
    while not viewer.ending.is_set():
        with contextlib.suppress(ThreadlineError, OSError):
            left_alone = _take_in(viewer.stores.path, left_alone)
            reader = viewer.stores.figures_reader()
            reader.prepare()
            _index(reader, viewer)
        viewer.ending.wait(_ROUND_S)


def _index(reader: Reader, viewer: Viewer) -> None:
    """Bring the index for searching up to date, with pauses in which others may write."""
    while reader.index(_TURNS_AT_ONCE, budget_s=_BUDGET_S) == _TURNS_AT_ONCE:
        if viewer.ending.wait(_BREATH_S):
            return


def _take_in(path: Path, left_alone: list[Path]) -> list[Path]:
    """Have the turns stored that a process left behind: nobody else may do it for hours."""
    orphans = orphaned_journals(journal_folder(path))
    if orphans and orphans != left_alone:
        open_store(path).close()
        return orphaned_journals(journal_folder(path))
    return left_alone
