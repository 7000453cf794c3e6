"""The spans of each scenario in which an application goes back, in LangChain."""

from __future__ import annotations

from typing import Final

_GRAPH: Final = """
workflow LangGraph
  step answer
    llm ScriptedModel model
"""
_ASKING: Final = """
workflow LangGraph
  step ask
    llm ScriptedModel model
"""
_MODEL: Final = """
llm ScriptedModel model
"""
_CHAIN: Final = """
workflow RunnableSequence
  llm ScriptedModel model
"""

BRANCH_TREES: Final[dict[str, tuple[str, ...]]] = {
    "answer that is made again": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "question that is edited": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "first question that is edited": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "other question behind an earlier answer": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "answer of a held history that is made again": (
        _MODEL,
        _MODEL,
        _MODEL,
    ),
    "question of a held history that is edited": (
        _MODEL,
        _MODEL,
        _MODEL,
    ),
    "message that is sent again with other words": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "answer to a question that is taken back": (
        """
workflow LangGraph
  step ask [interrupted]
""",
        _ASKING,
        _ASKING,
    ),
    "branch that is left again": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "checkpoint that is the newest": (
        _GRAPH,
        _GRAPH,
    ),
    "two questions at the same time": (
        _MODEL,
        _CHAIN,
        _CHAIN,
    ),
    "examples that are sent each time": (
        _MODEL,
        _MODEL,
    ),
    "failed question that is dropped": (
        _MODEL,
        """
workflow fail [error]
""",
        _MODEL,
    ),
}
