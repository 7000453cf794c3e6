"""How fast the viewer answers from a store of a million turns: `python -m benchmarks.million`.

It makes the store (minutes; `--turns` makes a smaller one, `--store` keeps it for another time),
then draws each page many times and tells the median and the 95th percentile, without the network:
what the server does.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.million_store import COMMON_WORD, LONG, RARE, RARE_WORD, make_store
from threadline.server.access import Access
from threadline.server.conversation_page import conversation_page
from threadline.server.figures_page import figures_page
from threadline.server.list_page import list_page
from threadline.server.search_page import search_page
from threadline.server.stores import Stores
from threadline.server.turn_page import turn_page
from threadline.server.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BUDGET_MS: Final = 50.0
_ROUNDS: Final = 40


class Asked(NamedTuple):
    """One kind of request, and how often it varies."""

    name: str
    page: Callable[[Viewer, Mapping[str, str]], str]
    queries: Sequence[Mapping[str, str]]


class Answered(NamedTuple):
    """How long the answers to one kind of request took, in milliseconds.

    The CPU time is that of the thread that answers: what the machine did beside leaves it alone.
    """

    name: str
    median: float
    p95: float
    cpu_p95: float
    size: int


def requests(viewer: Viewer) -> Iterator[Asked]:
    """Yield what people ask of a store: newest first, rare and common filters, old and long."""
    reader = viewer.stores.reader()
    yield Asked("list, newest", list_page, [{}])
    yield Asked("list, further pages", list_page, list(_further(viewer)))
    for name, value in _RARE_FILTERS.items():
        yield Asked(f"filter {name}, rare", list_page, [{name: value}])
    for name, value in _COMMON_FILTERS.items():
        yield Asked(f"filter {name}, common", list_page, [{name: value}])
    for count in (2, 3):
        yield Asked(f"{count} filters, each common", list_page, list(_combined(count)))
    yield Asked("four filters, each common, six turns in all", list_page, [_TOGETHER])
    yield Asked("search, rare word", search_page, [{"q": RARE_WORD}])
    yield Asked("search, common word", search_page, [{"q": COMMON_WORD}])
    yield Asked("search, beginning of a word", search_page, [{"q": COMMON_WORD[:4]}])
    yield Asked("search, two words", search_page, [{"q": f"{COMMON_WORD} korimo"}])
    yield Asked("search with a rare filter", search_page, [{"q": COMMON_WORD, "user": RARE}])
    threads = [{"id": one.thread_id} for one in reader.conversations(limit=_ROUNDS)]
    yield Asked("one conversation", conversation_page, threads)
    long = [{"id": LONG, "first": str(first)} for first in (0, 1200, -30)]
    yield Asked("a stretch of 5,000 messages", conversation_page, long)
    turns = [{"id": turn.id} for turn in reader.turns(limit=_ROUNDS)]
    yield Asked("one turn with its trace", turn_page, turns)


def _combined(count: int) -> Iterator[Mapping[str, str]]:
    """Yield each way to ask for `count` things at once that many turns have."""
    for chosen in itertools.combinations(_COMMON_FILTERS.items(), count):
        yield dict(chosen)


def _further(viewer: Viewer) -> Iterator[Mapping[str, str]]:
    cursor: str | None = None
    for _ in range(10):
        cursor = viewer.stores.reader().conversations(limit=50, cursor=cursor).cursor
        if cursor is not None:
            yield {"cursor": cursor}


_RARE_FILTERS: Final = {
    "user": RARE,
    "tag": RARE,
    "tool": RARE,
    "model": RARE,
    "status": "cancelled",
}
_COMMON_FILTERS: Final = {
    "user": "u-long",
    "tag": "beta",
    "tool": "refund",
    "model": "gpt-4o",
    "status": "error",
    "rating": "down",
    "since": "7d",
}
_TOGETHER: Final = {"status": "error", "model": "gemini-flash", "tool": "refund", "tag": "vip"}


def measured(viewer: Viewer, asked: Asked, *, rounds: int = _ROUNDS) -> Answered:
    """Draw pages and take the time, once each was drawn: what is on the disk is in its cache."""
    for query in asked.queries:
        asked.page(viewer, query)
    taken: list[float] = []
    worked: list[float] = []
    size = 0
    for number in range(max(rounds, 2 * len(asked.queries))):
        query = asked.queries[number % len(asked.queries)]
        begun, began_work = time.perf_counter(), time.thread_time()
        size = len(asked.page(viewer, query))
        taken.append((time.perf_counter() - begun) * 1000)
        worked.append((time.thread_time() - began_work) * 1000)
    return Answered(asked.name, statistics.median(taken), _p95(taken), _p95(worked), size)


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def report(path: Path, *, rounds: int = _ROUNDS, figures: bool = True) -> list[Answered]:
    """Measure everything and print it as a table."""
    viewer = Viewer(stores=Stores(path), access=Access())
    made = viewer.stores.reader().prepare()  # as the viewer does when it begins
    print(f"{made} indexes made\n")
    print("| page | median ms | 95th percentile ms | of it CPU ms | bytes |")
    print("| --- | ---: | ---: | ---: | ---: |")
    answers: list[Answered] = []
    for asked in requests(viewer):
        answered = measured(viewer, asked, rounds=rounds)
        answers.append(answered)
        _tell(answered)
    if figures:
        for span in ("24h", "7d", "30d", "all"):
            asked = Asked(f"figures, {span}", figures_page, [{"span": span}])
            _tell(measured(viewer, asked, rounds=5))
    viewer.stores.close()
    return answers


def _tell(answered: Answered) -> None:
    name, median, p95, cpu_p95, size = answered
    print(f"| {name} | {median:.1f} | {p95:.1f} | {cpu_p95:.1f} | {size:,} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="where to keep it; used again if it is there")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.store or Path(folder) / "million.db"
        if not path.exists():
            begun = time.perf_counter()
            make_store(path, given.turns)
            took = time.perf_counter() - begun
            print(f"{given.turns:,} turns, {path.stat().st_size:,} bytes, made in {took:.0f} s\n")
        answers = report(path, rounds=given.rounds)
    slow = [answered.name for answered in answers if answered.p95 > BUDGET_MS]
    print(f"\nover {BUDGET_MS:.0f} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
