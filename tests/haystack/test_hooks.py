"""Hooks of agents that change what was said: the transcript is what a person would recognise.

Annotations are not postponed: Haystack 3.0 could not read those of hooks.
"""

from collections.abc import Callable
from typing import Any

import pytest
from haystack import Pipeline, component
from haystack.components.agents import Agent
from haystack.components.agents.state import State
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.hooks import hook
from tests.haystack.applications import add, agent
from tests.scenarios.checking import line_of

import threadline
from haystack_integrations.components.connectors.threadline import ThreadlineConnector
from threadline import Client

_SECRET = "My number is 4711."
_HIDDEN = "My number is ****."


@component
class Words:
    """Gives the words of a message."""

    @component.output_types(answer=str)
    def run(self, message: ChatMessage) -> dict[str, Any]:
        return {"answer": message.text}


def _changing(change: Callable[[list[ChatMessage]], list[ChatMessage]]) -> Any:
    """A hook that puts other messages in the place of the agent's."""

    @hook
    def changed(state: State) -> None:
        messages = change(list(state.data["messages"]))
        state.set("messages", messages, handler_override=lambda _, new: new)

    return changed


def _hide(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [ChatMessage.from_user(_HIDDEN) if one.text == _SECRET else one for one in messages]


def _copy(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [ChatMessage.from_dict(one.to_dict()) for one in messages]


def _said(client: Client) -> list[tuple[str, str]]:
    turn = client.reader().turns(kind=None)[0]
    return [(message.role, message.text) for message in turn.messages]


@pytest.mark.parametrize("point", ["before_run", "before_llm"])
@pytest.mark.parametrize("place", ["alone", "in a pipeline", "before another component"])
def test_rewritten_words_are_kept_in_place_of_the_users(
    point: str, place: str, client: Client
) -> None:
    """What a hook hides from the model is in no message, wherever the agent stands."""
    helper = agent(hooks={point: [_changing(_hide)]})
    asked = [ChatMessage.from_user(_SECRET)]
    if place == "alone":
        helper.run(asked)
    else:
        pipeline = Pipeline()
        pipeline.add_component("helper", helper)
        pipeline.add_component("threadline", ThreadlineConnector())
        if place == "before another component":
            pipeline.add_component("words", Words())
            pipeline.connect("helper.last_message", "words.message")
        pipeline.run({"helper": {"messages": asked}, "threadline": {"thread_id": "t-1"}})
    expected = [("user", _HIDDEN), ("assistant", "So."), ("tool", "3"), ("assistant", "It is 3.")]
    assert _said(client) == expected
    assert list(client.reader().search("4711")) == []


def test_messages_that_are_only_copied_are_the_same(client: Client) -> None:
    """A hook that makes other objects of the same words changes nothing of the history."""
    helper = Agent(
        chat_generator=MockChatGenerator("Yes."), hooks={"before_run": [_changing(_copy)]}
    )
    history = [ChatMessage.from_user("Once."), ChatMessage.from_assistant("Upon.")]
    with threadline.conversation("t-1"):
        helper.run([*history, ChatMessage.from_user("A time?")])
    conversation = client.reader().conversation("t-1")
    assert conversation is not None
    assert [message.text for message in conversation.prelude] == ["Once.", "Upon."]
    assert _said(client) == [("user", "A time?"), ("assistant", "Yes.")]


def test_a_summary_in_place_of_the_history_is_nobodys_words(client: Client) -> None:
    """What a hook makes of older messages is shown at the model call, and said by nobody."""
    helper = Agent(
        chat_generator=MockChatGenerator("Yes."),
        hooks={
            "before_run": [_changing(lambda all_of: [ChatMessage.from_user("Sum."), all_of[-1]])]
        },
    )
    with threadline.conversation("t-1"):
        first = helper.run([ChatMessage.from_user("One?")])
        helper.run([*first["messages"], ChatMessage.from_user("Two?")])
    newest = client.reader().turns()[0]
    assert [message.text for message in newest.messages] == ["Two?", "Yes."]
    assert [message.text for message in newest.llm_calls[0].input_messages] == ["Sum.", "Two?"]


def test_the_answer_in_a_schema_of_an_agent_in_a_pipeline_is_its_answer(client: Client) -> None:
    """A state key that holds a structured answer is read where the agent is a component, too."""
    schema = {"structured_response": {"type": dict}}

    @hook
    def keep(state: State) -> None:
        state.set("structured_response", {"sum": 3})

    pipeline = Pipeline()
    pipeline.add_component("helper", agent(state_schema=schema, hooks={"after_run": [keep]}))
    pipeline.run({"helper": {"messages": [ChatMessage.from_user("1+2?")]}})
    assert client.reader().turns()[0].output == '{"sum":3}'


def test_tools_are_observed_behind_a_hook_that_keeps_a_window(client: Client) -> None:
    """An agent whose hook drops the oldest messages at every step loses nothing of the turn."""
    window = _changing(lambda messages: messages[-2:])
    with threadline.conversation("t-1"):
        agent(hooks={"before_llm": [window]}).run([ChatMessage.from_user("1+2?")])
    turn = client.reader().last()
    assert [line_of(message).text for message in turn.messages] == [
        "1+2?",
        "So.",
        "3",
        "It is 3.",
    ]
    assert [(one.name, one.outcome) for one in turn.tool_observations] == [(add.name, "ok")]
