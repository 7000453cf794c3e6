"""P7: a disk that is full costs the application nothing; what is lost is counted, and said once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.starving_application import TALKS
from tests.mounting import MOUNT, can_mount

PROGRAM = Path(__file__).with_name("starving_application.py")


def starve(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_counted(outcome: dict) -> None:
    """At each stage every turn is stored, waits, or is counted as lost."""
    for stage, said in (("starved", TALKS), ("fed", TALKS), ("closed", TALKS + 1)):
        report = outcome[stage]
        lost = sum(report["dropped"].values())
        assert report["stored"] + report["pending"] + lost == said, outcome
    assert outcome["starved"]["pending"] > 0, "the disk was never full"


def check_nothing_lost(outcome: dict) -> None:
    """Once there is room, what waited comes."""
    check_counted(outcome)
    assert outcome["fed"] == {"stored": TALKS, "pending": 0, "dropped": {}}
    assert outcome["closed"] == {"stored": TALKS + 1, "pending": 0, "dropped": {}}
    assert outcome["found"] == list(range(TALKS + 1))
    assert said_by(outcome) == [
        "threadline: the journal cannot be written",
        "threadline: the store cannot be written",
    ]


def said_by(outcome: dict) -> list[str]:
    return sorted(line.split(";")[0] for line in outcome["lines"])


def test_files_that_may_not_grow_lose_nothing(tmp_path: Path) -> None:
    """A limit on the size of files, which every user can set, stands for a disk that is full."""
    outcome = starve([sys.executable, str(PROGRAM), "limited", str(tmp_path / "a.db")])
    check_nothing_lost(outcome)


def starve_on_disk(folder: Path, size: str) -> dict:
    """Talk on a file system that has 300 kB left, then none, then what a filler took."""
    script = f'mount -t tmpfs -o size={size} tmpfs {folder} && exec "$@"'
    program = [sys.executable, str(PROGRAM), "full", str(folder / "a.db")]
    return starve([*MOUNT, "sh", "-c", script, "sh", *program])


@pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here")
def test_a_full_disk_that_is_cleared_loses_nothing(tmp_path: Path) -> None:
    """What was said while it was full is in memory, and arrives."""
    check_nothing_lost(starve_on_disk(tmp_path, "20m"))


@pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here")
def test_what_a_full_disk_costs_is_counted_and_said_once(tmp_path: Path) -> None:
    """The disk stays too small to the end: some turns are in a journal, the others are lost."""
    outcome = starve_on_disk(tmp_path, "2m")
    check_counted(outcome)
    assert outcome["closed"]["dropped"]
    assert said_by(outcome) == [
        "threadline: the journal cannot be written",
        "threadline: the store cannot be written",
        "threadline: the store could not be written until the end",
    ]
