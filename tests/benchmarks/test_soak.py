"""A short soak: what a process holds after a thousand turns it holds after three thousand.

`python -m benchmarks soak` is the long one; docs/benchmarks.md has its figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.handlers import ours
from benchmarks.soak import soak
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage

from threadline.capture import recorder
from threadline.capture.writer_thread import WriterThread
from threadline.store import held_cache
from threadline.store.writer import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.handlers import Variant
    from langchain_core.messages import BaseMessage

    from threadline.store.rows import Rows

_ROTATE_BYTES = 200_000


@pytest.fixture
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let caches and journals reach their limits within the first thousand turns."""
    monkeypatch.setattr(held_cache, "_CACHED_MESSAGES", 1_000)
    monkeypatch.setattr(recorder, "_CACHED_DIGESTS", 500)
    monkeypatch.setattr("threadline.client.parts.ROTATE_BYTES", _ROTATE_BYTES)


@pytest.mark.usefixtures("small_caches")
def test_nothing_grows_with_the_number_of_turns(tmp_path: Path) -> None:
    """Blocks of memory, handles, threads, open runs and journals; endings of all kinds."""
    warm, *later = soak(tmp_path / "soak.db", 3_000, warm=1_000)
    assert later[-1].turns == 3_000
    assert max(mark.blocks for mark in later) < 1.05 * warm.blocks
    assert {mark.handles for mark in later} == {warm.handles}
    assert {mark.threads for mark in later} == {warm.threads}
    assert {mark.open_runs for mark in later} == {0}
    assert max(mark.journals for mark in later) <= 2
    assert max(mark.journal_bytes for mark in later) < 3 * _ROTATE_BYTES


@pytest.fixture
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tells of each transaction how many messages the conversations have that it adds to."""
    seen: list[int] = []
    commit = StoreWriter.commit

    def counted(store: StoreWriter, rows: Rows) -> None:
        seen.append(sum(held.next_position for held in rows.conversations.values()))
        commit(store, rows)

    monkeypatch.setattr(StoreWriter, "commit", counted)
    monkeypatch.setattr(WriterThread, "wake", lambda _: None)
    monkeypatch.setattr(WriterThread, "stir", lambda _: None)
    return seen


def test_turns_in_long_conversations_are_stored_a_few_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_at_once: list[int]
) -> None:
    """What a transaction reads to tell what is news does not grow with its conversations."""
    monkeypatch.setattr(held_cache, "_MESSAGES_AT_ONCE", 1_000)
    recorded = ours(tmp_path / "long.db", "ours")
    for number in range(0, 60, 5):
        _ask_in_all(recorded, range(number, number + 5), _exchange(50))
        recorded.flush()
    read_at_once.clear()
    _ask_in_all(recorded, range(60), [])
    recorded.flush()
    assert sum(read_at_once) > 60 * 100
    assert max(read_at_once) < 1_200
    recorded.close()


def _ask_in_all(recorded: Variant, threads: range, history: list[BaseMessage]) -> None:
    model = FakeListChatModel(responses=["Yes."])
    for number in threads:
        metadata = {"thread_id": f"long-{number}"}
        asked = [*history, HumanMessage("Really?")]
        model.invoke(asked, {"callbacks": recorded.callbacks, "metadata": metadata})


def _exchange(times: int) -> list[BaseMessage]:
    said = ((HumanMessage(f"{n}?"), AIMessage(f"{n}!")) for n in range(times))
    return [message for both in said for message in both]
