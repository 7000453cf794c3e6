"""Figures add up to what the turns themselves say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from benchmarks.million_store import END, SECOND, make_store
from tests.stored import START, Stored

import threadline
from threadline.model import Status
from threadline.store.reader import FileDatabase, Reader

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400 * SECOND


def test_figures_are_those_of_the_turns(tmp_path: Path) -> None:
    """In each stretch: turns, failures, durations, tokens by model, tool calls and failures."""
    path = tmp_path / "made.db"
    make_store(path, 600)
    reader = Reader(FileDatabase(path), path)
    figures = reader.figures(first_ns=END - 130 * DAY, length_ns=10 * DAY, count=14)
    turns = reader.turns(limit=600)
    for bucket in figures.buckets:
        own = [t for t in turns if bucket.start_ns <= t.started_ns < bucket.start_ns + 10 * DAY]
        assert bucket.turns == len(own)
        assert bucket.failed == sum(t.status is Status.ERROR for t in own)
        assert bucket.durations_ns == tuple(sorted(t.duration_ns or 0 for t in own))
        models = Counter[str]()
        for turn in own:
            for call in turn.llm_calls:
                models[call.model or ""] += call.usage.input_tokens or 0 if call.usage else 0
        assert {m: u.input_tokens for m, u in bucket.tokens.items()} == dict(models)
        observed = [seen for turn in own for seen in turn.tool_observations]
        assert bucket.tool_calls == len(observed)
        assert bucket.tool_failures == sum(seen.outcome == "error" for seen in observed)
        rated = [r.value or 0 for turn in own for r in turn.ratings]
        assert bucket.liked + bucket.disliked == len(rated)
    assert sum(bucket.turns for bucket in figures.buckets) == 600


@pytest.mark.parametrize("others", [False, True], ids=["one tenant", "several"])
def test_figures_are_those_of_one_tenant(tmp_path: Path, *, others: bool) -> None:
    """What other tenants do is not told; side calls are no turns, but their tokens are taken."""
    stored = Stored(tmp_path / "s.db")
    stored.turn("t-1", ("user", "Hi"), at=10)
    stored.span(0, "llm", model="m", input_tokens=5, output_tokens=7)
    stored.turn("t-1", ("user", "A title"), at=20, kind="trace")
    stored.span(0, "llm", model="m", input_tokens=1, output_tokens=1)
    stored.turn("t-1", ("user", "Long"), at=30, status="running")
    if others:
        stored.turn("t-1", ("user", "Secret"), at=10, tenant="other")
        stored.span(0, "llm", model="secret", input_tokens=9, output_tokens=9)
    stored.close()
    [bucket] = stored.reader().figures(first_ns=START, length_ns=DAY, count=1).buckets
    assert (bucket.turns, bucket.failed, bucket.unfinished) == (2, 0, 1)
    assert list(bucket.tokens) == ["m"]
    assert (bucket.input_tokens, bucket.output_tokens) == (6, 8)


def test_who_judges_again_counts_once(tmp_path: Path) -> None:
    """Of one person's thumbs for one turn the newest counts, as in the filters."""
    with threadline.Client(store=tmp_path / "s.db", min_free_bytes=0) as client:
        with threadline.turn(thread_id="t-1", input="Hi", client=client) as turn:
            turn.output = "Hello"
        client.flush()
        began = client.reader().began_ns() or 0
        for value, user_id in ((1, "u-1"), (1, "u-1"), (-1, "u-1"), (1, "u-2")):
            threadline.rate(value, turn_id=turn.id, thread_id="t-1", user_id=user_id, client=client)
        client.flush()
        [bucket] = client.reader().figures(first_ns=began, length_ns=DAY, count=1).buckets
    assert (bucket.liked, bucket.disliked) == (1, 1)
