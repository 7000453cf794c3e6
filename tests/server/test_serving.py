"""The command, the pages as HTTP gives them, and the news."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.conftest import running
from tests.stored import Stored, turn_id

import threadline
from threadline import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx


def serve(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command where it cannot start, and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "threadline.cli", "serve", "--no-open", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={**os.environ, "NO_COLOR": "1", **variables},
    )


def test_a_port_that_is_taken_is_told(small_store: Path) -> None:
    """Where one was named; else the next one is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve("--store", str(small_store), "--port", port)
    assert done.returncode == 1
    assert f"nothing can listen at 127.0.0.1 port {port}" in done.stderr
    assert "name another --host or --port" in done.stderr


def test_prices_that_are_none_are_told(small_store: Path, tmp_path: Path) -> None:
    """With what a file of prices looks like."""
    wrong = tmp_path / "prices.json"
    wrong.write_text('{"gpt": "cheap"}')
    done = serve("--store", str(small_store), "--prices", str(wrong))
    assert done.returncode == 2
    assert "input and output per million tokens" in done.stderr


def test_more_than_this_machine_is_warned_of(small_store: Path) -> None:
    """And asks for the token all the same; a number is answered, a foreign name is not."""
    everywhere = "0.0.0.0"  # noqa: S104 (that is what is warned of)
    open_to_all = running(small_store, "--host", everywhere)
    with open_to_all as started, started.client(entered=False) as one:
        assert started.base.startswith("http://127.0.0.1:")
        assert one.get("/", headers={"host": "10.1.2.3:80"}).status_code == 401
        assert one.get("/", headers={"host": "evil.example"}).status_code == 403
        assert one.get("/", params={"token": started.token}).status_code == 303


def test_a_store_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    """The viewer says that nothing is there yet, makes no store itself, and then shows it."""
    path = tmp_path / "later.db"
    with running(path) as started, started.client() as client:
        for page in ("/", "/figures", "/delivery", "/search?q=x"):
            assert "There is no store at" in client.get(page).text
        assert not path.exists()
        stored = Stored(path)
        stored.turn("t-1", ("user", "At last"), ("assistant", "Indeed"))
        stored.close()
        assert "/conversation?id=t-1" in client.get("/").text


def test_costs_are_those_that_somebody_told(small_store: Path, tmp_path: Path) -> None:
    """Threadline knows no prices; with some there is a chart, and what has none is named."""
    prices = tmp_path / "prices.json"
    prices.write_text('{"other": [1, 2]}')
    with running(small_store, "--prices", str(prices)) as started, started.client() as client:
        text = client.get("/figures?span=all").text
    assert ">Cost<" in text
    assert "without m-1" in text


def test_a_page_that_cannot_be_asked_for_says_why(entered: httpx.Client) -> None:
    """A wrong filter is named with what is allowed; what is not there is not an error of ours."""
    wrong = entered.get("/", params={"since": "whenever"})
    assert wrong.status_code == 400
    assert "since" in wrong.text
    assert entered.get("/", params={"cursor": "x"}).status_code == 400
    for path in ("/conversation?id=nobody", "/turn?id=nobody", "/conversation", "/turn"):
        missing = entered.get(path)
        assert missing.status_code == 404
        assert "may have been deleted" in missing.text


@pytest.mark.parametrize("rating", ["7", "0.8", "-1", "up"])
def test_any_number_can_be_asked_for_as_a_rating(entered: httpx.Client, rating: str) -> None:
    """As the command line can; the form shows what is asked for."""
    for path in ("/", "/search"):
        answer = entered.get(path, params={"rating": rating, "q": "refunds"})
        assert answer.status_code == 200
        assert (
            f'value="{rating}" selected' in answer.text
            or f'selected value="{rating}"' in answer.text
        )


@pytest.mark.parametrize("rating", ["seven", "1e400", "-inf", "nan"])
def test_what_is_no_rating_is_told(entered: httpx.Client, rating: str) -> None:
    """Also what is a number to Python, but equal to none that anything can be rated with."""
    for path in ("/", "/search"):
        refused = entered.get(path, params={"rating": rating, "q": "refunds"})
        assert refused.status_code == 400
        assert "a finite number" in refused.text


def test_two_turns_can_be_compared(entered: httpx.Client) -> None:
    """What was said, used and sent, side by side."""
    two = {"id": turn_id(2), "with": turn_id(1)}
    text = entered.get("/turn", params=two).text
    for name, words in (("del", "Question 0 about refunds"), ("ins", "Question 1 about refunds")):
        marked = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert words in "".join(marked)


@pytest.mark.parametrize("first", ["-5", "0", "97", "100000", "x", "9" * 400, "-0", "\uff11"])
def test_any_place_of_a_conversation_can_be_asked_for(entered: httpx.Client, first: str) -> None:
    """Before the beginning is the beginning, behind the end is nothing."""
    answer = entered.get("/conversation", params={"id": "long", "first": first})
    assert answer.status_code == 200


def test_all_turns_are_reached_in_order_each_once(entered: httpx.Client) -> None:
    """Following the links from the first stretch to the last."""
    found: list[str] = []
    path = "/conversation?id=long"
    while path:
        text = entered.get(path).text
        found += [part.split("<")[0] for part in text.split('<div class="plain" dir="auto">')[1:]]
        _, _, after = text.partition('rel="next"')
        before = text[: text.find('rel="next"')] if after else ""
        path = before.rpartition('href="')[2].split('"')[0].replace("&amp;", "&") if after else ""
    assert found == [f"Q{number}." for number in range(100)]


def test_a_stretch_says_what_the_whole_conversation_says(small_store: Path) -> None:
    """Its turns are those of the conversation, in messages, tools, ratings and numbers."""
    store = threadline.open(small_store)
    whole = store.conversation("long")
    assert whole is not None
    for first in (0, 40, -30):
        stretch = store.stretch("long", first=first, limit=30)
        assert stretch is not None
        start = first if first >= 0 else 100 + first
        assert stretch.first == stretch.number == start
        assert stretch.conversation.turns == whole.turns[start : start + 30]
    around = store.stretch("long", turn_id=turn_id(5 + 50), limit=10)
    assert around is not None
    assert turn_id(5 + 50) in [turn.id for turn in around.conversation.turns]
    assert store.stretch("nobody") is None


def test_news_come_as_they_are_recorded(tmp_path: Path) -> None:
    """As server-sent events that name the conversation and the turn."""
    path = tmp_path / "news.db"
    Stored(path).close()
    viewer = running(path)
    with (
        viewer as started,
        started.client() as client,
        client.stream("GET", "/events") as answer,
        Client(store=path, ship=False, min_free_bytes=0) as recording,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        told = first_news(recording, lines)
    assert told[0]["thread"] == "t-1"
    assert set(told[0]) == {"thread", "turn", "anchor"}


def first_news(recording: Client, lines: Iterator[str]) -> Any:
    """Say something until it is told: what was said before the first look is no news."""
    for number in range(40):
        said = [{"role": "user", "content": f"Hello {number}"}]
        threadline.log(thread_id="t-1", messages=said, client=recording)
        recording.flush()
        for line in itertools.islice(lines, 4):
            if line.startswith("data:"):
                return json.loads(line.removeprefix("data: "))
    return pytest.fail("nobody was told")
