"""The spans of each scenario in LangChain: one tree a turn, in the order the turns began."""

from __future__ import annotations

from typing import Final

TREES: Final[dict[str, tuple[str, ...]]] = {
    "one-shot chain": (
        """
workflow RunnableSequence
  llm ScriptedModel model
""",
    ),
}
