"""Several things at once, each in a lane that is its own meanwhile."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from threadline.ingest.lanes import at_once


def test_as_many_are_done_at_once_as_there_are_lanes() -> None:
    """Tasks that wait for one another come to an end, in lanes of their own."""
    together = threading.Barrier(4, timeout=20)
    lanes: list[int] = []

    def task(lane: int) -> None:
        together.wait()
        lanes.append(lane)

    at_once([task] * 8, 4)
    assert set(lanes) == {0, 1, 2, 3}
    assert len(lanes) == 8


def test_no_two_tasks_are_in_one_lane_at_a_time() -> None:
    """What a lane has, such as a connection, is nobody else's meanwhile."""
    inside: Counter[int] = Counter()
    most: list[int] = []

    def task(lane: int) -> None:
        inside[lane] += 1
        most.append(inside[lane])
        inside[lane] -= 1

    at_once([task] * 500, 8)
    assert most == [1] * 500


def test_what_a_task_raises_is_raised() -> None:
    """In whatever lane; nothing is printed by a thread, and nothing more is begun."""

    def fail(_lane: int) -> None:
        raise KeyError("x")

    done: list[int] = []
    with pytest.raises(KeyError):
        at_once([fail, *[done.append] * 50], 1)
    with pytest.raises(KeyError):
        at_once([fail] * 8, 4)
    assert done == []


def test_without_threads_all_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of an interpreter none can be started."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done: list[int] = []
    at_once([done.append] * 5, 4)
    assert done == [0] * 5
