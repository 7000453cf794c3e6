"""Budgets of work inside Haystack's hooks, counted and not timed; see `test_work_budget.py`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.haystack_cost import AgentTurn, RagTurn, Way, our_way
from tests.benchmarks.counting import Counting

from threadline.capture.guard import hook_failures
from threadline.capture.writer_thread import WriterThread
from threadline.haystack import tracer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

_WARM_UP = 5
_TURNS = 10

LIMITS = {
    "H1 calls": 2_200,  # 1,700: 7 spans, 44 look-ups of replayed messages
    "H1 encodes": 43,  # 33: 10 events, 10 payloads, new bodies and arguments
    "H1 journal bytes": 7_600,  # 5,870: 3.4 kB of new text, the rest 14 starts and ends
    "H2 calls": 1_430,  # 1,100: 5 spans
    "H2 encodes": 25,  # 19: 6 events, 6 payloads, new bodies
    "H2 journal bytes": 4_800,  # 3,670: 2.2 kB of new text, the rest 10 starts and ends
}

# What Haystack calls of ours while it works.
_DOORS = (
    (tracer.ThreadlineTracer, "trace"),
    (tracer.ThreadlineTracer, "current_span"),
    (tracer._Tracing, "__enter__"),
    (tracer._Tracing, "__exit__"),
    (tracer.ThreadlineSpan, "set_tag"),
    (tracer.ThreadlineSpan, "set_content_tag"),
)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """A tracer on a store on disk, whose writer works only when it is asked to flush."""
    monkeypatch.setattr(WriterThread, "wake", lambda _: None)
    monkeypatch.setattr(hook_failures, "reraise", True)
    monkeypatch.setattr("threadline.store.journal.appender", lambda: os.write)  # told by its name
    way = our_way(tmp_path / "store.db")
    yield way
    way.close()


def _run(case: Any, way: Way, *, first: int, turns: int) -> None:
    for given in case.prepare(first, turns):
        case.run(given, way)


def _count(case: Any, way: Way, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what the hooks do in a turn of `case`, on average, once everything is warm."""
    _run(case, way, first=0, turns=_WARM_UP)
    hooks = Counting()
    with monkeypatch.context() as counted:
        for owner, name in _DOORS:
            counted.setattr(owner, name, hooks.counted(name, getattr(owner, name)))
        _run(case, way, first=_WARM_UP, turns=_TURNS)
    return hooks.per_run(_TURNS)


def test_hooks_of_an_agent_turn(recorded: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """H1: one write an event; what is replayed costs a look-up, steps go with other events."""
    counts = _count(AgentTurn(), recorded, monkeypatch)
    assert 1 < counts["writes"] <= 10, "one write an event: a run or an event more than there was"
    assert counts["encodes"] <= LIMITS["H1 encodes"]
    assert counts["calls"] <= LIMITS["H1 calls"]


def test_hooks_of_a_pipeline_turn(recorded: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """H2: retriever, prompt, model and answer, of which two bring no words of their own."""
    counts = _count(RagTurn(), recorded, monkeypatch)
    assert 1 < counts["writes"] <= 6, "one write an event: a run or an event more than there was"
    assert counts["encodes"] <= LIMITS["H2 encodes"]
    assert counts["calls"] <= LIMITS["H2 calls"]


@pytest.mark.parametrize("case", [AgentTurn, RagTurn], ids=["H1", "H2"])
def test_bytes_journaled_for_a_turn(case: Any, recorded: Way, tmp_path: Path) -> None:
    """What is replayed costs a reference; only what is new is written, once."""
    played = case()
    _run(played, recorded, first=10, turns=_WARM_UP)
    before = _journal_bytes(tmp_path)
    _run(played, recorded, first=10 + _WARM_UP, turns=_TURNS)
    written = (_journal_bytes(tmp_path) - before) / _TURNS
    assert 0 < written <= LIMITS[f"{case.name} journal bytes"]


def _journal_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.journal"))
