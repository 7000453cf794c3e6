"""The spans of each scenario of agents in Haystack: one tree a turn, in their order."""

from __future__ import annotations

from typing import Final

_AGENT: Final = """
agent agent
  step step 1
    llm llm model
"""
_TOOL_AGENT: Final = """
agent agent
  step step 1
    llm llm model
    tool add
  step step 2
    llm llm model
"""
_SHORTENED: Final = """
agent agent
  step step 1
    step shorten
    llm llm model
"""
_SAID: Final = """
agent agent
  step step 1
    llm llm model
  step say
"""
_HIDDEN: Final = """
agent agent
  step hide
  step step 1
    llm llm model
"""

AGENT_TREES: Final[dict[str, tuple[str, ...]]] = {
    "three turns of a held history, agent": (_AGENT, _AGENT, _AGENT),
    "parallel tools": (
        """
agent agent
  step step 1
    llm llm model
    tool add
    tool weather
  step step 2
    llm llm model
""",
        _AGENT,
    ),
    "tools of a held history": (_TOOL_AGENT, _TOOL_AGENT),
    "tool that raises": (
        """
agent agent [error]
  step step 1 [error]
    llm llm model
    tool weather [error]
""",
    ),
    "tool error that is handled": (
        """
agent agent
  step step 1
    llm llm model
    tool weather [error]
  step step 2
    llm llm model
""",
    ),
    "bad arguments": (
        """
agent agent
  step step 1
    llm llm model
    tool add [error]
  step step 2
    llm llm model
""",
    ),
    "unknown tool": (
        """
agent agent
  step step 1
    llm llm model
  step step 2
    llm llm model
""",
    ),
    "sub-agent in a tool": (
        """
agent agent
  step step 1
    llm llm model
    tool research
      agent agent
        step step 1
          llm llm inner
          tool look_up
        step step 2
          llm llm inner
  step step 2
    llm llm model
""",
    ),
    "structured answer of an agent": (
        """
agent agent
  step step 1
    llm llm model
    tool Place
""",
    ),
    "summarising middleware": (_SHORTENED, _SHORTENED, _SHORTENED),
    "words that middleware rewrites": (_HIDDEN, _HIDDEN),
    "tool that is tried again": (
        """
agent agent
  step step 1
    llm llm model
    tool flaky
  step step 2
    llm llm model
""",
    ),
    "model that middleware tries again": (
        """
agent agent
  step step 1
    llm llm second
      step chat_generator [error]
      step chat_generator
""",
    ),
    "same call twice in a turn": (
        """
agent agent
  step step 1
    llm llm model
    tool add
  step step 2
    llm llm model
    tool add
  step step 3
    llm llm model
""",
    ),
    "same call twice, then an error": (
        _TOOL_AGENT,
        """
agent agent [error]
  step step 1
    llm llm model
    tool add
  step step 2
    llm llm model
    tool add
  step step 3 [error]
    llm llm [error]
""",
    ),
    "node with words of its own": (_SAID, _SAID, _SAID),
    "cancelled in a tool": (
        """
agent agent [cancelled]
  step step 1 [cancelled]
    llm llm model
    tool wait [cancelled]
""",
    ),
    "agent in a told turn": (_TOOL_AGENT,),
    "process-wide recording of an agent": (_TOOL_AGENT,),
    "supervisor with agents as tools": (
        """
agent agent
  step step 1
    llm llm boss
    tool ask_maths
      agent agent
        step step 1
          llm llm maths
  step step 2
    llm llm boss
""",
    ),
}

TOLD_SINCE_3_1: Final = ("step chat_generator", "step hide", "step say", "step shorten")
"""Spans that Haystack 3.0 has not: attempts of a generator that falls back, and hooks."""
