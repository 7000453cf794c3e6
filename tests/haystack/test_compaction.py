"""Agents whose history Haystack itself compacts: nothing is said twice, no summary by anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.hooks.compaction import CompactionHook, SlidingWindowCompactor, SummarizationCompactor
from haystack.utils.experimental import ExperimentalWarning

import threadline

if TYPE_CHECKING:
    from threadline import Client

_TURNS = 5
_LONG = "and so on, " * 20


def _compactor(kind: str) -> Any:
    if kind == "window":
        return SlidingWindowCompactor()
    return SummarizationCompactor(MockChatGenerator("They counted."), approximate_summary_tokens=5)


@pytest.mark.parametrize("kind", ["window", "summary"])
def test_a_compacted_history_changes_nothing_of_what_was_said(kind: str, client: Client) -> None:
    """The caller holds what the agent returned, which is shorter than what was said."""
    with pytest.warns(ExperimentalWarning):
        hook = CompactionHook(_compactor(kind), context_window=300)
    replies = [f"Answer {n}, {_LONG}" for n in range(_TURNS)]
    helper = Agent(
        chat_generator=MockChatGenerator(replies),
        system_prompt="Count.",
        hooks={"before_llm": [hook]},
    )
    history: list[ChatMessage] = []
    lengths: list[int] = []
    for n in range(_TURNS):
        with threadline.conversation("t-1"):
            asked = [*history, ChatMessage.from_user(f"Question {n}, {_LONG}")]
            history = helper.run(asked)["messages"]
        history = [message for message in history if not message.is_from("system")]
        lengths.append(len(history))
    assert max(lengths) < 2 * _TURNS, "it was compacted"
    turns = client.reader().conversation("t-1").turns
    said = [[m.text for m in turn.messages if m.role != "system"] for turn in turns]
    assert said == [[f"Question {n}, {_LONG}", f"Answer {n}, {_LONG}"] for n in range(_TURNS)]
    hooks = [span.name for turn in turns for span in turn.spans if span.name == "CompactionHook"]
    assert len(hooks) == _TURNS
