"""A process asks a human and ends; another one resumes with what was decided."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import threadline
from threadline.model import Decision

_ROOT = Path(__file__).parents[2]


def test_a_decision_is_told_by_the_process_that_resumes(tmp_path: Path) -> None:
    """It knows from the store which call was asked about."""
    store = tmp_path / "store.db"
    for what in ("ask", "resume"):
        command = [sys.executable, "-m", "tests.integration.reviewing", store]
        subprocess.run([*command, tmp_path / "memory.db", what], cwd=_ROOT, check=True, timeout=50)
    conversation = threadline.open(store).conversation("t-1")
    assert conversation is not None
    asked, resumed = conversation.turns
    assert (asked.status, resumed.status) == ("interrupted", "ok")
    [waiting] = asked.tool_observations
    assert waiting.decision is not None
    assert (waiting.outcome, waiting.decision.kind) == ("interrupted", "awaited")
    [decided] = resumed.tool_observations
    assert (decided.outcome, decided.arguments) == ("rejected", {"a": 1, "b": 2})
    assert decided.decision == Decision(kind="reject", message="Not now.")
    assert [m.role for m in conversation.messages] == ["user", "assistant", "tool", "assistant"]
