"""Haystack's own switch for content: who turned it off does not want words in any trace."""

from __future__ import annotations

import os

from threadline.haystack.names import CONTENT_SWITCH


def shows_content() -> bool:
    """Tell whether content may be recorded: always, unless it was explicitly switched off."""
    return os.environ.get(CONTENT_SWITCH, "").strip().lower() not in {"false", "0", "no", "off"}
