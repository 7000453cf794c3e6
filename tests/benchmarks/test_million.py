"""The store of very many turns, made small: what is measured runs, and no filter reads it all.

Times are for `python -m benchmarks.million`; here it is counted how the store is gone through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import million
from benchmarks.million_store import COMMON_WORD, LONG, RARE, RARE_WORD, make_store

from threadline.store.listing import Listing
from threadline.store.reader import FileDatabase, Reader

if TYPE_CHECKING:
    from pathlib import Path

TURNS = 10_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("million") / "made.db"
    make_store(path, TURNS)
    assert Reader(FileDatabase(path), path).prepare() == 7
    return path


@pytest.fixture
def reader(made: Path) -> Reader:
    return Reader(FileDatabase(made), made)


def test_the_store_is_one_that_recording_would_leave(reader: Reader) -> None:
    """Conversations, turns, words, tools, tokens and ratings are all found in it."""
    long = reader.stretch(LONG)
    assert long is not None
    assert long.message_count == 5_000
    assert [one.thread_id for one in reader.search(RARE_WORD)]
    [turn] = reader.turns(limit=1, user_id=RARE)
    assert turn.tags == (RARE,)
    assert turn.tool_observations[0].name == turn.llm_calls[0].model == RARE
    assert turn.llm_calls[0].input_messages[-1].text == turn.messages[0].text
    assert len(reader.search(COMMON_WORD, limit=50)) == 50
    assert reader.turns(limit=5, rating="down")
    whole = reader.index(10, budget_s=1)
    assert whole == 0


FILTERS: dict[str, dict[str, Any]] = {
    "user": {"user_id": RARE},
    "tag": {"tag": RARE},
    "tool": {"tool": RARE},
    "model": {"model": RARE},
    "status": {"status": "cancelled"},
    "rating": {"rating": "down"},
    "common user": {"user_id": "u-long"},
    "common status": {"status": "error"},
    "together": {"status": "error", "tool": "refund"},
}


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_reads_the_whole_store(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every table is entered by an index, whichever way a filter takes."""
    asked: list[str] = []
    ask = Listing._page

    def noted(self: Listing, *given: Any) -> Any:
        self._connection.set_trace_callback(asked.append)
        try:
            return ask(self, *given)
        finally:
            self._connection.set_trace_callback(None)

    monkeypatch.setattr(Listing, "_page", noted)
    assert len(reader.conversations(limit=10, **FILTERS[name]))
    assert asked
    with reader._database.read() as connection:
        for statement in asked:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            scans = [row[3] for row in plan if re.match(r"SCAN (?!json_each|\()", row[3])]
            assert scans == []


def test_the_measurement_runs(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every page that it names is drawn, and told."""
    answers = million.report(made, rounds=2, figures=False)
    told = capsys.readouterr().out
    assert all(f"| {answer.name} |" in told for answer in answers)
    assert len(answers) >= 20
    assert all(answer.size > 1_000 for answer in answers)
