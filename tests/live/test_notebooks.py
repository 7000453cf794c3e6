"""The notebooks whose plain model calls can be answered by a real model in place of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.notebooks.rendering import NOTEBOOKS, page_of, run
from tests.notebooks.test_notebooks import pages_in
from tests.pages.audit import audited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbformat import NotebookNode
    from tests.live.wire import Exchange, Wire

pytestmark = [
    pytest.mark.live,
]


@pytest.fixture
def tell(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], NotebookNode]:
    """Return what runs a notebook where the environment names a server with a real model."""
    monkeypatch.setenv("OPENAI_BASE_URL", wire.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_MODEL", "smollm2")

    def tell(name: str) -> NotebookNode:
        done = run(NOTEBOOKS / f"{name}.ipynb", tmp_path)
        assert {exchange.request["model"] for exchange in wire.exchanges} == {"smollm2"}
        return done

    return tell


def _printed(done: NotebookNode, stream: str) -> str:
    outputs = [out for cell in done.cells for out in cell.get("outputs", [])]
    return "".join(out.text for out in outputs if out.get("name") == stream)


def _shown_of(exchange: Exchange) -> str:
    """Return what a page says of a call: the server's own name for the model, and its counts."""
    usage = exchange.usage
    return f"{exchange.model} · {usage['prompt_tokens']} → {usage['completion_tokens']} tokens"


def test_the_first_notebook_tells_of_a_real_model(
    tell: Callable[[str], NotebookNode], wire: Wire
) -> None:
    """It runs from start to end, and its page shows the model's name and the tokens it counted."""
    done = tell("01-first-recording")
    page = page_of(NOTEBOOKS / "01-first-recording.ipynb", done)
    assert [exchange.messages[-1].text for exchange in wire.exchanges] == [
        "Are you open on Sundays?",
        "When exactly, and may I bring my dog?",
    ]
    assert [shown for shown in map(_shown_of, wire.exchanges) if shown not in page] == []
    assert "Yes: the reading room is open" not in page.partition("<h2>Talk to it</h2>")[2]


def test_the_haystack_notebook_tells_of_a_real_model(
    tell: Callable[[str], NotebookNode], wire: Wire
) -> None:
    """Whatever the model says of the dog, the story runs to its end and shows what was said."""
    done = tell("03-haystack")
    asked = [exchange.messages[-1].text.rpartition("Question: ")[2] for exchange in wire.exchanges]
    assert asked == [
        "How long may I keep a book?",
        "And what if it is late?",
        "May I bring my dog?",
        "May I bring my dog?",
    ]
    *answers, last = [exchange.text for exchange in wire.exchanges]
    printed = _printed(done, "stdout")
    assert printed.startswith("".join(f"{answer}\n" for answer in answers))
    assert f"\n{last}\n" in printed.partition(asked[-1])[2]
    assert _printed(done, "stderr") == ""
    pages = pages_in(done)
    assert [wrong for page in pages for wrong in audited(page).wrong] == []
    shown = map(_shown_of, wire.exchanges[: len(answers)])
    assert [one for one in shown if one not in pages[0]] == []
