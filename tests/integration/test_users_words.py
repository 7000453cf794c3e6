"""Which of several inputs the user said, and what is kept of answers that nobody got."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

import threadline

if TYPE_CHECKING:
    from threadline.testing.recorder import ThreadlineRecorder


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_text_of_the_instructions_is_never_the_users(
    threadline_recorder: ThreadlineRecorder, way: str
) -> None:
    """No usual key: the words that the model was asked with are the user's, marked as a guess."""
    prompt = ChatPromptTemplate.from_messages([("system", "You are {persona}"), ("human", "{msg}")])
    chain = prompt | FakeListChatModel(responses=["arr"]) | StrOutputParser()
    given = {"persona": "a pirate who says arr at every turn", "msg": "Hi"}
    config = threadline_recorder.config(thread_id="t")
    assert "".join(chain.invoke(given, config) if way == "invoke" else chain.stream(given, config))
    [turn] = threadline_recorder.turns
    assert [message.text for message in turn.messages] == ["Hi", "arr"]
    assert turn.messages[0].metadata == {"guessed": True}


def test_words_of_a_class_of_their_own_are_words(threadline_recorder: ThreadlineRecorder) -> None:
    """A member of an enumeration, and the text that langchain-core's own parser returns."""

    class Color(enum.StrEnum):
        RED = "red"

    answer = RunnableLambda(lambda said: AIMessage(f"{said.value}!").text)
    assert answer.invoke(Color.RED, threadline_recorder.config(thread_id="t")) == "red!"
    [turn] = threadline_recorder.turns
    assert (turn.input, turn.output) == ("red", "red!")


def test_what_the_application_says_was_asked_is_a_turn_without_an_answer_too(
    threadline_recorder: ThreadlineRecorder,
) -> None:
    """Also words that were said before; a scope that is told nothing stays a trace."""
    client = threadline_recorder.client
    for words, answer in (("hello", "hi"), ("bye", None), ("hello", None), (None, None)):
        with threadline.turn(thread_id="t", input=words, client=client) as turn:
            turn.output = answer
    found = [(turn.input, turn.output) for turn in threadline_recorder.turns]
    assert found == [("hello", "hi"), ("bye", ""), ("hello", "")]


def test_a_named_question_is_no_guess(threadline_recorder: ThreadlineRecorder) -> None:
    """The usual keys come first, however long the others are."""
    prompt = ChatPromptTemplate.from_template("{context}: {question}")
    chain = prompt | FakeListChatModel(responses=["Two."])
    given = {"context": "a long text about many things", "question": "How many?"}
    chain.invoke(given, threadline_recorder.config(thread_id="t"))
    [turn] = threadline_recorder.turns
    assert turn.input == "How many?"
    assert turn.messages[0].metadata == {}


def test_an_answer_that_nobody_got_is_flagged(threadline_recorder: ThreadlineRecorder) -> None:
    """A chain that fails after an inner call keeps what its model said last, flagged."""
    condense = ChatPromptTemplate.from_template("Condense {q}") | FakeListChatModel(
        responses=["CONDENSED?"]
    )

    def fail(_: object) -> str:
        raise ConnectionError

    chain = RunnablePassthrough.assign(s=condense) | RunnableLambda(fail)
    with pytest.raises(ConnectionError):
        chain.invoke({"q": "and then?"}, threadline_recorder.config(thread_id="t"))
    [turn] = threadline_recorder.turns
    assert turn.status == "error"
    said = [(message.role, message.text, message.partial) for message in turn.messages]
    assert said == [("user", "and then?", False), ("assistant", "CONDENSED?", True)]
