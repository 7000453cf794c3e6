"""One thing that `doctor` found out."""

from __future__ import annotations

import msgspec

from threadline.render.entries import Tone


class Finding(msgspec.Struct, frozen=True):
    """What a check saw, under a topic; `note` says what to do or to know about it."""

    topic: str
    name: str
    value: str
    tone: Tone = "quiet"
    note: str = ""
