"""Every notebook runs from start to end in a real kernel, offline, and ends in something to see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from tests.notebooks.rendering import MARK, NOTEBOOKS, PAGES, digest_of, run
from tests.pages.audit import audited

import threadline

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

STORIES = sorted(NOTEBOOKS.glob("*.ipynb"))
_FONTS = "Matplotlib is building the font cache; this may take a moment.\n"  # once on a machine


def pages_in(notebook: NotebookNode) -> list[str]:
    """Return what was displayed as HTML by records of Threadline."""
    shown = [out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", [])]
    return [
        data["text/html"] for data in shown if 'class="threadline"' in data.get("text/html", "")
    ]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_notebook_runs_from_start_to_end(path: Path, tmp_path: Path) -> None:
    """No cell fails or talks on stderr, and records show themselves."""
    done = run(path, tmp_path)
    talk = [
        out.text
        for cell in done.cells
        for out in cell.get("outputs", [])
        if out.output_type == "stream" and out.name == "stderr"
    ]
    assert [said for said in talk if said != _FONTS] == []
    pages = pages_in(done)
    assert len(pages) >= 3
    assert [wrong for page in pages for wrong in audited(page).wrong] == []


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    """Outputs belong to whoever runs it; the first words say what it shows and why."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
    assert notebook.cells[0].cell_type == "markdown"
    assert len(notebook.cells[0].source.split()) > 40


def test_there_are_notebooks() -> None:
    """An empty folder proves nothing."""
    assert len(STORIES) >= 4


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_docs_have_a_copy_of_the_notebook_as_it_is(path: Path) -> None:
    """Its page was made of these very cells: `python -m tests.notebooks.rendering` makes it."""
    page = (PAGES / f"{path.stem}.html").read_text()
    assert f'<meta name="{MARK}" content="{digest_of(path)}">' in page
    assert "<script" not in page
    assert re.findall(r' (?:src|href)="(?!data:|#|https?://|mailto:)[^"]+', page) == []
    assert re.findall(r"<(?:img|link|iframe)[^>]+https?://", page) == []


def test_the_docs_have_no_copy_of_a_notebook_that_is_gone() -> None:
    """Each page belongs to a notebook."""
    assert {page.stem for page in PAGES.glob("*.html")} == {path.stem for path in STORIES}


_CELLS = (
    """
    import threadline
    client = threadline.configure(store="store.db")
    threadline.attach("langchain")
    """,
    """
    from langchain_core.language_models import FakeListChatModel
    from threadline.langchain import ThreadlineCallbackHandler, config
    model = FakeListChatModel(responses=["From nine."])
    handler = ThreadlineCallbackHandler()
    model.invoke("When?", config(thread_id="asked"))
    model.invoke("When?", {"callbacks": [handler], "metadata": {"thread_id": "handled"}})
    """,
    """
    told = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    threadline.log(told, thread_id="logged", at="2024-05-02T18:00:00Z")
    threadline.open().conversation("asked")
    """,
)


def test_running_a_cell_again_doubles_nothing(tmp_path: Path) -> None:
    """What was set up twice records once; what is asked twice is two turns; a backfill is one."""
    cells = [new_code_cell("\n".join(map(str.strip, source.splitlines()))) for source in _CELLS]
    again = [cell for cell in cells for _ in range(3)]
    notebook = new_notebook(cells=[new_code_cell(cell.source) for cell in (*again, *cells)])
    resources = {"metadata": {"path": str(tmp_path)}}
    done = NotebookClient(notebook, timeout=60, resources=resources).execute()
    assert len(pages_in(done)) == 4
    with threadline.open(tmp_path / "store.db") as store:
        turns = {one.thread_id: one.turn_count for one in store.conversations()}
    assert turns == {"asked": 4, "handled": 4, "logged": 1}
