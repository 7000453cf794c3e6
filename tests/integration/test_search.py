"""Search: by the same words whether indexed or not, newest first, over everything that was said."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from tests.stored import NOW, SECOND, Stored, turn_id

from threadline.errors import ArgumentError
from threadline.model import (
    GenericPart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
)
from threadline.store import search
from threadline.store.values import BlobShelf, pack_value
from threadline.store.words import Query, snippet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.model import Page, SearchHit
    from threadline.store.reader import Reader

TEXTS = (
    "I want a refund, please",
    "The Refunds office is closed",
    "Écoutez: le café de Zoë est à Paris",
    "Mail ada@example.org about e-mail AND NOT refunding NEAR(it)",
    "naïve test_case with under_scores",
    "Straße und GROSSE Worte",
    "東京 は 大きい",
    "हिन्दी भाषा",
    "🎉 party 🎉 tomorrow",
    "quotes \"inside\" and 'single' and back\\slash and 100% and semi;colon",
    "in a nutshell",
    "Cafe\u0301 with a combining mark",
)


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    store = Stored(tmp_path / "s.db")
    yield store
    store.close()


@pytest.fixture(params=["indexed", "half indexed", "not indexed"])
def reader(stored: Stored, request: pytest.FixtureRequest) -> Reader:
    """The same texts, a turn each: all in the index, some of them, none since nobody may write."""
    for number, text in enumerate(TEXTS):
        stored.turn(f"t-{number}", ("user", text), at=number)
    if request.param == "half indexed":
        stored.reader().index(6, budget_s=1)
    if request.param != "indexed":
        stored.insert("meta", key="writing", value="not allowed")
        stored.connection.execute(
            "CREATE TRIGGER frozen BEFORE UPDATE ON meta BEGIN SELECT raise(ABORT, 'frozen'); END"
        )
        stored.connection.execute(
            "CREATE TRIGGER fixed BEFORE INSERT ON meta BEGIN SELECT raise(ABORT, 'frozen'); END"
        )
    return stored.reader()


def upto(stored: Stored) -> int:
    row = stored.connection.execute("SELECT value FROM meta WHERE key = 'search_upto'").fetchone()
    return 0 if row is None else row[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("refund", [3, 1, 0]),
        ("REFUND", [3, 1, 0]),
        ("refund want", [0]),
        ("refund closed office", [1]),
        ("fund", []),
        ("ecoutez cafe zoe", [2]),
        ("ÉCOUTEZ", [2]),
        ("cafe", [11, 2]),
        ("café", [11, 2]),
        ("Cafe\u0301", [11, 2]),
        ("e-mail", [3]),
        ("mail-e", []),
        ("ada@example.org", [3]),
        ("ada@exam", [3]),
        ("AND", [9, 3]),
        ("NOT refunding", [3]),
        ("NEAR(it)", [3]),
        ('"refund', [3, 1, 0]),
        ('refund"', [3, 1, 0]),
        ("refund*", [3, 1, 0]),
        ("words:refund", []),
        ("-refund", [3, 1, 0]),
        ("test_case", [4]),
        ("under", [4]),
        ("naive", [4]),
        ("straße", [5]),
        ("grosse", [5]),
        ("東京", [6]),
        ("東", [6]),
        ("हिन्दी", [7]),
        ("🎉", [8]),
        ("party 🎉", [8]),
        ("refund 🎉", []),
        ("100%", [9]),
        ("'single'", [9]),
        ("back\\slash", [9]),
        ("semi;colon", [9]),
        ("i", [0]),
        ("nut", [10]),
        ("nu", []),
        ("a", [11, 10, 2, 0]),
        ("\x00 refund \ud800", []),
        ("refund\nwant\t", [0]),
    ],
)
def test_words_are_found(reader: Reader, text: str, found: list[int]) -> None:
    """All words, by their beginnings, without case or accents, and without any special meaning."""
    hits = reader.search(text)
    assert [hit.turn_id for hit in hits] == [turn_id(number + 1) for number in found]
    if "\x00" not in text:
        turns = reader.turns(text=text)
        assert [turn.id for turn in turns] == [hit.turn_id for hit in hits]
        assert [c.thread_id for c in reader.conversations(text=text)] == [
            hit.thread_id for hit in hits
        ]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_cannot_be_searched_for(reader: Reader, text: str) -> None:
    with pytest.raises(ArgumentError, match="text"):
        reader.search(text)


def test_a_hit_says_where_it_is(stored: Stored) -> None:
    stored.turn("t", ("user", "hello"), ("assistant", "A refund takes " + "many days " * 40))
    [hit] = stored.reader().search("refund")
    assert (hit.thread_id, hit.turn_id) == ("t", turn_id(1))
    assert (hit.message_id, hit.role) == (f"{turn_id(1)}:1", "assistant")
    assert hit.at_ns is not None
    assert hit.snippet.startswith("A refund takes many days")
    assert hit.snippet.endswith("…")
    message = stored.reader().turn(turn_id(1))
    assert message is not None
    assert message.messages[1].id == hit.message_id


def places(hits: Page[SearchHit]) -> list[tuple[str | None, str | None]]:
    return [(hit.role, hit.message_id and hit.message_id[-2:]) for hit in hits]


@pytest.mark.parametrize("indexed", [True, False])
def test_everything_that_was_said_is_searched(stored: Stored, *, indexed: bool) -> None:
    """Tool calls, answers of tools, structured answers, what lies in blobs; and nothing twice."""
    shelf = BlobShelf(b"k")
    long = pack_value((TextPart("needle " + "hay " * 9000),), shelf)
    stored.turn(
        "t",
        ("user", "weather?"),
        ("assistant", (ReasoningPart("secretly"), ToolCallPart("meteo", {"city": ["Oslo"]}, "c"))),
        ("tool", (ToolCallResponsePart({"sky": "drizzle\nsleet"}, "c"),)),
        ("user", (GenericPart("own", "generic"),)),
    )
    stored.observation(0, "meteo", call_id="c", call_at=1, result_at=2)
    stored.observation(1, "clock", arguments='{"zone":"CET"}', result='"noon"', started=5)
    stored.observation(2, "meteo", call_id="c", call_at=1, arguments='{"city":"Bergen"}')
    stored.message("t", "assistant", (), kind="said", at_ns=1)
    stored.connection.execute("UPDATE message SET parts = ? WHERE parts = '[]'", (long,))
    for digest, data in shelf.blobs.items():
        stored.insert("blob", conversation=1, digest=digest, data=data)
    stored.message("t", "system", "only the model saw this")
    stored.span(0, "step", "spanname")
    if not indexed:
        stored.connection.execute("UPDATE turn SET status = 6")  # under way: not to be indexed
    reader = stored.reader()
    expected = {
        "weather": [("user", ":0")],
        "meteo": [("assistant", ":1")],
        "oslo city": [("assistant", ":1")],
        "drizzle": [("tool", ":2")],
        "sleet": [("tool", ":2")],
        "clock": [("tool", None)],
        "cet noon": [("tool", None)],
        "bergen": [("tool", None)],
        "needle": [("assistant", ":4")],
    }
    assert {text: places(reader.search(text)) for text in expected} == expected
    for text in ("secretly", "generic", "only the model", "spanname"):
        assert list(reader.search(text)) == []
    assert bool(upto(stored)) is indexed


def test_where_no_message_has_all_words_those_that_have_most_are_shown(stored: Stored) -> None:
    stored.turn(
        "t",
        ("user", "blue green"),
        ("assistant", "green red"),
        ("user", "red green blue"),
        ("user", "red"),
    )
    stored.turn("u", ("user", "blue green"), ("assistant", "green red"), ("user", "red"), at=1)
    stored.turn("v", ("user", "blue green"), at=2)
    hits = stored.reader().search("red green blue")
    assert [(h.thread_id, h.message_id and h.message_id[-1]) for h in hits] == [
        ("u", "0"),
        ("u", "1"),
        ("t", "2"),
    ]


def test_side_calls_and_prelude_are_not_found(stored: Stored) -> None:
    stored.turn("t", ("user", "hello"), prelude=(("user", "before"),))
    stored.turn("t", ("assistant", "a title"), kind="trace")
    for text in ("before", "title"):
        assert list(stored.reader().search(text)) == []


@pytest.mark.parametrize("indexed", [0, 3, 30])
def test_pages_of_hits_hold_everything_once(stored: Stored, indexed: int) -> None:
    """Newest turns first, within a turn as it was said; also in the middle of a turn."""
    for number in range(30):
        said = [("user", f"word {number}")] * (number % 3 + 1)
        stored.turn(f"t-{number % 4}", *said, at=number)
    if indexed:
        stored.reader().index(indexed, budget_s=1)
    reader = stored.reader()
    everything = list(reader.search("word", limit=1000))
    assert len(everything) == 60
    order = [(hit.turn_id, hit.message_id) for hit in everything]
    assert len(set(order)) == 60
    assert [turn for turn, _ in order] == sorted((turn for turn, _ in order), reverse=True)
    for limit in (1, 2, 7, 60):
        hits, cursor = [], None
        while True:
            page = reader.search("word", limit, cursor)
            assert len(page) <= limit
            hits.extend(page)
            cursor = page.cursor
            if cursor is None:
                break
        assert hits == everything
    with pytest.raises(ArgumentError, match="cursor"):
        reader.search("word", cursor=reader.turns(limit=1).cursor)


def test_filters_narrow_a_search(stored: Stored) -> None:
    for number in range(200):
        stored.turn(f"t-{number % 10}", ("user", "word"), at=number, user_id=f"u-{number % 7}")
    reader = stored.reader()
    assert len(reader.search("word", limit=1000, user_id="u-3")) == 29
    assert len(reader.search("word", limit=1000, thread_id="t-3")) == 20
    assert len(reader.search("word", limit=1000, thread_id="t-3", user_id="u-3")) == 3
    assert len(reader.search("word", limit=1000, since="115m")) == 0
    assert len(reader.search("word", limit=1000, since="2h")) == 200
    page = reader.search("word", limit=5, user_id="u-3")
    following = reader.search("word", limit=5, user_id="u-3", cursor=page.cursor)
    assert [h.turn_id for h in (*page, *following)] == [
        h.turn_id for h in reader.search("word", limit=10, user_id="u-3")
    ]


def test_searching_builds_the_index_on_its_way(stored: Stored) -> None:
    """So far as the budget reaches; what is left is read as it is."""
    for number in range(500):
        stored.turn("t", ("user", f"word{number}"), at=number)
    reader = stored.reader()
    assert reader.index(120, budget_s=1) == 120
    assert upto(stored) == 120
    assert len(reader.search("word", limit=1000)) == 500
    assert upto(stored) == 500
    assert reader.index(1000, budget_s=1) == 0
    stored.turn("t", ("user", "word500"), at=500)
    assert [h.turn_id for h in reader.search("word500")] == [turn_id(501)]
    assert upto(stored) == 501


def test_a_turn_under_way_is_found_and_indexed_when_it_ended(stored: Stored) -> None:
    stored.turn("t", ("user", "first"), at=1)
    stored.turn("t", ("user", "second"), at=2, status="running")
    stored.turn("t", ("user", "third"), at=3)
    reader = stored.reader()
    assert [len(reader.search(w)) for w in ("first", "second", "third")] == [1, 1, 1]
    assert upto(stored) == 1
    stored.message("t", "assistant", "second answer", kind="said")
    stored.connection.execute("UPDATE message SET turn = 2 WHERE text = 'second answer'")
    stored.connection.execute("UPDATE turn SET status = 0, first_position = 1 WHERE id = 2")
    stored.connection.execute("UPDATE turn SET first_position = 2 WHERE id = 3")
    assert reader.search("third")
    assert upto(stored) == 3


def test_a_turn_whose_process_is_gone_does_not_hold_the_index_up(stored: Stored) -> None:
    stored.process(2, beat_ns=NOW - 61 * SECOND)
    stored.turn("t", ("user", "lost"), status="running", process=2)
    stored.turn("t", ("user", "found"))
    assert len(stored.reader().search("lost")) == 1
    assert upto(stored) == 2


def test_a_short_beginning_of_very_many_words_is_searched_too(stored: Stored) -> None:
    """More words than are looked up one by one."""
    for start in range(0, 1200, 100):
        words = " ".join(f"abc{number:04d}" for number in range(start, start + 100))
        stored.turn(f"t-{start}", ("user", words), at=start)
    reader = stored.reader()
    assert len(reader.search("abc")) == 12
    assert len(reader.search("abc01")) == 1
    assert len(reader.search("abc abc0")) == 10
    assert upto(stored) == 12


def test_a_store_without_the_means_to_index_is_searched(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SQLite without FTS5, or a store that cannot be written."""
    stored.turn("t", ("user", "refund"))
    monkeypatch.setattr("threadline.store.search_index.SEARCH_INDEX", "CREATE TABLE x USING nope")
    assert len(stored.reader().search("refund")) == 1
    assert upto(stored) == 0
    with pytest.raises(sqlite3.OperationalError):
        stored.connection.execute("SELECT * FROM search")


def test_another_that_writes_does_not_hold_a_search_up(stored: Stored) -> None:
    stored.turn("t", ("user", "refund"))
    stored.connection.execute("BEGIN IMMEDIATE")
    assert len(stored.reader().search("refund")) == 1
    stored.connection.execute("ROLLBACK")
    assert upto(stored) == 0


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("short refund text", "refund", "short refund text"),
        ("line\nbreaks \t and  blanks refund", "refund", "line breaks and blanks refund"),
        ("nothing like it", "refund", "nothing like it"),
        ("x" * 300, "refund", "x" * 200 + "…"),
        ("", "refund", ""),
    ],
)
def test_a_snippet(text: str, query: str, expected: str) -> None:
    assert snippet(text, Query.parse(query)) == expected


def test_a_snippet_shows_the_match_wherever_it_is() -> None:
    for before in (0, 10, 50, 200, 1000, 5000):
        text = "pad " * before + "Refünd" + " end" * before
        cut = snippet(text, Query.parse("refund"))
        assert "Refünd" in cut
        assert len(cut) <= 202


@pytest.mark.parametrize(
    ("most", "words", "filters", "order"),
    [
        (2_000, "tea", {}, [4, 2, 5, 0, 1, 6, 3]),
        (0, "tea", {}, [6, 5, 4, 3, 2, 1, 0]),
        (0, "tea", {"thread_id": "t-0"}, [4, 2, 0, 6]),
        (0, "!", {}, [4, 2, 5, 0, 1, 6, 3]),
    ],
)
def test_the_newest_come_first_whenever_they_were_stored(
    stored: Stored,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    words: str,
    filters: dict[str, Any],
    order: list[int],
) -> None:
    """What was taken in later is not newer; but very many matches come as they were stored."""
    monkeypatch.setattr(search, "_SORTED", most)
    ids = [
        stored.turn(f"t-{number % 2}", ("user", "tea!"), ("assistant", "a tea!"), at=at)
        for number, at in enumerate([5, 3, 9, 1, 9, 7, 2])
    ]
    reader = stored.reader()
    page = reader.search(words, limit=3, **filters)
    hits: list[SearchHit] = [*page]
    while page.cursor is not None:
        page = reader.search(words, limit=3, cursor=page.cursor, **filters)
        hits += [*page]
    assert [ids.index(hit.turn_id) for hit in hits if hit.role == "user"] == order
