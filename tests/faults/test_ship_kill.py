"""P4: a sender that is killed at any moment neither loses a record nor delivers one twice."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.shipping import lines_of

PROGRAM = Path(__file__).with_name("killed_shipper.py")
ROOT = Path(__file__).parents[2]
KILLS = 200


def test_two_hundred_kills_leave_each_record_once_and_in_order(tmp_path: Path) -> None:
    """Each line is whole; each turn stands once in the files, those of a conversation in order."""
    file = tmp_path / "out.jsonl"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "chat.db"), str(file), str(KILLS), "7"],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    recorded = int(done.stdout)
    older = sorted(tmp_path.glob("out.jsonl.*"), key=_age, reverse=True)
    lines = lines_of(*older, file)
    assert len(lines) == recorded
    assert max(Counter(line["id"] for line in lines).values()) == 1
    for thread_id in ("t0", "t1", "t2", "t3"):
        asked = [_asked(line) for line in lines if line["conversation"]["thread_id"] == thread_id]
        assert asked == sorted(asked)


def _age(path: Path) -> int:
    return int(re.sub(r".*\.", "", path.name))


def _asked(line: dict) -> str:
    return line["record"]["messages"][0]["parts"][0]["content"]
