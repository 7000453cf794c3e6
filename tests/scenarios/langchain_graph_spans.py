"""The spans of each scenario of graphs, in LangGraph."""

from __future__ import annotations

from typing import Final

GRAPH_TREES: Final[dict[str, tuple[str, ...]]] = {
    "subgraph as a node": (
        """
workflow LangGraph
  step inner
    step answer
      llm ScriptedModel model
""",
        """
workflow LangGraph
  step inner
    step answer
      llm ScriptedModel model
""",
    ),
    "subgraph that a node calls": (
        """
workflow LangGraph
  step ask
    step answer
      llm ScriptedModel model
""",
        """
workflow LangGraph
  step ask
    step answer
      llm ScriptedModel model
""",
    ),
    "nodes that are sent out": (
        """
workflow LangGraph
  step find
    llm ScriptedModel finder
  step find
    llm ScriptedModel finder
  step find
    llm ScriptedModel finder
  step write
    llm ScriptedModel writer
""",
    ),
    "node that is tried again": (
        """
workflow LangGraph
  step flaky [error]
  step flaky
    llm ScriptedModel model
""",
        """
workflow LangGraph
  step flaky [error]
  step flaky
    llm ScriptedModel model
""",
    ),
    "commands that choose the way": (
        """
workflow LangGraph
  step route
    llm ScriptedModel router
  step write
    llm ScriptedModel writer
""",
    ),
    "agents that hand over to each other": (
        """
workflow LangGraph
  step ada
    agent ada
      step model
        llm ScriptedModel ada
      step tools
        tool go_to_bob
  step bob
    agent bob
      step model
        llm ScriptedModel bob
""",
        """
workflow LangGraph
  step bob
    agent bob
      step model
        llm ScriptedModel bob
""",
        """
workflow LangGraph
  step bob
    agent bob
      step model
        llm ScriptedModel bob
      step tools
        tool go_to_ada
  step ada
    agent ada
      step model
        llm ScriptedModel ada
""",
    ),
    "supervisor with agents as tools": (
        """
agent boss
  step model
    llm ScriptedModel boss
  step tools
    tool ask_maths
      agent maths
        step model
          llm ScriptedModel maths
  step model
    llm ScriptedModel boss
""",
    ),
    "workflow of functions": (
        """
workflow LangGraph
  step article
    step outline
      llm ScriptedModel outliner
    step write
      llm ScriptedModel writer
""",
    ),
    "window of a graph": (
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
""",
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
""",
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
""",
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
""",
    ),
    "messages that are deleted": (
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
  step forget
""",
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
  step forget
""",
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
  step forget
""",
    ),
    "cached node": (
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
""",
        """
workflow LangGraph
""",
    ),
    "recursion limit": (
        """
workflow LangGraph [error]
  step answer
    llm ScriptedModel model
  step answer
    llm ScriptedModel model
  step answer
    llm ScriptedModel model
""",
    ),
}
