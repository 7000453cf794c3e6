"""What cannot be undone is asked before: a person, or whoever wrote `--yes` into a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from tests.answering import answered
from tests.shipping import Scripted, ingestion, record

from threadline.cli.app import app
from threadline.ingest.destination import Rejected

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of two turns that a destination has refused."""
    path = tmp_path / "chat.db"
    monkeypatch.setenv("THREADLINE_STORE", str(path))
    monkeypatch.delenv("THREADLINE_DESTINATIONS", raising=False)
    record(path, [("a", "one"), ("b", "two")], ["scripted"])
    client = ingestion(path, Scripted(lambda items: [Rejected("no")] * len(items)))
    client.flush(5)
    client.stop(1)
    return path


def run(*arguments: str) -> Result:
    store = os.environ["THREADLINE_STORE"]  # by name: a default client may be an earlier test's
    return CliRunner().invoke(app, ["--store", store, *arguments])


def put_aside() -> list[str]:
    lines = run("outbox", "list", "--json").stdout.splitlines()
    return [json.loads(line)["id"] for line in lines]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["outbox", "discard"], "2 records put aside would never be delivered"),
        (["outbox", "discard", "--destination", "scripted"], "2 records put aside for scripted"),
        (["delete", "--thread", "a"], "this deletes conversation 'a' (2 messages) from"),
        (["delete", "--user", "nobody"], ""),
    ],
)
def test_without_a_terminal_it_is_told_how_to_confirm(command: list[str], words: str) -> None:
    """Nothing is asked or done; where there is nothing to do there is nothing to confirm."""
    refused = run(*command)
    assert refused.exit_code == (2 if words else 0)
    assert words in refused.stderr
    assert ("confirm it with --yes" in refused.stderr) == bool(words)
    assert "Aborted" not in refused.stderr
    assert len(put_aside()) == 2
    assert run("show", "a").exit_code == 0


@pytest.mark.usefixtures("store")
def test_one_record_is_counted_as_one() -> None:
    refused = run("outbox", "discard", put_aside()[1])
    assert refused.exit_code == 2
    assert "1 record put aside would never be delivered" in refused.stderr


@pytest.mark.usefixtures("store")
def test_what_there_is_nothing_of_is_not_asked_about() -> None:
    """A record that only waits is none that was put aside, and the other way round."""
    [one, _] = put_aside()
    waiting = run("outbox", "discard", "--waiting", "--destination", "scripted", one)
    assert (waiting.exit_code, f"there is no record {one}" in waiting.stderr) == (1, True)
    assert run("outbox", "retry", one).exit_code == 0
    assert run("outbox", "discard", one).exit_code == 1
    assert run("outbox", "discard", "--yes").exit_code == 0
    nothing = run("outbox", "discard")
    assert (nothing.exit_code, "0 records given up" in nothing.stderr) == (0, True)


@pytest.mark.usefixtures("store")
def test_a_person_is_asked() -> None:
    code, said = answered("n", "outbox", "discard")
    assert (code, "Never deliver 2 records put aside?" in said) == (1, True)
    assert len(put_aside()) == 2
    assert answered("y", "outbox", "discard")[0] == 0
    assert put_aside() == []
    code, said = answered("n", "delete", "--thread", "a")
    assert (code, "Delete conversation 'a' (2 messages) from" in said) == (1, True)
    assert run("show", "a").exit_code == 0
    assert answered("y", "delete", "--thread", "a")[0] == 0
    assert run("show", "a").exit_code == 1


def test_a_program_without_any_standard_input_is_told_too(store: Path) -> None:
    command = f"'{sys.executable}' -m threadline.cli delete --thread a --store '{store}' <&-"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.returncode, "confirm it with --yes" in done.stderr) == (2, True)
