"""Going back in LangChain and LangGraph: checkpoints, edits, histories that the caller holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from tests.scenarios.langchain_agents import one_node_graph

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage


def _chat(stage: Stage) -> tuple[Any, Any, list[Any]]:
    """Ask everything; return the graph, its config, and its checkpoints, newest first."""
    app = one_node_graph(stage)
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text, id=f"id of {ask.text}")]}
        stage.call(app, given, ask, stage.graph_config(ask))
    config = stage.graph_config(stage.scenario.asks[0])
    return app, config, list(app.get_state_history(config))


def _where(history: list[Any], text: str) -> Any:
    """Return the config of the checkpoint whose last message says `text`."""
    found = (s for s in history if s.values.get("messages"))
    return next(s.config for s in found if s.values["messages"][-1].text == text)


def _go_on(stage: Stage, app: Any, given: Any, config: Any, where: Any) -> None:
    stage.call(app, given, stage.scenario.asks[0], {**config, **where})


def chat_graph_that_answers_again(stage: Stage) -> None:
    """The graph goes on from the checkpoint behind a question."""
    app, config, history = _chat(stage)
    _go_on(stage, app, None, config, _where(history, "Two?"))


def _edit(stage: Stage, question: str) -> None:
    app, config, history = _chat(stage)
    edited = HumanMessage("Zwei?", id=f"id of {question}")
    fork = app.update_state(_where(history, question), {"messages": [edited]})
    _go_on(stage, app, None, config, fork)


def chat_graph_with_an_edited_question(stage: Stage) -> None:
    """The application puts other words into a checkpoint, under the same id."""
    _edit(stage, "Two?")


def chat_graph_that_begins_anew(stage: Stage) -> None:
    """The first question of all is edited."""
    _edit(stage, "One?")


def chat_graph_that_goes_back(stage: Stage) -> None:
    """Another question is asked at the checkpoint behind an answer."""
    app, config, history = _chat(stage)
    given = {"messages": [HumanMessage("Zwei?")]}
    _go_on(stage, app, given, config, _where(history, "1."))


def chat_graph_that_sends_a_message_again(stage: Stage) -> None:
    """A message is sent under the id of one that was answered; the graph puts it in its place."""
    app, config, _ = _chat(stage)
    given = {"messages": [HumanMessage("Zwei?", id="id of Two?")]}
    _go_on(stage, app, given, config, {})


def chat_graph_that_goes_both_ways(stage: Stage) -> None:
    """Another answer, and then on with the first one after all."""
    app, config, history = _chat(stage)
    _go_on(stage, app, None, config, _where(history, "Two?"))
    given = {"messages": [HumanMessage("Three?")]}
    _go_on(stage, app, given, config, _where(history, "2."))


def chat_graph_that_names_its_checkpoint(stage: Stage) -> None:
    """Every call names the checkpoint that the last one left."""
    app = one_node_graph(stage)
    for ask in stage.scenario.asks:
        config = stage.graph_config(ask)
        where = app.get_state(config).config
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, {**config, **where})


def _held(stage: Stage) -> list[list[Any]]:
    """Ask everything of a model; return the history before each question, and at last."""
    histories: list[list[Any]] = [[]]
    for ask in stage.scenario.asks:
        asked = [*histories[-1], HumanMessage(ask.text)]
        answer = stage.call(stage.model(), asked, ask, stage.config(ask))
        histories.append([*asked, answer])
    return histories


def held_history_that_is_answered_again(stage: Stage) -> None:
    """The caller sends what it had sent before."""
    ask = stage.scenario.asks[-1]
    asked = [*_held(stage)[-2], HumanMessage(ask.text)]
    stage.call(stage.model(), asked, ask, stage.config(ask))


def held_history_with_an_edited_question(stage: Stage) -> None:
    """The caller sends the history with another last question."""
    ask = stage.scenario.asks[-1]
    asked = [*_held(stage)[-2], HumanMessage("Zwei?")]
    stage.call(stage.model(), asked, ask, stage.config(ask))


def held_history_in_two_at_once(stage: Stage) -> None:
    """Two calls with one history, the second of which begins before the first has ended."""
    one, two = stage.scenario.asks
    first = [HumanMessage(one.text)]
    answer = stage.call(stage.model(), first, one, stage.config(one))
    asked = [*first, answer, HumanMessage(two.text)]
    both = RunnablePassthrough() | stage.model()
    both.batch([asked, asked], stage.config(two))


def held_history_without_what_failed(stage: Stage) -> None:
    """A question fails before any model; the caller forgets it and asks another one."""
    one, two = stage.scenario.asks
    first = [HumanMessage(one.text)]
    history = [*first, stage.call(stage.model(), first, one, stage.config(one))]

    def fail(messages: list[Any]) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        RunnableLambda(fail).invoke([*history, HumanMessage("Broken?")], stage.config(one))
    stage.call(stage.model(), [*history, HumanMessage(two.text)], two, stage.config(two))


def examples_before_each_question(stage: Stage) -> None:
    """The same examples and one question, again and again in one conversation."""
    for ask in stage.scenario.asks:
        examples = [HumanMessage("Zero?"), AIMessage("0.")]
        stage.call(stage.model(), [*examples, HumanMessage(ask.text)], ask, stage.config(ask))


def form_that_is_answered_again(stage: Stage) -> None:
    """The checkpoint that asked is resumed a second time, by a node that keeps no answer."""
    model = stage.model()

    def ask(state: MessagesState) -> dict[str, Any]:
        interrupt("Your name?")
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask")
    app, one = graph.compile(checkpointer=InMemorySaver()), stage.scenario.asks[0]
    config = stage.graph_config(one)
    stage.call(app, {"messages": [HumanMessage(one.text)]}, one, config)
    where = app.get_state(config).config
    stage.call(app, Command(resume="Bob"), one, config)
    _go_on(stage, app, Command(resume="Eve"), config, where)


SHAPES: dict[str, Any] = {
    "form that is answered again": form_that_is_answered_again,
    "examples before each question": examples_before_each_question,
    "chat graph that answers again": chat_graph_that_answers_again,
    "chat graph with an edited question": chat_graph_with_an_edited_question,
    "chat graph that begins anew": chat_graph_that_begins_anew,
    "chat graph that goes back": chat_graph_that_goes_back,
    "chat graph that sends a message again": chat_graph_that_sends_a_message_again,
    "chat graph that goes both ways": chat_graph_that_goes_both_ways,
    "chat graph that names its checkpoint": chat_graph_that_names_its_checkpoint,
    "held history that is answered again": held_history_that_is_answered_again,
    "held history with an edited question": held_history_with_an_edited_question,
    "held history in two at once": held_history_in_two_at_once,
    "held history without what failed": held_history_without_what_failed,
}
