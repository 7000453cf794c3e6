"""Filters answer the same with indexes and without, whichever way they take through the store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.million_store import COMMON_WORD, LONG, RARE, make_store

from threadline.store import facets, listing, search
from threadline.store.filter_indexes import INDEXES, WORTH_IT, make_filter_indexes
from threadline.store.reader import FileDatabase, Reader

if TYPE_CHECKING:
    from pathlib import Path

_FILTERS: list[dict[str, Any]] = [
    *({"user_id": user} for user in (RARE, "u-long", "nobody")),
    *({"tag": tag} for tag in (RARE, "beta", "none")),
    *({"tool": tool} for tool in (RARE, "refund")),
    *({"model": model} for model in (RARE, "gpt-4o", "gemini-flash")),
    *({"status": status} for status in ("ok", "error", "cancelled", "interrupted", "running")),
    *({"rating": rating} for rating in ("up", "down", 1, 0)),
    {"status": "error", "tool": "refund"},
    {"tool": "refund", "model": "gemini-flash"},
    {"tool": "refund", "model": "gpt-4o", "rating": "up"},
    {"tag": "beta", "rating": "down"},
    {"tag": "beta", "model": "gpt-4o", "status": "ok"},
    {"tag": "beta", "tool": "refund"},
    {"status": "error", "model": "gpt-4o", "tag": "beta"},
    {"user_id": RARE, "rating": "up"},
    {"user_id": "u-long", "status": "error", "since": "2026-08-01"},
    {"thread_id": LONG, "model": "gpt-4o"},
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filters") / "made.db"
    make_store(path, 3_000)
    return path


def answers(path: Path) -> list[list[Any]]:
    """Return what each filter finds, in three pages."""
    reader = Reader(FileDatabase(path), path)
    found: list[list[Any]] = []
    for given in _FILTERS:
        cursor: str | None = None
        rows: list[Any] = []
        for _ in range(3):
            page = reader.conversations(limit=7, cursor=cursor, **given)
            rows += [one.thread_id for one in page]
            cursor = page.cursor
            if cursor is None:
                break
        rows += [turn.id for turn in reader.turns(limit=5, **given)]
        rows += [hit.turn_id for hit in reader.search(COMMON_WORD, limit=5, **given)]
        found.append(rows)
    reader.close()
    return found


@pytest.fixture(scope="module")
def plain(made: Path) -> list[list[Any]]:
    """What is found without any index."""
    return answers(made)


def test_the_filters_of_these_tests_find_something(plain: list[list[Any]]) -> None:
    """Or they would prove nothing."""
    assert sum(not rows for rows in plain) <= 5


@pytest.mark.parametrize("few", [1, 20, 100_000], ids=["walked", "some", "looked up"])
@pytest.mark.parametrize("looked_through", [1, 10, 10_000])
@pytest.mark.parametrize("expected", [0, 1_000_000], ids=["many expected", "few expected"])
def test_every_way_through_the_store_finds_the_same(
    made: Path,
    plain: list[list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    looked_through: int,
    expected: int,
) -> None:
    """What is rare is looked up, what is common is met on the way; both find the same."""
    monkeypatch.setattr(facets, "FEW_TURNS", few)
    monkeypatch.setattr(facets, "_FEW_EXPECTED", expected)
    monkeypatch.setattr(search, "_FEW", few)
    monkeypatch.setattr(listing, "_LOOKED_THROUGH", looked_through)
    assert answers(made) == plain


def test_indexes_change_nothing_but_the_time(made: Path, plain: list[list[Any]]) -> None:
    """Each is made once, and the answers stay as they were."""
    database = FileDatabase(made)
    assert make_filter_indexes(database, worth_it=1) == len(INDEXES)
    assert make_filter_indexes(database, worth_it=1) == 0
    database.close()
    with closing(sqlite3.connect(made)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert names >= set(INDEXES)
    assert answers(made) == plain


def test_a_small_store_is_left_as_it_is(tmp_path: Path) -> None:
    """Every index would cost it a page, and save nobody any time."""
    path = tmp_path / "small.db"
    make_store(path, 50)
    assert WORTH_IT > 50
    assert Reader(FileDatabase(path), path).prepare() == 0
