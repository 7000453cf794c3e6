"""The spans of each scenario of pipelines in Haystack: one tree a turn, in their order."""

from __future__ import annotations

from typing import Final

_PROMPTED: Final = """
workflow pipeline
  step prompt
  llm llm model
"""
_MODEL: Final = """
workflow pipeline
  llm llm model
"""
_REMEMBERED: Final = """
workflow pipeline
  step remember
  llm llm model
  step keep
"""
_FAILED: Final = """
workflow pipeline [error]
  step prompt
  llm llm [error]
"""
_CONDENSED: Final = """
workflow pipeline
  step condense
  llm condenser condenser
  step words
  retriever retriever
  step prompt
  llm llm model
"""
_JOB: Final = """
workflow pipeline
  step job
"""
_TWO_AGENTS: Final = """
workflow pipeline
  agent writer
    step step 1
      llm llm writer
  agent critic
    step step 1
      llm llm critic
"""
_FORGOTTEN: Final = """
workflow pipeline [error]
  step remember
  llm llm [error]
"""
_FALLEN_BACK: Final = """
workflow pipeline
  step prompt
  llm llm second
    step chat_generator [error]
    step chat_generator
"""
_CANCELLED: Final = """
workflow pipeline [cancelled]
  step prompt
  llm llm [cancelled]
"""
_THREE_MODELS: Final = """
workflow pipeline
  step prompt
  llm llm planner
workflow pipeline
  step prompt
  llm llm drafter
workflow pipeline
  step prompt
  llm llm writer
"""
_TITLED: Final = """
workflow pipeline
  step prompt
  llm llm titles
"""
_NOTED: Final = """
workflow pipeline
  step note
    workflow pipeline
      step prompt
      llm llm titles
  step prompt
  llm llm model
"""
_SESSION: Final = """
workflow pipeline
  step prompt
  step remember
  llm llm model
  step keep
"""
_MET: Final = """
workflow pipeline
  step meet
  llm llm model
"""
_PICKED: Final = """
workflow pipeline
  step picky
  llm llm model
"""

_STOPPED: Final = """
workflow pipeline [stopped]
  step prompt
  llm llm [cancelled]
"""

PIPELINE_TREES: Final[dict[str, tuple[str, ...]]] = {
    "one-shot chain": (_PROMPTED,),
    "chain without an id": (_PROMPTED,),
    "bare model": (_MODEL,),
    "templated rag prompt": (
        """
workflow pipeline
  retriever retriever
  step prompt
  llm llm model
""",
    ),
    "condensed question": (_CONDENSED, _CONDENSED),
    "json chain": (
        """
workflow pipeline
  step prompt
  llm llm model
  step parser
""",
    ),
    "few-shot examples": (_PROMPTED,),
    "completion model": (
        """
workflow pipeline
  step prompt
  llm llm scripted
""",
    ),
    "bare completion model": (
        """
workflow pipeline
  llm llm scripted
""",
    ),
    "structured output": (
        """
workflow pipeline
  step prompt
  llm llm model
  step parse
""",
    ),
    "chain in a function": (
        """
workflow pipeline
  workflow inner
    workflow pipeline
      llm llm model
""",
    ),
    "two answers": (
        """
workflow pipeline
  llm llm model
  llm topic topic
""",
    ),
    "job over many chats": (_JOB, _PROMPTED, _PROMPTED),
    "function alone": (
        """
workflow pipeline
  step upper
""",
    ),
    "three turns with a checkpointer": (_REMEMBERED, _REMEMBERED, _REMEMBERED),
    "three turns of a held history, chain": (_MODEL, _MODEL, _MODEL),
    "three turns of a kept history": (_REMEMBERED, _REMEMBERED, _REMEMBERED),
    "identical texts in two turns": (_REMEMBERED, _REMEMBERED),
    "chat that is joined late": (_REMEMBERED,),
    "tool loop of one's own": (
        """
workflow pipeline
  step begin
  llm llm model
  step next
  step begin
  llm llm model
  step next
""",
    ),
    "agents in a row": (_TWO_AGENTS, _TWO_AGENTS),
    "model error and retry": (_FAILED, _PROMPTED),
    "model error and retry, graph": (_FORGOTTEN, _REMEMBERED),
    "model error and another question": (_FORGOTTEN, _REMEMBERED),
    "parser error": (
        """
workflow pipeline [error]
  step prompt
  llm llm model
  step parser [error]
""",
    ),
    "fallback": (_FALLEN_BACK,),
    "fallback in a chain": (_FALLEN_BACK,),
    "model error in mid-answer": (_FAILED,),
    "asynchronous stream that is closed": (_STOPPED,),
    "model stream that is closed": (
        """
workflow pipeline [stopped]
  llm llm [cancelled]
""",
    ),
    "cancelled call": (_CANCELLED, _CANCELLED),
    "cancelled graph": (
        """
workflow pipeline [cancelled]
  step remember
  llm llm [cancelled]
""",
    ),
    "three models in one turn, told": (_THREE_MODELS,),
    "three models in one turn, not told": (_THREE_MODELS,),
    "turn of one's own code": (
        """
tool look_up
""",
    ),
    "side calls": (_PROMPTED, _TITLED, _PROMPTED, _TITLED),
    "side call inside a turn": (_NOTED, _NOTED),
    "conversation scope": (_PROMPTED, _PROMPTED),
    "config that is made for it": (_PROMPTED, _PROMPTED),
    "handler with a conversation": (_PROMPTED, _PROMPTED),
    "handler that is attached twice": (_PROMPTED, _PROMPTED),
    "two handlers": (_PROMPTED, _PROMPTED),
    "process-wide recording": (_PROMPTED, _PROMPTED),
    "pause": (_PROMPTED, _PROMPTED),
    "window over a held history": (_MODEL, _MODEL, _MODEL, _MODEL),
    "history as texts of the caller's own": (_MODEL, _MODEL, _MODEL),
    "prefilled answer": (_PROMPTED,),
    "image in a question": (_MODEL,),
    "tools that the caller executes": (_MODEL, _MODEL),
    "two users who hold their histories": (_MODEL, _MODEL, _MODEL, _MODEL),
    "job over many kept histories": (_JOB, _SESSION, _SESSION),
    "question sent three times": (_FAILED, _FAILED, _PROMPTED),
    "retrieval that fails": (
        """
workflow pipeline [error]
  step broken [error]
""",
    ),
    "raw and parsed output": (
        """
workflow pipeline
  llm llm model
  step parse
""",
    ),
    "indexing job": (
        """
workflow pipeline
  step index
""",
    ),
    "recursion limit": (
        """
workflow pipeline [error]
  step begin
  llm llm model
  step next
  step begin
  llm llm model
  step next
  step begin
  llm llm model
  step next
""",
    ),
    "answer of a held history that is made again": (_MODEL, _MODEL, _MODEL),
    "question of a held history that is edited": (_MODEL, _MODEL, _MODEL),
    "two questions at the same time": (_MODEL, _MET, _MET),
    "examples that are sent each time": (_MODEL, _MODEL),
    "failed question that is dropped": (
        _PICKED,
        """
workflow pipeline [error]
  step picky [error]
""",
        _PICKED,
    ),
}
