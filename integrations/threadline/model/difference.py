"""What is different between two turns or two model calls, line by line."""

from __future__ import annotations

from typing import Literal

import msgspec

from threadline.model.shown import Shown

Sign = Literal["same", "gone", "new", "skipped"]
_SIGNS: dict[Sign, str] = {"same": "  ", "gone": "- ", "new": "+ ", "skipped": "  … "}


class Line(msgspec.Struct, frozen=True):
    """One line: in both, only in the first (`gone`), only in the second (`new`).

    A `skipped` one says how many lines that are the same are left out.
    """

    sign: Sign
    text: str


class Compared(msgspec.Struct, frozen=True):
    """One aspect that was compared, such as what a model was sent."""

    what: str
    lines: tuple[Line, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether there is no difference in it."""
        return all(line.sign in {"same", "skipped"} for line in self.lines)


class Difference(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """What is different between two turns or model calls; false where nothing is."""

    first: str
    second: str
    compared: tuple[Compared, ...] = ()

    def __bool__(self) -> bool:
        return not all(one.is_same for one in self.compared)

    def __str__(self) -> str:
        lines = [f"- {self.first}", f"+ {self.second}"]
        for one in self.compared:
            lines.append(f"{one.what}: the same" if one.is_same else f"{one.what}:")
            if not one.is_same:
                lines.extend(_SIGNS[line.sign] + line.text for line in one.lines)
        return "\n".join(lines)
