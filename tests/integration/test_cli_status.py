"""`status` of destinations that cannot be made, are not configured, or have taken nothing yet."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from tests.shipping import Scripted, ingestion, record

from threadline.cli.app import app
from threadline.ingest.destination import Rejected

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THREADLINE_STORE", str(tmp_path / "chat.db"))
    monkeypatch.delenv("THREADLINE_JSONL_PATH", raising=False)
    return tmp_path / "chat.db"


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, list(arguments))


def told(name: str) -> tuple[str, dict[str, Any]]:
    """Return the line of a destination, and the same as JSON."""
    [line] = [one for one in run("status").stdout.splitlines() if one.startswith(name)]
    found = [json.loads(one) for one in run("status", "--json").stdout.splitlines()]
    return line, next(one for one in found if one["destination"] == name)


def refuse_sockets(*_: object, **__: object) -> None:
    pytest.fail("status asks no destination")


def test_a_destination_that_cannot_be_made_says_why(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that nobody knows, a setting that is missing; one that is fine is not asked."""
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "jsnol, jsonl,otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(socket, "socket", refuse_sockets)
    record(store, [("a", "one")], ["jsnol"])
    line, data = told("jsnol")
    assert "cannot be used: " in line
    assert "one of context, freeplay, jsonl, otlp" in line
    assert data["cannot_be_used"] in line
    assert (data["configured"], data["waiting"]) == (True, 1)
    line, data = told("jsonl")
    assert "cannot be used: setting 'THREADLINE_JSONL_PATH'" in line
    assert "the path of the file to append to" in data["cannot_be_used"]
    line, data = told("otlp")
    assert "not tried yet" in line
    assert (data["configured"], data["cannot_be_used"]) == (True, None)


def test_what_waits_for_a_destination_that_is_not_configured_says_so(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THREADLINE_DESTINATIONS", raising=False)
    record(store, [("a", "one")], ["scripted"])
    line, data = told("scripted")
    assert "not configured here" in line
    assert (data["configured"], data["cannot_be_used"], data["waiting"]) == (False, None, 1)


def test_a_destination_that_was_tried_is_not_told_to_be_untried(store: Path) -> None:
    """It refused all that it was sent, and all of that was given up."""
    record(store, [("a", "one")], ["scripted"])
    client = ingestion(store, Scripted(lambda items: [Rejected("no")] * len(items)))
    client.flush(5)
    client.stop(1)
    assert "refused all so far" in told("scripted")[0]
    assert run("outbox", "discard", "--yes").exit_code == 0
    assert "nothing delivered yet" in told("scripted")[0]
