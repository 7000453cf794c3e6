"""`threadline export --sqlite`: a copy of one moment, whole, while others write."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from langchain_core.language_models import FakeListChatModel
from tests.samples import all_samples
from tests.taken import everything

import threadline
from threadline import Client
from threadline.cli.app import app
from threadline.cli.session import Session
from threadline.importing.adopting import adopt
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def run(*arguments: object) -> Result:
    """Run the command on a pipe."""
    return CliRunner().invoke(app, ["export", *map(str, arguments)], obj=Session())


def test_a_copy_holds_all_and_is_nobody_elses(tmp_path: Path) -> None:
    """Every record, the rules of files, the index for search; a copy records on."""
    source, copy = tmp_path / "a.db", tmp_path / "copy.db"
    with Client(store=source, min_free_bytes=0) as client:
        adopt(all_samples(), client=client)
    assert run("--store", source, "--sqlite", copy).exit_code == 0
    done = run("--store", source, "--sqlite", copy)  # in the place of the older one
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with threadline.open(source) as one, threadline.open(copy) as two:
        assert everything(one) == everything(two)
        assert two.search("Paris")
        assert two.schema_version == one.schema_version
    with Client(store=copy, min_free_bytes=0) as client:
        FakeListChatModel(responses=["Yes."]).invoke(
            "On?", {"callbacks": [ThreadlineCallbackHandler(client)]}
        )
        assert client.reader().turns(limit=1)[0].output == "Yes."
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []


@contextlib.contextmanager
def talking(client: Client) -> Iterator[None]:
    """Record turns in another thread, one after the other, for as long as the block lasts."""
    stop = threading.Event()
    model = FakeListChatModel(responses=["Yes."])
    config = {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": {"thread_id": "t"}}

    def talk() -> None:
        while not stop.is_set():
            model.invoke("Again?", config)
            client.flush()

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        yield
    finally:
        stop.set()
        talker.join()


def test_a_store_is_copied_while_others_write(tmp_path: Path) -> None:
    """Each copy is sound and holds whole turns: all that were stored when it began."""
    source = tmp_path / "a.db"
    with Client(store=source, min_free_bytes=0) as client, talking(client):
        for number in range(10):
            while not (before := client.flush().stored):
                pass
            copy = tmp_path / f"copy-{number}.db"
            assert run("--store", source, "--sqlite", copy).exit_code == 0
            with contextlib.closing(sqlite3.connect(copy)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            with threadline.open(copy) as store:
                found = store.conversation("t")
                assert found is not None
                assert len(found.turns) >= before
                assert {len(turn.messages) for turn in found.turns} == {2}


@pytest.mark.parametrize("more", [["--thread", "t"], ["--redact", "pii"]])
def test_a_copy_is_of_the_whole_store(tmp_path: Path, more: list[str]) -> None:
    """What would leave something out is refused, and so is a copy onto itself."""
    source = tmp_path / "a.db"
    with Client(store=source, min_free_bytes=0) as client:
        adopt(all_samples(), client=client)
    assert run("--store", source, "--sqlite", tmp_path / "copy.db", *more).exit_code == 2
    assert run("--store", source, "--sqlite", source).exit_code == 2
    assert run("--store", source, "--sqlite", tmp_path / "none" / "copy.db").exit_code == 1
