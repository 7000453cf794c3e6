"""The spans of each scenario with a human in the loop, in LangChain."""

from __future__ import annotations

from typing import Final

HUMAN_TREES: Final[dict[str, tuple[str, ...]]] = {
    "call that a human edits": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model [interrupted]
""",
        """
agent LangGraph
  step HumanInTheLoopMiddleware.after_model
  step tools
    tool send
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "call that a human rejects": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model [interrupted]
""",
        """
agent LangGraph
  step HumanInTheLoopMiddleware.after_model
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "call that a human answers": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model [interrupted]
""",
        """
agent LangGraph
  step HumanInTheLoopMiddleware.after_model
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "several calls under review": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model [interrupted]
""",
        """
agent LangGraph
  step HumanInTheLoopMiddleware.after_model
  step tools
    tool look
  step tools
    tool send
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "calls that are reviewed one by one": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
  step tools [interrupted]
  step tools [interrupted]
  step tools [interrupted]
""",
        """
agent LangGraph
  step tools
  step tools
  step tools
    tool send
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "resume under the id of the run that asked": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model [interrupted]
""",
        """
agent LangGraph
  step HumanInTheLoopMiddleware.after_model
  step tools
    tool send
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "review that another process answers": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model [interrupted]
""",
        """
agent LangGraph
  step HumanInTheLoopMiddleware.after_model
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "two questions of one node": (
        """
workflow LangGraph
  step ask [interrupted]
""",
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
    "question that is asked until it is answered": (
        """
workflow LangGraph
  step ask [interrupted]
""",
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
    "two questions at once": (
        """
workflow LangGraph
  step ask_name [interrupted]
  step then_age [interrupted]
""",
        """
workflow LangGraph
  step ask_name
  step then_age [interrupted]
""",
        """
workflow LangGraph
  step then_age
  step greet
    llm ScriptedModel model
""",
    ),
    "tool that asks the user": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools [interrupted]
    tool ask_user [interrupted]
""",
        """
agent LangGraph
  step tools
    tool ask_user
  step model
    llm ScriptedModel model
""",
    ),
    "question of a subgraph": (
        """
workflow LangGraph
  step form [interrupted]
    step ask [interrupted]
""",
        """
workflow LangGraph
  step form
    step ask
  step greet
    llm ScriptedModel model
""",
    ),
    "question inside a told turn": (
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
    "draft that a human looks at": (
        """
workflow LangGraph
  step write
    llm ScriptedModel model
  step review [interrupted]
""",
        """
workflow LangGraph
  step review
""",
    ),
    "question of a workflow in functions": (
        """
workflow LangGraph
  step greeting [interrupted]
""",
        """
workflow LangGraph
  step greeting
    step greet
      llm ScriptedModel model
""",
    ),
    "breakpoint before a node": (
        """
workflow LangGraph [interrupted]
""",
        """
workflow LangGraph
  step answer
    llm ScriptedModel model
""",
    ),
    "breakpoint after a node": (
        """
workflow LangGraph [interrupted]
  step answer
    llm ScriptedModel model
""",
        """
workflow LangGraph
""",
    ),
    "question that is left alone": (
        """
workflow LangGraph
  step ask [interrupted]
""",
        """
workflow LangGraph
  step ask
    llm ScriptedModel model
""",
    ),
}
