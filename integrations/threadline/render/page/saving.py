"""Saving something as a page, redacted further where that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from threadline.capture.redacted_records import redacted_record, redactor_of
from threadline.model import Page
from threadline.render.page.pages import page_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from threadline.render.page.pages import Drawn


def save_html(
    thing: Drawn, path: str | os.PathLike[str], *, redact: str | Sequence[str] | None = None
) -> Path:
    """Write the page of `thing` into a file; see `threadline.model.shown.Shown.to_html`."""
    file = Path(path).expanduser()
    file.write_text(page_of(redacted(thing, redact)), encoding="utf-8", newline="\n")
    return file


def redacted(thing: Drawn, rules: str | Sequence[str] | None) -> Drawn:
    """Return `thing` with every text that a rule matches replaced; itself without rules.

    Raises:
        SettingError: for a rule that does not exist.
    """
    redactor = redactor_of(rules)
    if redactor is None:
        return thing
    if isinstance(thing, Page):
        return Page([redacted_record(item, redactor) for item in thing], thing.cursor)
    return redacted_record(thing, redactor)
