"""The demo with Haystack, as a user meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

import threadline
from threadline.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_shows_and_keeps_what_was_said(tmp_path: Path) -> None:
    """Two turns with a tool are shown, and stand in the store."""
    path = tmp_path / "demo.db"
    result = CliRunner().invoke(app, ["demo", "--haystack", "--store", str(path)])
    assert result.exit_code == 0, result.output
    assert "opening_hours(" in result.output
    assert "It opens at ten and closes at six." in result.output
    with threadline.open(path) as store:
        [summary] = store.conversations()
        conversation = store.conversation(summary.thread_id)
    assert conversation is not None
    assert [turn.output for turn in conversation.turns] == [
        "It opens at ten and closes at six.",
        "Yes, every Sunday but the first of January.",
    ]
    [observation] = conversation.turns[0].tool_observations
    assert (observation.name, observation.outcome) == ("opening_hours", "ok")
