"""What a trace shows in full: all that a model was sent and said, all that was looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.fake_store import FakeStore
from tests.samples import all_samples

import threadline
from threadline.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeStore(tmp_path / "shop.db", *all_samples())
    monkeypatch.setattr(threadline, "open", lambda _path=None: fake, raising=False)


def show(*arguments: str) -> str:
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["show", *arguments]).stdout


def test_a_full_trace_tells_what_a_model_was_sent_and_said() -> None:
    lines = show("trip-0412", "--trace", "--full").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("  └─ ChatOpenAI"))
    told = [line for line in lines[start + 1 :] if line.startswith("       ")]
    assert told[-19:] == [
        "       parameters  temperature=0.2",
        "       tools  weather(city, days), refund()",
        "       prompt travel · version 3",
        '         city="Paris"',
        "       sent system",
        "         Be kind.",
        "         Be brief.",
        "       sent user",
        "         Which is drier tomorrow, Paris or Rome?",
        "       sent assistant",
        "         thought: Two calls.",
        '         weather(city="Paris", days=2)  call_1',
        '         weather(city="Rome", days=2)  call_2',
        "       sent tool · answers call_1",
        "         rain, 11 °C",
        "       sent tool · answers call_2",
        "         failed: late",
        "       said assistant",
        "         Paris will be wet.",
    ]


def test_a_full_trace_tells_arguments_results_queries_and_documents() -> None:
    trip = show("trip-0412", "--trace", "--full")
    assert '│  │    arguments  city="Paris", days=2\n' in trip
    assert "│  │    result  rain, 11 °C\n" in trip
    library = show("library-5", "--trace", "--full")
    assert "│    query  reading room opening hours Sunday\n" in library
    assert library.count(". The reading room opens at ten.\n") == 7
    assert '(title="Opening hours, branch 1")' in library
    assert library.count("sent  (nothing recorded)\n") == 2


def test_a_trace_that_is_not_full_tells_none_of_it() -> None:
    assert "sent" not in show("trip-0412", "--trace")
    assert "reading room opens" not in show("library-5", "--trace")


def test_a_full_chat_shows_every_document_whole() -> None:
    shown = show("library-5", "--full")
    assert all(f"\n      Section {n}. The reading room opens" in shown for n in range(1, 8))
    assert "\n    0.80 doc-2\n      Section 2." in shown
    assert "Section 1." not in show("library-5")
