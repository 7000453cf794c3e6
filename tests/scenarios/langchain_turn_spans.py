"""The spans of each scenario of turns in LangChain."""

from __future__ import annotations

from typing import Final

_CHAIN: Final = """
workflow RunnableSequence
  llm ScriptedModel model
"""
_GRAPH: Final = """
workflow LangGraph
  step answer
    llm ScriptedModel model
"""
_TOOL_AGENT: Final = """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model
    llm ScriptedModel model
"""

TURN_TREES: Final[dict[str, tuple[str, ...]]] = {
    "hand-over between agents": (
        """
workflow LangGraph
  step front
    llm ScriptedModel model
  step hand
    tool to_billing
  step billing
    agent billing
      step model
        llm ScriptedModel billing
""",
    ),
    "tool that is tried again": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool flaky [error]
    tool flaky [error]
    tool flaky
  step model
    llm ScriptedModel model
""",
    ),
    "model that middleware tries again": (
        """
agent LangGraph
  step model
    llm ScriptedModel model [error]
    llm ScriptedModel second
""",
    ),
    "same call twice in a turn": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model
    llm ScriptedModel model
""",
    ),
    "same call twice, then an error": (
        _TOOL_AGENT,
        """
agent LangGraph [error]
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model [error]
    llm ScriptedModel model [error]
""",
    ),
    "node with words of its own": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "question that waits for a name": (
        """
workflow LangGraph
  step ask [interrupted]
""",
        """
workflow LangGraph
  step ask
  step greet
    llm ScriptedModel model
""",
    ),
    "retrieval that fails": (
        """
workflow RunnableSequence [error]
""",
    ),
    "graph stream that is closed": (
        """
workflow LangGraph [stopped]
  step answer [cancelled]
    llm ScriptedModel model [stopped]
""",
    ),
    "cancelled in a tool": (
        """
agent LangGraph [cancelled]
  step model
    llm ScriptedModel model
  step tools [cancelled]
    tool wait [cancelled]
""",
    ),
    "raw and parsed output": (_CHAIN,),
    "indexing job": (
        """
workflow RunnableLambda
""",
    ),
    "agent in a told turn": (_TOOL_AGENT,),
    "process-wide recording of an agent": (_TOOL_AGENT,),
    "handler that is given again inside": (
        """
workflow answer
  llm ScriptedModel model
""",
    ),
}
