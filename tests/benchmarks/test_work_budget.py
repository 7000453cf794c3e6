"""Budgets of work, counted and not timed, so that a busy machine changes nothing.

Each limit is about 1.3 times what was counted when it was set (the number behind it). A change that
goes over one costs every user in every turn: make it cheaper, or raise the limit with the reason.
"""

from __future__ import annotations

import os
import sqlite3
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.cases import AgentTurn, Batch, Case, Stream
from benchmarks.handlers import HOOKS, Variant, ours
from benchmarks.storage import store_conversations
from tests.benchmarks.counting import Counting

from threadline.capture.guard import hook_failures
from threadline.capture.writer_thread import WriterThread

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

_WARM_UP = 5
_TURNS = 10

LIMITS = {
    # Calls of Python and of C inside hooks: the work that does not show as a write or an encoding.
    "L1 calls": 2_700,  # 2,160: 18 hooks, 72 look-ups of replayed messages
    "L2 calls": 1_580,  # 1,220: 9 hooks and 100 tokens
    "L3 calls": 700,  # 545: 8 hooks
    "calls a token": 10,  # 8.4: the hook, its wrapper's two, one look-up, and the text kept
    "L1 encodes": 43,  # 33: 10 events, 10 payloads, new bodies, metadata and arguments
    # Words that are sealed twice, or in vain first, are encodings more: the text that a parser
    # returns is of a class of langchain-core's own, which msgspec refuses.
    "L2 encodes": 18,  # 16
    "L3 encodes": 14,  # 13
    "L1 journal bytes": 11_300,  # 8,690: 4.6 kB of new text, the rest 18 events
    # SQLite's calls. A kind of row more is a statement more; rows go together in powers of two.
    "statements, one turn": 15,  # 12: 3 before, 6 tables of which two take two, COMMIT
    "statements, ten turns": 23,  # 18
    # The design's own limit, and no margin above it.
    "bytes stored": 2.0,
}


class _CountedHooks(Counting):
    """Counts what Python calls, and what it asks of C, while a hook of the handler runs."""

    def __init__(self, handler: Any) -> None:
        super().__init__()
        for name in HOOKS:
            setattr(handler, name, self.counted(name, getattr(handler, name)))


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Variant]:
    """A handler on a store on disk, whose writer works only when it is asked to flush."""
    monkeypatch.setattr(WriterThread, "wake", lambda _: None)
    monkeypatch.setattr(hook_failures, "reraise", True)
    monkeypatch.setattr("threadline.store.journal.appender", lambda: os.write)  # told by its name
    variant = ours(tmp_path / "store.db", "ours")
    yield variant
    variant.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that any connection runs from now on."""
    ran: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(ran.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return ran


def _run(case: Case, variant: Variant, *, first: int, turns: int) -> None:
    for given in case.prepare(first, turns):
        case.run(given, variant)


def _count(case: Case, variant: Variant) -> Counter[str]:
    """Count what the hooks do in a turn of `case`, on average, once everything is warm."""
    _run(case, variant, first=0, turns=_WARM_UP)
    hooks = _CountedHooks(variant.handler)
    _run(case, variant, first=_WARM_UP, turns=_TURNS)
    return hooks.per_run(_TURNS * case.runs_per_turn)


def test_hooks_of_an_agent_turn(recorded: Variant) -> None:
    """L1: 10 events (what steps say goes with the next), one write each, encoded once."""
    counts = _count(AgentTurn(), recorded)
    assert 1 < counts["writes"] <= 10, "one write an event: a run or an event more than there was"
    assert counts["encodes"] <= LIMITS["L1 encodes"]
    assert counts["calls"] <= LIMITS["L1 calls"]


def test_hooks_of_a_stream(recorded: Variant) -> None:
    """L2: five events for the whole stream, and next to nothing for each token."""
    counts = _count(Stream(), recorded)
    assert counts["on_llm_new_token"] >= 100
    assert 1 < counts["writes"] <= 5, "one write an event, none for a token but the first"
    assert 1 < counts["encodes"] <= LIMITS["L2 encodes"]
    assert counts["calls"] <= LIMITS["L2 calls"]


def test_hooks_of_a_token(recorded: Variant) -> None:
    """A token after the first is one look-up."""
    case = Stream()
    _run(case, recorded, first=0, turns=_WARM_UP)
    hooks = _CountedHooks(recorded.handler)
    for name in set(HOOKS) - {"on_llm_new_token"}:
        delattr(recorded.handler, name)
    _run(case, recorded, first=_WARM_UP, turns=_TURNS)
    per_token = hooks.counts["calls"] / hooks.counts["on_llm_new_token"]
    assert per_token <= LIMITS["calls a token"]


def test_hooks_of_a_batch(recorded: Variant) -> None:
    """L3: four events a run."""
    counts = _count(Batch(), recorded)
    assert counts["writes"] <= 4
    assert 1 < counts["encodes"] <= LIMITS["L3 encodes"]
    assert counts["calls"] <= LIMITS["L3 calls"]


def test_bytes_journaled_for_an_agent_turn(recorded: Variant, tmp_path: Path) -> None:
    """L1: what is replayed costs a reference; only what is new is written, once."""
    case = AgentTurn()
    _run(case, recorded, first=10, turns=_WARM_UP)
    before = _journal_bytes(tmp_path)
    _run(case, recorded, first=10 + _WARM_UP, turns=_TURNS)
    assert (_journal_bytes(tmp_path) - before) / _TURNS <= LIMITS["L1 journal bytes"]


def test_statements_of_one_turn(recorded: Variant, statements: list[str]) -> None:
    """Each call of SQLite gives up the GIL: with busy threads few calls matter more than speed."""
    case = AgentTurn()
    _run(case, recorded, first=0, turns=_WARM_UP)
    recorded.flush()
    statements.clear()
    _run(case, recorded, first=_WARM_UP, turns=1)
    recorded.flush()
    assert len(statements) <= LIMITS["statements, one turn"], "\n".join(s[:90] for s in statements)


def test_statements_of_a_group(recorded: Variant, statements: list[str]) -> None:
    """A group of turns is one transaction with statements of many rows."""
    case = AgentTurn()
    _run(case, recorded, first=0, turns=_WARM_UP)
    recorded.flush()
    statements.clear()
    _run(case, recorded, first=_WARM_UP, turns=_TURNS)
    recorded.flush()
    commits = [statement for statement in statements if statement == "COMMIT"]
    assert len(commits) == 1
    assert len(statements) <= LIMITS["statements, ten turns"]


def test_bytes_stored(tmp_path: Path) -> None:
    """200 turns of 400-character messages, their history replayed: bytes over what was said.

    Random ids split pages of their indexes otherwise each time, which is one page in three hundred;
    so the median of three stores is judged.
    """
    ratios: dict[str, list[float]] = {}
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        for stored in store_conversations(tmp_path / str(number), 200):
            ratios.setdefault(stored.title, []).append(stored.ratio)
    medians = {title: median(three) for title, three in ratios.items()}
    assert max(medians.values()) <= LIMITS["bytes stored"], ratios


def _journal_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.journal"))
