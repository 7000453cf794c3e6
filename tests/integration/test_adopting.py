"""In the default store a backlog goes only to the account that it was meant for, or is adopted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.shipping import Scripted, lines_of, say

import threadline
from threadline.cli.app import app
from threadline.destinations import ContextApi, Freeplay, JsonLines, Later, Otlp
from threadline.ingest.origins import origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from threadline.destinations import Item, Outcome


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "jsonl")
    monkeypatch.setenv("THREADLINE_MIN_FREE_BYTES", "0")
    return tmp_path


def threadline_says(*command: str, path: Path | str) -> Any:
    return CliRunner().invoke(app, command, env={"THREADLINE_JSONL_PATH": str(path)})


def backlog_for(path: Path | str) -> None:
    """Record two turns for a file that cannot be written, and try to ship them there."""
    with threadline.Client(ship=False) as client:
        say(client, [("t-1", "one"), ("t-1", "two")])
    assert threadline_says("ship", "--timeout", "0.2", path=path).exit_code == 3


def test_a_backlog_is_held_back_from_another_address(folder: Path) -> None:
    """Nothing goes there, and `status` says why and what to do."""
    backlog_for(os.devnull + "/first.jsonl")
    other = folder / "other.jsonl"
    assert threadline_says("ship", "--timeout", "5", path=other).exit_code == 3
    assert not other.exists()
    shown = json.loads(threadline_says("status", "--json", path=other).stdout)
    assert shown["waiting"] == 2
    assert "threadline ship --adopt jsonl" in shown["last_error"]


def test_an_adopted_backlog_is_delivered_at_once(folder: Path) -> None:
    backlog_for(os.devnull + "/first.jsonl")
    other = folder / "other.jsonl"
    threadline_says("ship", "--timeout", "0.2", path=other)
    adopted = threadline_says("ship", "--adopt", "jsonl", path=other)
    assert adopted.exit_code == 0, adopted.output
    assert [line["record"]["messages"][0]["parts"][0]["content"] for line in lines_of(other)] == [
        "one",
        "two",
    ]


def test_an_application_of_another_account_holds_back_too(folder: Path) -> None:
    """Its own turns wait behind those that it must not send."""
    backlog_for(os.devnull + "/first.jsonl")
    other = folder / "other.jsonl"
    with threadline.Client(destinations=[JsonLines(other)]) as client:
        say(client, [("t-2", "three")])
        assert client.flush(5.0).pending == 3
    assert not other.exists()


def test_where_nothing_waits_another_address_is_taken(folder: Path) -> None:
    """A key that is changed in quiet times needs nobody to adopt anything."""
    for name in ("first", "second"):
        path = folder / f"{name}.jsonl"
        with threadline.Client(destinations=[JsonLines(path)]) as client:
            say(client, [("t-1", name)])
            assert client.flush(5.0).pending == 0
        assert len(lines_of(path)) == 1


def test_what_a_killed_process_left_is_held_back_too(folder: Path) -> None:
    """Its journal tells no address: it is taken in before anything else is recorded."""
    first = folder / "first.jsonl"
    with threadline.Client(destinations=[JsonLines(first)]) as client:
        say(client, [("t-1", "one")])
        client.flush(5.0)
    program = (
        "import os, threadline\n"
        "from threadline.destinations import JsonLines\n"
        f"threadline.configure(destinations=[JsonLines({str(first)!r})])\n"
        "with threadline.turn(thread_id='t-1', input='two') as turn:\n"
        "    turn.output = 'left'\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    other = folder / "other.jsonl"
    with threadline.Client(destinations=[JsonLines(other)]) as client:
        say(client, [("t-2", "three")])
        assert client.flush(5.0).pending == 2
    assert not other.exists()


def test_in_a_store_of_ones_own_the_address_may_change(folder: Path) -> None:
    """Who names the store says whose it is."""
    store = folder / "own.db"
    with threadline.Client(store=store, ship=False) as client:
        say(client, [("t-1", "one")])
    named = ("--store", str(store))
    gone = os.devnull + "/first.jsonl"
    assert threadline_says("ship", "--timeout", "0.2", *named, path=gone).exit_code == 3
    assert threadline_says("ship", *named, path=folder / "other.jsonl").exit_code == 0


def test_only_a_destination_that_is_there_is_adopted(folder: Path) -> None:
    backlog_for(os.devnull + "/first.jsonl")
    refused = threadline_says("ship", "--adopt", "otlp", path=folder / "other.jsonl")
    assert refused.exit_code
    assert "otlp" in refused.output


def test_one_that_tells_no_origin_is_not_held_back(folder: Path) -> None:
    """A destination of one's own needs to know nothing of this."""
    del folder

    def down(items: Sequence[Item]) -> Sequence[Outcome]:
        return [Later("down")] * len(items)

    with threadline.Client(destinations=[Scripted(down)]) as client:
        say(client, [("t-1", "one")])
        client.flush(0.2)
    back = Scripted()
    with threadline.Client(destinations=[back]) as client:
        client.flush(5.0)
    assert len(back.delivered) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            Otlp("https://a.example/v1", headers={"authorization": "Bearer secret-1"}),
            Otlp("https://a.example/v1", headers={"authorization": "Bearer secret-2"}),
            id="otlp",
        ),
        pytest.param(
            ContextApi("https://a.example", "secret-1", "x"),
            ContextApi("https://a.example", "secret-1", "y"),
            id="context",
        ),
        pytest.param(
            Freeplay("https://a.example/api", "secret-1", "a" * 8),
            Freeplay("https://a.example/api", "secret-1", "b" * 8),
            id="freeplay",
        ),
    ],
)
def test_another_account_is_another_origin(one: Any, other: Any) -> None:
    """By key, tenant or project; and no credential can be read from it."""
    assert origin_of(one) != origin_of(other)
    assert origin_of(one) == origin_of(one)
    assert "a.example" in (origin_of(one) or "")
    assert "secret" not in (origin_of(one) or "")
