"""The table of figures against their limits, as text and as JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measuring import Spread

_HEAD = ("figure", "unit", "none", "no-op", "ours", "added or ratio", "quiet", "limit", "")


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    `judged` is what the limit holds for: ours over no handler. `quiet` is the same for the quietest
    tenth of the rounds of each, which other work on the machine disturbed least.
    """

    name: str
    unit: str
    judged: Spread
    ours: Spread
    none: Spread | None = None
    no_op: Spread | None = None
    limit: float | None = None
    quiet: float | None = None
    detail: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "ok" if self.judged.median <= self.limit else "OVER"

    def cells(self) -> tuple[str, ...]:
        judged = f"{_short(self.judged)} ({self.judged.low:.3g} to {self.judged.high:.3g})"
        limit = "" if self.limit is None else f"{self.limit:g}"
        compared = (_short(self.none), _short(self.no_op), _short(self.ours))
        quiet = "" if self.quiet is None else f"{self.quiet:.3g}"
        return (self.name, self.unit, *compared, judged, quiet, limit, self.verdict)


def as_table(figures: list[Figure]) -> str:
    """Return the figures as lines of text."""
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def write_json(path: Path, figures: list[Figure]) -> None:
    """Write the figures, and what they were measured with."""
    measured = [asdict(figure) | {"verdict": figure.verdict} for figure in figures]
    path.write_text(json.dumps({"machine": machine(), "figures": measured}, indent=2) + "\n")


def machine() -> dict[str, str]:
    """Return what the figures depend on besides the code."""
    names = ("threadline", "langchain-core", "langchain", "langgraph", "haystack-ai", "msgspec")
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "cores": str(os.cpu_count()),
    } | {name: version(name) for name in names}


def _short(spread: Spread | None) -> str:
    return "" if spread is None else f"{spread.median:.3g}"
