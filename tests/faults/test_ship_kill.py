"""P4: a sender that is killed at any moment neither loses a record nor delivers one twice."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.faults.loopbacks import ContextLoopback, FreeplayLoopback
from tests.shipping import lines_of

PROGRAM = Path(__file__).with_name("killed_shipper.py")
ROOT = Path(__file__).parents[2]
KILLS = 200


def test_two_hundred_kills_leave_each_record_once_and_in_order(tmp_path: Path) -> None:
    """Each line is whole; each turn stands once in the files, those of a conversation in order."""
    file = tmp_path / "out.jsonl"
    recorded, _ = _killed(tmp_path / "chat.db", "jsonl", str(file))
    older = sorted(tmp_path.glob("out.jsonl.*"), key=_age, reverse=True)
    lines = lines_of(*older, file)
    assert len(lines) == recorded
    assert max(Counter(line["id"] for line in lines).values()) == 1
    for thread_id in ("t0", "t1", "t2", "t3"):
        asked = [_asked(line) for line in lines if line["conversation"]["thread_id"] == thread_id]
        assert asked == sorted(asked)


def test_two_hundred_kills_leave_each_turn_once_where_nothing_is_idempotent(
    tmp_path: Path,
) -> None:
    """What a dead sender left on the wire is found at the server, and not sent again."""
    with ContextLoopback(tmp_path) as server:
        recorded, uncertain = _killed(tmp_path / "chat.db", "context", str(server.port))
        told = server.entries()
    assert uncertain > 3
    assert len(told) == 2 * recorded
    assert max(Counter((thread, entry["message"]) for thread, entry in told).values()) == 1
    for thread_id in {thread for thread, _ in told}:
        said = [entry["message"] for thread, entry in told if thread == thread_id]
        assert said == sorted(said)


def test_two_hundred_kills_leave_each_object_at_freeplay_under_one_id(tmp_path: Path) -> None:
    """What came twice is the same object again; turns of a session came in their order."""
    with FreeplayLoopback(tmp_path) as server:
        recorded, _ = _killed(tmp_path / "chat.db", "freeplay", str(server.port))
        came = server.objects()
    kinds = Counter(_kind(body) for body, *_ in came.values())
    assert kinds == {"completion": 2 * recorded, "tool": recorded, "turn": recorded}
    assert sum(len(repeats) for _, *repeats in came.values()) > 10
    assert all(body == again for body, *repeats in came.values() for again in repeats)
    for thread_id in ("t0", "t1", "t2", "t3"):
        asked = [q for thread, q in dict.fromkeys(server.questions()) if thread == thread_id]
        assert asked == sorted(asked)
        assert len(asked) == recorded / 4


def _killed(store: Path, *where: str) -> tuple[int, int]:
    """Run the program; returns how many turns were recorded, and how often nobody knew."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(store), *where, str(KILLS), "7"],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    recorded, uncertain = map(int, done.stdout.split())
    return recorded, uncertain


def _kind(body: dict) -> str:
    return "completion" if "messages" in body else body.get("kind", "turn")


def _age(path: Path) -> int:
    return int(re.sub(r".*\.", "", path.name))


def _asked(line: dict) -> str:
    return line["record"]["messages"][0]["parts"][0]["content"]
