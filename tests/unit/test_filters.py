"""The one set of filters: what each lets through, and what it refuses."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.stored import NOW, SECOND, START, Stored, turn_id

from threadline.errors import ArgumentError
from threadline.model import Rating, Status
from threadline.store.times import moment_ns

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.store.reader import Reader

HOUR = 3600
SOME_TIME = dt.datetime(2026, 11, 21, 10, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Four conversations: a plain one, one with tools, one of two users, one that failed."""
    stored = Stored(tmp_path_factory.mktemp("filters") / "s.db")
    stored.turn("plain", ("user", "Hello there"), ("assistant", "A refund?"), at=0, tags=["first"])
    stored.turn("plain", ("user", "Yes"), ("assistant", "It is done"), at=HOUR)
    stored.conversation("plain", user_id="u-1", tags=["beta"], metadata={"plan": "pro", "n": 2})

    stored.turn(
        "tools", ("user", "Weather?"), ("assistant", "Rain"), at=1800, metadata={"vip": True}
    )
    stored.span(0, "llm", model="gpt-4o")
    stored.observation(0, "weather")
    stored.conversation("tools", user_id="u-2")

    stored.turn("shared", ("user", "Refund, now!"), at=100, user_id="u-1", metadata={"n": 2.5})
    stored.turn("shared", ("user", "Calm down"), at=200, user_id="u-2")
    stored.conversation("shared", user_id="u-2", metadata={"list": [1, {"a": None}], "none": None})

    stored.turn("failed", ("user", "Boom"), at=-HOUR, status="error", user_id="u-3")
    for ident, value, at_ns, about in (
        ("r1", 1, 1, {"turn_id": turn_id(3)}),
        ("r2", 1, 1, {"turn_id": turn_id(1), "message_id": f"{turn_id(1)}:1"}),
        ("r3", -1, 2, {"turn_id": turn_id(1), "message_id": f"{turn_id(1)}:1"}),
        ("r4", 0, 1, {"thread_id": "shared"}),
    ):
        stored.note(Rating(id=ident, at_ns=at_ns, value=value, **about))
    stored.close()
    return stored.reader()


# Of each: the filters, the turns that they let through (newest first), the conversations.
ALL_TURNS = [2, 3, 5, 4, 1, 6]
CASES: dict[str, tuple[dict[str, Any], list[int], list[str]]] = {
    "nothing": ({}, ALL_TURNS, ["plain", "tools", "shared", "failed"]),
    "None": ({"tag": None, "rating": None}, ALL_TURNS, ["plain", "tools", "shared", "failed"]),
    "thread": ({"thread_id": "shared"}, [5, 4], ["shared"]),
    "user of conversation or turn": ({"user_id": "u-1"}, [2, 4, 1], ["plain", "shared"]),
    "user of the turn first": ({"user_id": "u-2"}, [3, 5], ["tools", "shared"]),
    "tag of the conversation": ({"tag": "beta"}, [2, 1], ["plain"]),
    "tag of the turn": ({"tag": "first"}, [1], ["plain"]),
    "a piece of a tag": ({"tag": "bet"}, [], []),
    "metadata text": ({"metadata": {"plan": "pro"}}, [2, 1], ["plain"]),
    "metadata number": ({"metadata": {"n": 2}}, [2, 1], ["plain"]),
    "metadata fraction": ({"metadata": {"n": 2.5}}, [4], ["shared"]),
    "metadata number as a text": ({"metadata": {"n": "2"}}, [2, 1], ["plain"]),
    "metadata true": ({"metadata": {"vip": True}}, [3], ["tools"]),
    "metadata true as a text": ({"metadata": {"vip": "true"}}, [3], ["tools"]),
    "metadata one is not true": ({"metadata": {"vip": 1}}, [], []),
    "metadata false": ({"metadata": {"vip": False}}, [], []),
    "metadata none": ({"metadata": {"none": None}}, [5, 4], ["shared"]),
    "metadata list": ({"metadata": {"list": [1, {"a": None}]}}, [5, 4], ["shared"]),
    "metadata type name": ({"metadata": {"plan": "text"}}, [], []),
    "metadata both": ({"metadata": {"plan": "pro", "n": 2}}, [2, 1], ["plain"]),
    "metadata one of both": ({"metadata": {"plan": "pro", "n": 3}}, [], []),
    "metadata odd key": ({"metadata": {'a"].b': "x"}}, [], []),
    "status": ({"status": "error"}, [6], ["failed"]),
    "status as such": ({"status": Status.OK}, [2, 3, 5, 4, 1], ["plain", "tools", "shared"]),
    "rated up": ({"rating": "up"}, [3], ["tools"]),
    "rated down, at last": ({"rating": "down"}, [1], ["plain"]),
    "rated by number": ({"rating": 0}, [5, 4], ["shared"]),
    "tool": ({"tool": "weather"}, [3], ["tools"]),
    "no tool": ({"tool": "weathe"}, [], []),
    "model": ({"model": "gpt-4o"}, [3], ["tools"]),
    "text": ({"text": "refund"}, [4, 1], ["plain", "shared"]),
    "text in a thread": ({"text": "refund", "thread_id": "plain"}, [1], ["plain"]),
    "text and more": ({"text": "refund", "user_id": "u-1", "tag": "beta"}, [1], ["plain"]),
    "tool and text": ({"text": "rain", "tool": "weather"}, [3], ["tools"]),
    "tool and rating": ({"tool": "weather", "rating": "up"}, [3], ["tools"]),
    "half a character": ({"tag": "\ud800", "metadata": {"\ud800": "\ud800"}}, [], []),
    "quotes": ({"tag": "' OR 1=1 --"}, [], []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_filter_lets_through(reader: Reader, case: str) -> None:
    """Turns that fit; and conversations of which one turn fits."""
    filters, turns, conversations = CASES[case]
    assert [t.id for t in reader.turns(**filters)] == [turn_id(number) for number in turns]
    assert [c.thread_id for c in reader.conversations(**filters)] == conversations


def test_one_turn_must_fit_all_filters_that_are_about_turns(reader: Reader) -> None:
    """That one turn was rated and another said it is not enough."""
    assert list(reader.conversations(text="refund", user_id="u-2")) == []
    assert list(reader.conversations(tag="first", text="done")) == []


@pytest.mark.parametrize("common", [True, False])
def test_a_tool_is_found_however_often_it_was_used(tmp_path: Path, *, common: bool) -> None:
    """Frequent and rare tools are looked for in different ways."""
    stored = Stored(tmp_path / "s.db")
    for number in range(30):
        stored.turn(f"t-{number % 3}", ("user", "hi"), at=number)
        if number % 10 == 0:
            stored.observation(0, "weather")
    if common:
        stored.connection.execute("BEGIN")
        for number in range(2000):
            stored.insert("tool_observation", turn=9999, n=number, name="weather", outcome="ok")
        stored.connection.execute("COMMIT")
    reader = stored.reader()
    assert [t.id for t in reader.turns(tool="weather")] == [turn_id(n) for n in (21, 11, 1)]
    assert [c.thread_id for c in reader.conversations(tool="weather")] == ["t-2", "t-1", "t-0"]
    assert len(reader.search("hi", tool="weather")) == 3
    stored.close()


@pytest.mark.parametrize(
    ("given", "turns", "conversations"),
    [
        ({"since": "2h"}, [2, 3, 5, 4, 1], ["plain", "tools", "shared"]),
        ({"since": "61m"}, [2], ["plain"]),
        ({"until": "91m"}, [5, 4, 1, 6], ["shared", "failed"]),
        ({"since": "1w", "until": "150m"}, [6], ["failed"]),
        ({"since": SOME_TIME}, [2, 3], ["plain", "tools"]),
        ({"until": SOME_TIME}, [3, 5, 4, 1, 6], ["shared", "failed"]),
        ({"since": "2026-11-21T11:00:00+00:00"}, [2], ["plain"]),
        ({"since": "2026-11-21 13:00:00+02:00"}, [2], ["plain"]),
        ({"since": SOME_TIME.date() + dt.timedelta(days=3)}, [], []),
        ({"until": "2026-11-25"}, ALL_TURNS, ["plain", "tools", "shared", "failed"]),
    ],
)
def test_time_filters(
    reader: Reader, given: dict[str, Any], turns: list[int], conversations: list[str]
) -> None:
    """A turn counts by when it began, a conversation by when it was last touched."""
    assert [t.id for t in reader.turns(**given)] == [turn_id(number) for number in turns]
    assert [c.thread_id for c in reader.conversations(**given)] == conversations


@pytest.mark.parametrize(
    ("value", "expected_ns"),
    [
        ("90s", NOW - 90 * SECOND),
        (" 30M ", NOW - 1800 * SECOND),
        ("2h", START),
        ("1d", NOW - 86_400 * SECOND),
        ("2 w", NOW - 14 * 86_400 * SECOND),
        ("999999w", 0),
        ("2026-11-21T10:00Z", START),
        ("20261121T100000Z", START),
        (dt.datetime(2026, 11, 21, 10, 0, 0, 1, tzinfo=dt.UTC), START + 1000),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
    ],
)
def test_a_moment(value: object, expected_ns: int) -> None:
    assert moment_ns("since", value, now_ns=NOW) == expected_ns


def test_what_names_no_zone_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day reaches from its first to its last moment, where the user is."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        naive = moment_ns("since", "2026-11-21T15:30", now_ns=NOW)
        day = moment_ns("since", "2026-11-21", now_ns=NOW)
        end = moment_ns("until", dt.date(2026, 11, 21), now_ns=NOW, end=True)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert naive == START
    assert day == START - (15 * 3600 + 1800) * SECOND
    assert end == day + 86_400 * SECOND - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterday"),
        ("since", ""),
        ("since", 17),
        ("until", "2026-13-01"),
        ("until", "2h ago"),
        ("until", float("nan")),
        ("status", "done"),
        ("status", 1),
        ("rating", "good"),
        ("rating", [1]),
        ("rating", float("nan")),
        ("rating", 10**400),
        ("metadata", "plan=pro"),
        ("metadata", {1: 2}),
        ("metadata", {"a": object()}),
        ("thread_id", 17),
        ("user_id", b"u"),
        ("tag", ["beta"]),
        ("tool", 1),
        ("text", 1),
        ("text", ""),
        ("text", " \n"),
        ("tenant", 1),
    ],
)
def test_a_wrong_value_is_named(reader: Reader, name: str, value: Any) -> None:
    for read in (reader.turns, reader.conversations):
        with pytest.raises(ArgumentError) as raised:
            read(**{name: value})
        assert raised.value.argument == name
        assert raised.value.value is value
        assert raised.value.allowed


def test_an_end_before_the_beginning_is_named(reader: Reader) -> None:
    """Nothing lies between them: an empty list would say that nothing was said."""
    for read in (reader.turns, reader.conversations):
        with pytest.raises(ArgumentError, match=r"'until' is '2h'.*at or after since, which is 1h"):
            read(since="1h", until="2h")
        assert len(read(since=SOME_TIME, until=SOME_TIME)) <= 1
        assert list(read(until="1960-01-01")) == []


def test_a_filter_that_does_not_exist_is_named(reader: Reader) -> None:
    with pytest.raises(ArgumentError, match=r"thread.*thread_id, user_id"):
        reader.turns(thread="t")
    with pytest.raises(ArgumentError, match="text"):
        reader.search("x", limit=5, plan="pro")


def test_a_kind_is_turn_or_trace(reader: Reader) -> None:
    with pytest.raises(ArgumentError, match="kind"):
        reader.turns(kind="span")
