"""Which file stands under a name: names are moved and replaced, device and inode are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FileId = tuple[int, int]
"""Device and inode."""


def file_id(path: Path) -> FileId | None:
    """Return which file stands at `path`; None if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
