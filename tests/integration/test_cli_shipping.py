"""`ship`, `status` and `outbox`, from the arguments to what comes out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from tests.answering import answered
from tests.shipping import (
    Hanging,
    Scripted,
    client_for,
    ingestion,
    lines_of,
    record,
    say,
    ship_to_a_file,
)

from threadline.cli.app import app
from threadline.ingest import named
from threadline.ingest.destination import Rejected
from threadline.ingest.sender_lock import SenderLock
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"COLUMNS": "200"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return ship_to_a_file(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    return CliRunner(env=COLUMNS).invoke(app, list(arguments))


def record_and_die(store: Path, *, store_first: bool = False) -> None:
    """Record a turn in a process that is killed before it can store it, or just after."""
    child = os.fork()
    if child == 0:
        client = client_for(store, ["jsonl"], ship=False)
        say(client, [("a", "one")])
        if store_first:
            client.store_recorded()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def test_ship_delivers_what_waits_and_tells_how_much(store: Path) -> None:
    """Nothing waits afterwards, and shipping again changes nothing."""
    record(store, [("a", "one"), ("a", "two")], ["jsonl"])
    first, second = run("ship", "--json"), run("ship")
    assert json.loads(first.stdout) == {"delivered": 2, "pending": 0, "rejected": 0}
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "Delivered 0 records; 0 waiting" in second.stderr
    assert len(lines_of(store.with_name("out.jsonl"))) == 2


def test_ship_takes_in_what_a_killed_process_left(store: Path) -> None:
    """Turns that are only in a journal are delivered, too."""
    record_and_die(store)
    assert json.loads(run("ship", "--json").stdout)["delivered"] == 1


def test_ship_says_when_something_is_left(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A destination that cannot be reached is exit code 3, with what waits."""
    record(store, [("a", "one")], ["jsonl"])
    (tmp_path / "file").touch()
    monkeypatch.setenv("THREADLINE_JSONL_PATH", str(tmp_path / "file" / "out.jsonl"))
    result = run("ship", "--timeout", "1")
    assert result.exit_code == 3
    assert "1 waiting" in result.stderr
    state = run("status").stdout
    assert "in a row" in state
    assert "the file cannot be written" in state


def test_ship_backfills(store: Path) -> None:
    """What was recorded before there was a destination is delivered on demand."""
    record(store, [("a", "one")], [])
    assert json.loads(run("ship", "--json").stdout)["delivered"] == 0
    assert json.loads(run("ship", "--backfill", "--json").stdout)["delivered"] == 1


def test_backfill_asks_where_records_would_come_twice(store: Path) -> None:
    """A destination that has records already gets all again only from somebody who says so."""
    record(store, [("a", "one")], ["jsonl"])
    assert run("ship").exit_code == 0
    refused = run("ship", "--backfill")
    assert refused.exit_code == 2
    assert "jsonl" in refused.stderr
    assert "--yes" in refused.stderr
    assert answered("n", "ship", "--backfill")[0] == 1
    assert len(lines_of(store.with_name("out.jsonl"))) == 1
    assert answered("y", "ship", "--backfill")[0] == 0
    assert len(lines_of(store.with_name("out.jsonl"))) == 2
    assert json.loads(run("ship", "--backfill", "--yes", "--json").stdout)["delivered"] == 1


def test_ship_needs_a_destination(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to set; a name that nobody knows is told with those that are."""
    record(store, [("a", "one")], ["jsonl"])
    unknown = run("ship", "--destination", "nowhere")
    assert (unknown.exit_code, "jsonl" in unknown.stderr) == (1, True)
    monkeypatch.delenv("THREADLINE_DESTINATIONS")
    none = run("ship")
    assert (none.exit_code, "THREADLINE_DESTINATIONS" in none.stderr) == (1, True)


def test_following_delivers_what_is_recorded_later_until_it_is_told_to_end(store: Path) -> None:
    """A shipper of its own delivers for applications that send nothing themselves."""
    file = store.with_name("out.jsonl")
    command = [sys.executable, "-m", "threadline.cli", "ship", "--follow", "--json"]
    shipper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with client_for(store, ["jsonl"], ship=False) as client:
        for number in range(3):
            say(client, [("a", f"q{number}")])
            client.flush()
            wait_for_lines(shipper, file, number + 1)
    shipper.send_signal(signal.SIGTERM)
    out, _ = shipper.communicate(timeout=30)
    assert json.loads(out) == {"delivered": 3, "pending": 0, "rejected": 0}
    assert shipper.returncode == 0


def wait_for_lines(shipper: subprocess.Popen[str], file: Path, count: int) -> None:
    """Wait until the file has so many lines; the test's own time limit ends it."""
    while not (file.exists() and len(lines_of(file)) == count):
        assert shipper.poll() is None


def test_status_tells_of_each_destination(store: Path) -> None:
    """What waits, how old the oldest is, what was put aside, and how it answers."""
    assert run("status").exit_code == 1  # there is no store yet
    record(store, [("a", "one"), ("b", "two")], ["jsonl", "scripted"])
    client = ingestion(store, Scripted(lambda items: [Rejected("no")] * len(items)))
    client.flush(5)
    client.stop(1)
    shown = [json.loads(line) for line in run("status", "--json").stdout.splitlines()]
    by_name = {line["destination"]: line for line in shown}
    assert by_name["jsonl"]["waiting"] == 2
    assert by_name["jsonl"]["oldest_s"] > 0
    assert (by_name["scripted"]["waiting"], by_name["scripted"]["put_aside"]) == (0, 2)
    told = run("status").stdout
    assert "not tried yet" in told
    assert "refused all so far" in told


def test_status_tells_of_what_killed_processes_left(store: Path) -> None:
    record(store, [("a", "zero")], ["jsonl"])
    assert "ended before" not in run("status").stderr
    record_and_die(store, store_first=True)
    assert len(waiting_journals(journal_folder(store))) == 1  # but the store has all of it
    assert "ended before" not in run("status").stderr
    record_and_die(store)
    assert "1 process ended before all was stored; `threadline ship`" in run("status").stderr
    record_and_die(store)
    assert "2 processes ended before all was stored; `threadline ship`" in run("status").stderr
    assert run("ship").exit_code == 0
    assert "ended before" not in run("status").stderr


def test_ship_tells_that_a_destination_does_not_answer(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, [("a", "one")], ["hanging"])
    hanging = Hanging()
    monkeypatch.setitem(named._OWN, "hanging", lambda _: hanging)
    left = run("ship", "--destination", "hanging", "--timeout", "0.5")
    hanging.let_go.set()
    assert left.exit_code == 3
    assert "hanging: no answer within the time that there was" in left.stderr


def test_ship_tells_why_something_is_left(store: Path) -> None:
    record(store, [("a", "one")], ["jsonl"])
    folder = store.with_name("out.jsonl")
    folder.mkdir()  # a file that cannot be written
    left = run("ship", "--timeout", "1")
    assert left.exit_code == 3
    assert "in a row" in left.stderr
    assert "the file cannot be written: Is a directory" in left.stderr
    folder.rmdir()
    assert run("ship").exit_code == 0


def test_ship_tells_that_another_process_sends(store: Path) -> None:
    record(store, [("a", "one")], ["jsonl"])
    lock = SenderLock(journal_folder(store), "jsonl")
    assert lock.take()
    left = run("ship", "--timeout", "0.1")
    lock.give_back()
    assert left.exit_code == 3
    assert "jsonl: another process is sending" in left.stderr


@pytest.mark.parametrize("command", [("retry",), ("discard", "--yes"), ("discard",)])
def test_a_mistyped_record_or_destination_is_told(store: Path, command: tuple[str, ...]) -> None:
    record(store, [("a", "one")], ["jsonl"])
    wrong = run("outbox", *command, "01a20335-808a-7b42-99bd-e408a5b2d4e7")
    assert wrong.exit_code == 1
    assert "no record 01a20335-808a-7b42-99bd-e408a5b2d4e7" in wrong.stderr
    wrong = run("outbox", *command, "--destination", "jsnol")
    assert (wrong.exit_code, "no such record for jsnol" in wrong.stderr) == (1, True)


def test_what_was_put_aside_is_listed_tried_again_and_given_up(store: Path) -> None:
    """The reason is told; the person decides."""
    record(store, [("a", "one"), ("b", "two")], ["scripted"])
    client = ingestion(store, Scripted(lambda items: [Rejected("400 too long")] * len(items)))
    client.flush(5)
    client.stop(1)
    listed = run("outbox", "list")
    assert listed.stdout.count("400 too long") == 2
    [first, _] = [json.loads(line) for line in run("outbox", "list", "--json").stdout.splitlines()]
    assert "1 record will be tried again" in run("outbox", "retry", first["id"]).stderr
    assert "1 record given up" in run("outbox", "discard", "--yes").stderr
    assert "Nothing was put aside" in run("outbox", "list").stderr
    assert first["id"] in run("outbox", "list", "--all").stdout


def test_what_waits_for_a_destination_that_is_gone_can_be_given_up(store: Path) -> None:
    """A mistyped name would queue for ever; what waits for another one stays."""
    record(store, [("a", "one"), ("b", "two")], ["jsonl", "jsnol"])
    assert run("outbox", "discard", "--waiting", "--yes").exit_code == 2
    mistyped = ("outbox", "discard", "--waiting", "--destination", "jsnol")
    asked = run(*mistyped)
    assert asked.exit_code == 2
    assert "2 records waiting for jsnol would never be delivered" in asked.stderr
    assert "confirm it with --yes" in asked.stderr
    assert "0 records given up" in run("outbox", "discard", "--yes").stderr
    assert "2 records given up" in run(*mistyped, "--yes").stderr
    assert "jsnol" not in run("status").stdout
    assert json.loads(run("ship", "--json").stdout)["delivered"] == 2


def test_reading_ships_nothing(store: Path) -> None:
    """Commands that read leave the outbox alone, also where they take in a journal."""
    record_and_die(store)
    assert run("list", "--store", str(store)).exit_code == 0
    assert not store.with_name("out.jsonl").exists()


def test_doctor_asks_each_destination(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be used is told in a sentence, and makes the command fail; nothing is written."""
    fine = run("doctor", "--json")
    found = [json.loads(line) for line in fine.stdout.splitlines()]
    [told] = [finding for finding in found if finding["topic"] == "Destinations"]
    assert (told["name"], told["tone"]) == ("jsonl", "good")
    assert not store.with_name("out.jsonl").exists()
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "otlp,nowhere")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    wrong = run("doctor", "--json")
    found = [json.loads(line) for line in wrong.stdout.splitlines()]
    notes = {f["name"]: f["note"] for f in found if f["topic"] == "Destinations"}
    assert wrong.exit_code == 1
    assert "127.0.0.1:9 cannot be reached" in notes["otlp"]
    assert "jsonl, otlp" in notes["nowhere"]


def test_a_destination_that_cannot_even_be_asked_is_a_finding(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that no system takes, and code that fails; its words are told nobody."""
    monkeypatch.setenv("THREADLINE_JSONL_PATH", str(store.parent / ("x" * 300) / "out.jsonl"))
    assert "File name too long" in what_doctor_finds("jsonl")

    class Broken(Scripted):
        def check(self, *, timeout_s: float) -> str | None:
            raise ValueError("sk-secret")

    monkeypatch.setitem(named._OWN, "broken", lambda _: Broken(name="broken"))
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "broken")
    assert what_doctor_finds("broken") == "ValueError in the destination's own code"


def what_doctor_finds(name: str) -> str:
    result = run("doctor", "--json")
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    [note] = [f["note"] for f in found if (f["topic"], f["name"]) == ("Destinations", name)]
    return note
