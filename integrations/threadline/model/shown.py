"""What conversations, turns, spans and lists share: they can be looked at, and saved as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.actions import act

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence
    from pathlib import Path


class Shown:
    """Something that a notebook draws, and that can be saved as one HTML file."""

    __slots__ = ()

    def to_html(
        self, path: str | os.PathLike[str], *, redact: str | Sequence[str] | None = None
    ) -> Path:
        """Save as one HTML file that needs no network, no script and no other file.

        Args:
            path: Where to write it; a file that is there is replaced.
            redact: More rules for what goes into this file, such as `"pii"`; what is stored stays.

        Returns:
            The file.

        Raises:
            SettingError: for a rule that does not exist.
        """
        return act("to_html", self, path, redact=redact)

    def _repr_html_(self) -> str:
        return act("fragment", self)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        del include, exclude  # the front end takes what it can show
        return {"text/html": act("fragment", self), "text/plain": act("text", self)}
