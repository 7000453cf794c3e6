"""The first notebook with a real model in the place of the scripted one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.notebooks.rendering import NOTEBOOKS, page_of, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live


@pytest.mark.filterwarnings("default")  # of the kernel's client, which is not ours
def test_the_first_notebook_tells_of_a_real_model(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs from start to end, and its page shows the model's name and the tokens it counted."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    path = NOTEBOOKS / "01-first-recording.ipynb"
    page = page_of(path, run(path, tmp_path))
    assert "tokens" in page
    assert "Are you open on Sundays?" in page
    assert "Yes: the reading room is open" not in page.partition("<h2>Talk to it</h2>")[2]
