"""Every notebook runs from start to end in a real kernel, offline, and ends in something to see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient
from tests.pages.audit import audited

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def run(path: Path, folder: Path) -> NotebookNode:
    """Run a notebook in a kernel of its own and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def pages_in(notebook: NotebookNode) -> list[str]:
    """Return what was displayed as HTML by records of Threadline."""
    shown = [out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", [])]
    return [
        data["text/html"] for data in shown if 'class="threadline"' in data.get("text/html", "")
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # of the kernel's client, which is not ours
def test_a_notebook_runs_from_start_to_end(path: Path, tmp_path: Path) -> None:
    """No cell fails or talks on stderr, and records show themselves."""
    done = run(path, tmp_path)
    talk = [
        out.text
        for cell in done.cells
        for out in cell.get("outputs", [])
        if out.output_type == "stream" and out.name == "stderr"
    ]
    assert talk == []
    pages = pages_in(done)
    assert len(pages) >= 3
    assert [wrong for page in pages for wrong in audited(page).wrong] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    """Outputs belong to whoever runs it; the first words say what it shows and why."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
    assert notebook.cells[0].cell_type == "markdown"
    assert len(notebook.cells[0].source.split()) > 40


def test_there_are_notebooks() -> None:
    """An empty folder proves nothing."""
    assert NOTEBOOKS
