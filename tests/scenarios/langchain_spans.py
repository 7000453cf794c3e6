"""The spans of each scenario in LangChain: one tree a turn, in the order the turns began."""

from __future__ import annotations

from typing import Final

_CHAIN: Final = """
workflow RunnableSequence
  llm ScriptedModel model
"""
_MODEL: Final = """
llm ScriptedModel model
"""
_GRAPH: Final = """
workflow LangGraph
  step answer
    llm ScriptedModel model
"""
_AGENT: Final = """
agent LangGraph
  step model
    llm ScriptedModel model
"""
_FAILED_GRAPH: Final = """
workflow LangGraph [error]
  step answer [error]
    llm ScriptedModel model [error]
"""
_FAILED_CHAIN: Final = """
workflow RunnableSequence [error]
  llm ScriptedModel model [error]
"""
_JOB: Final = """
workflow job
"""
_KEPT_HISTORY: Final = """
workflow RunnableWithMessageHistory
  llm ScriptedModel model
"""
_THREE_MODELS: Final = """
workflow RunnableSequence
  llm ScriptedModel planner
workflow RunnableSequence
  llm ScriptedModel drafter
workflow RunnableSequence
  llm ScriptedModel writer
"""

TREES: Final[dict[str, tuple[str, ...]]] = {
    "one-shot chain": (_CHAIN,),
    "chain without an id": (_CHAIN,),
    "bare model": (_MODEL,),
    "templated rag prompt": (
        """
workflow RunnableSequence
  retriever ScriptedRetriever
  llm ScriptedModel model
""",
    ),
    "condensed question": (
        """
workflow RunnableSequence
  llm ScriptedModel condenser
  retriever ScriptedRetriever
  llm ScriptedModel model
""",
        """
workflow RunnableSequence
  llm ScriptedModel condenser
  retriever ScriptedRetriever
  llm ScriptedModel model
""",
    ),
    "json chain": (_CHAIN,),
    "few-shot examples": (_CHAIN,),
    "completion model": (
        """
workflow RunnableSequence
  llm ScriptedCompletion model
""",
    ),
    "bare completion model": (
        """
llm ScriptedCompletion model
""",
    ),
    "structured output": (_CHAIN,),
    "answer from a cache": (
        _CHAIN,
        _CHAIN,
    ),
    "chain in a function": (_CHAIN,),
    "two answers": (
        """
workflow RunnableParallel<answer,topic>
  llm ScriptedModel model
  llm ScriptedModel topic
""",
    ),
    "job over many chats": (
        _JOB,
        _CHAIN,
        _CHAIN,
    ),
    "tool alone": (
        """
tool weather
""",
    ),
    "function alone": (
        """
workflow upper
""",
    ),
    "three turns with a checkpointer": (
        _GRAPH,
        _GRAPH,
        _GRAPH,
    ),
    "three turns of a held history, agent": (
        _AGENT,
        _AGENT,
        _AGENT,
    ),
    "three turns of a held history, chain": (
        _CHAIN,
        _CHAIN,
        _CHAIN,
    ),
    "three turns of a kept history": (
        _KEPT_HISTORY,
        _KEPT_HISTORY,
        _KEPT_HISTORY,
    ),
    "identical texts in two turns": (
        _GRAPH,
        _GRAPH,
    ),
    "chat that is joined late": (_GRAPH,),
    "parallel tools": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool add
  step tools
    tool weather
  step model
    llm ScriptedModel model
""",
        _AGENT,
    ),
    "tools of a held history": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model
    llm ScriptedModel model
""",
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool add
  step model
    llm ScriptedModel model
""",
    ),
    "tool loop of one's own": (
        """
workflow loop
  llm ScriptedModel model
  tool add
  llm ScriptedModel model
""",
    ),
    "tool that raises": (
        """
agent LangGraph [error]
  step model
    llm ScriptedModel model
  step tools [error]
    tool weather [error]
""",
    ),
    "tool error that is handled": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool weather [error]
  step model
    llm ScriptedModel model
""",
    ),
    "bad arguments": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool add [error]
  step model
    llm ScriptedModel model
""",
    ),
    "unknown tool": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
  step model
    llm ScriptedModel model
""",
    ),
    "sub-agent in a tool": (
        """
agent LangGraph
  step model
    llm ScriptedModel model
  step tools
    tool research
      agent LangGraph
        step model
          llm ScriptedModel inner
        step tools
          tool look_up
        step model
          llm ScriptedModel inner
  step model
    llm ScriptedModel model
""",
    ),
    "agents in a row": (
        """
workflow LangGraph
  step writer
    agent writer
      step model
        llm ScriptedModel writer
  step critic
    agent critic
      step model
        llm ScriptedModel critic
""",
        """
workflow LangGraph
  step writer
    agent writer
      step model
        llm ScriptedModel writer
  step critic
    agent critic
      step model
        llm ScriptedModel critic
""",
    ),
    "structured answer of an agent": (_AGENT,),
    "summarising middleware": (
        """
agent LangGraph
  step SummarizationMiddleware.before_model
  step model
    llm ScriptedModel model
""",
        """
agent LangGraph
  step SummarizationMiddleware.before_model
  step model
    llm ScriptedModel model
""",
        """
agent LangGraph
  step SummarizationMiddleware.before_model
    llm ScriptedModel summariser
  step model
    llm ScriptedModel model
""",
    ),
    "interrupt and resume": (
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
    tool add
  step model
    llm ScriptedModel model
  step HumanInTheLoopMiddleware.after_model
""",
    ),
    "model error and retry": (
        _FAILED_CHAIN,
        _CHAIN,
    ),
    "model error and retry, graph": (
        _FAILED_GRAPH,
        _GRAPH,
    ),
    "model error and another question": (
        _FAILED_GRAPH,
        _GRAPH,
    ),
    "model error in mid-answer": (_FAILED_CHAIN,),
    "parser error": (
        """
workflow RunnableSequence [error]
  llm ScriptedModel model
""",
    ),
    "fallback": (
        """
workflow RunnableWithFallbacks
  llm ScriptedModel first [error]
  llm ScriptedModel second
""",
    ),
    "fallback in a chain": (
        """
workflow RunnableSequence
  llm ScriptedModel first [error]
  llm ScriptedModel second
""",
    ),
    "model that is tried again": (
        """
workflow RunnableSequence
  llm ScriptedModel model [error]
  llm ScriptedModel model
""",
    ),
    "stream that is closed": (_CHAIN,),
    "asynchronous stream that is closed": (
        """
workflow RunnableSequence [stopped]
  llm ScriptedModel model [stopped]
""",
    ),
    "model stream that is closed": (
        """
llm ScriptedModel model [stopped]
""",
    ),
    "cancelled call": (
        """
workflow RunnableSequence [cancelled]
  llm ScriptedModel model [cancelled]
""",
        """
workflow RunnableSequence [cancelled]
  llm ScriptedModel model [cancelled]
""",
    ),
    "cancelled graph": (
        """
workflow LangGraph [cancelled]
  step answer [cancelled]
    llm ScriptedModel model [cancelled]
""",
    ),
    "three models in one turn, told": (_THREE_MODELS,),
    "three models in one turn, not told": (_THREE_MODELS,),
    "turn of one's own code": (
        """
tool look_up
""",
    ),
    "side calls": (
        _CHAIN,
        """
workflow RunnableSequence
  llm ScriptedModel titles
""",
        _CHAIN,
        """
workflow RunnableSequence
  llm ScriptedModel titles
""",
    ),
    "side call inside a turn": (
        """
workflow RunnableSequence
  llm ScriptedModel titles
  llm ScriptedModel model
""",
        """
workflow RunnableSequence
  llm ScriptedModel titles
  llm ScriptedModel model
""",
    ),
    "conversation scope": (
        _CHAIN,
        _CHAIN,
    ),
    "config that is made for it": (
        _CHAIN,
        _CHAIN,
    ),
    "handler with a conversation": (
        _CHAIN,
        _CHAIN,
    ),
    "handler that is attached twice": (
        _CHAIN,
        _CHAIN,
    ),
    "two handlers": (
        _CHAIN,
        _CHAIN,
    ),
    "process-wide recording": (
        _CHAIN,
        _CHAIN,
    ),
    "pause": (
        _CHAIN,
        _CHAIN,
    ),
    "window over a held history": (
        _MODEL,
        _MODEL,
        _MODEL,
        _MODEL,
    ),
    "history as texts of the caller's own": (
        _CHAIN,
        _CHAIN,
        _CHAIN,
    ),
    "prefilled answer": (_CHAIN,),
    "image in a question": (_MODEL,),
    "words that middleware rewrites": (
        """
agent LangGraph
  step _Rewriting.before_model
  step model
    llm ScriptedModel model
""",
        """
agent LangGraph
  step _Rewriting.before_model
  step model
    llm ScriptedModel model
""",
    ),
    "tools that the caller executes": (
        _MODEL,
        _MODEL,
    ),
    "graph without messages": (
        """
workflow LangGraph
  step condense
    llm ScriptedModel condenser
  step explain
    llm ScriptedModel model
""",
        """
workflow LangGraph
  step condense
    llm ScriptedModel condenser
  step explain
    llm ScriptedModel model
""",
    ),
    "two users who hold their histories": (
        _MODEL,
        _MODEL,
        _MODEL,
        _MODEL,
    ),
    "job over many kept histories": (
        _JOB,
        _KEPT_HISTORY,
        _KEPT_HISTORY,
    ),
    "question sent three times": (
        _FAILED_CHAIN,
        _FAILED_CHAIN,
        _CHAIN,
    ),
}
