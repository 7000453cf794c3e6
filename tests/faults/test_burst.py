"""More turns than the store can take in at once: memory stays, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from tests.shipping import client_for, lines_of, say

import threadline
from threadline.capture import backlog
from threadline.clock import SystemClock
from threadline.destinations import JsonLines
from threadline.ingest.shipping import open_outbox, ship_once, shipper

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 3_000, 20_000
MOST_GROWTH_KB = 30_000
"""Caches that fill, and pieces; 17,000 turns that wait in memory take some 50 MB."""


def burst(store: Path, turns: int) -> dict[str, int]:
    program = [sys.executable, "-m", "tests.faults.bursting_application", str(store), str(turns)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    told: dict[str, int] = json.loads(done.stdout)
    assert told["stored"] == turns, done.stderr
    return told


def turns_in(path: Path) -> int:
    with threadline.open(path) as store:
        return sum(summary.turn_count for summary in store.conversations(limit=10_000))


@pytest.mark.timeout(180)
def test_memory_does_not_grow_with_what_waits(tmp_path: Path) -> None:
    """20,000 quick turns while the destination is down take hardly more than 3,000 of them."""
    few = burst(tmp_path / "few.db", FEW)
    many = burst(tmp_path / "many.db", MANY)
    assert many["recorded_kb"] - few["recorded_kb"] < MOST_GROWTH_KB
    assert many["settled_kb"] - few["settled_kb"] < MOST_GROWTH_KB


@pytest.mark.timeout(240)
def test_all_arrive_when_the_destination_is_back(tmp_path: Path) -> None:
    """Each once, and in order within each conversation."""
    path, file = tmp_path / "chat.db", tmp_path / "out.jsonl"
    burst(path, MANY)
    outbox, back = open_outbox(path, SystemClock()), JsonLines(file, name="out")
    client = shipper(outbox, [back], path=path, clock=SystemClock())
    assert ship_once(client, 150.0) == (MANY, 0, 0)
    asked: dict[str, list[int]] = {}
    for line in lines_of(file):
        words = line["record"]["messages"][0]["parts"][0]["content"]
        asked.setdefault(line["conversation"]["thread_id"], []).append(int(words.split()[1]))
    assert sum(map(len, asked.values())) == MANY
    assert all(numbers == sorted(numbers) for numbers in asked.values())


def test_what_waits_on_disk_alone_is_stored_whole_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that record while the writer is held: every turn is there, with all it said."""
    monkeypatch.setattr(backlog, "MOST_IN_MEMORY", 10)
    with client_for(tmp_path / "chat.db", []) as client:
        say(client, [("first", "one")])
        talks = [
            threading.Thread(target=say, args=(client, [(f"t-{n}", f"q {i}") for i in range(50)]))
            for n in range(4)
        ]
        for talk in talks:
            talk.start()
        for talk in talks:
            talk.join()
        report = client.flush(timeout=50.0)
        assert (report.stored, report.pending, report.dropped) == (201, 0, {})
        with client.reader() as reader:
            for n in range(4):
                told = reader.conversation(f"t-{n}")
                assert told is not None
                assert [turn.input for turn in told.turns] == [f"q {i}" for i in range(50)]
                assert all(turn.output for turn in told.turns)


def test_a_burst_goes_on_in_one_file_until_all_of_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file for every few events would cost more than what it spares."""
    monkeypatch.setattr(backlog, "MOST_IN_MEMORY", 10)
    with client_for(tmp_path / "chat.db", []) as client:
        say(client, [("t-1", "one")])
        keeper = client._started().keeper
        with client._started().writer.working:
            ask(client, 6)  # more events than may wait, whatever became of the first turn's
            files = set()
            for _ in range(20):
                keeper.mind_the_backlog(client.recorder)
                ask(client, 3)
                files.add(client.recorder.journal)
        assert len(files) == 1
        assert client.flush(timeout=50.0).stored == 67
        keeper.mind_the_backlog(client.recorder)
        assert not client.recorder.journal.spills


def test_what_there_is_no_time_for_at_the_end_is_left_to_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exit is not held up by a long backlog; its journals are taken in later."""
    monkeypatch.setattr(backlog, "MOST_IN_MEMORY", 10)
    path = tmp_path / "chat.db"
    client = client_for(path, [])
    say(client, [("t-1", "one")])
    with client._started().writer.working:  # nothing is taken while the burst comes
        ask(client, 6)  # more events than may wait, whatever became of the first turn's
        client._started().keeper.mind_the_backlog(client.recorder)
        ask(client, 300)
    report = client.close(0.0)
    assert report.stored + report.pending == 307
    assert report.pending > 0
    assert turns_in(path) == 307


def ask(client: threadline.Client, count: int) -> None:
    """Record turns on a thread of their own: the writer's lock lets its owner in."""
    recording = threading.Thread(target=say, args=(client, [("t-1", f"{n}") for n in range(count)]))
    recording.start()
    recording.join()
