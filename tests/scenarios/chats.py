"""Scenarios of several turns: who holds the history, and what names the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.chains import CALLED
from tests.scenarios.script import Chat, Scenario, asks, replies, said, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

_THREE: Final = (
    ["I am Ada.", "Hello Ada."],
    ["Who am I?", "You are Ada."],
    ["Bye.", "See you."],
)
_QUESTIONS: Final = tuple(question for question, _ in _THREE)
_ANSWERS: Final = tuple(answer for _, answer in _THREE)

CHATS: Final[Sequence[Scenario]] = (
    Scenario(
        name="three turns with a checkpointer",
        fact="The application keeps the messages; each is recorded once.",
        shape="chat graph",
        ways=CALLED,
        asks=asks(*_QUESTIONS),
        models=replies(*_ANSWERS),
        chats=(Chat(turns(*_THREE)),),
    ),
    Scenario(
        name="three turns of a held history, agent",
        fact="The caller sends the whole history; the ids of its answers name the conversation.",
        shape="held agent",
        ways=("invoke", "ainvoke"),
        asks=asks(*_QUESTIONS, thread=None),
        models=replies(*_ANSWERS),
        chats=(Chat(turns(*_THREE), thread=None),),
    ),
    Scenario(
        name="three turns of a held history, chain",
        fact="The caller sends the whole history as messages, without any id of its own.",
        shape="held messages",
        ways=("invoke", "ainvoke"),
        asks=asks(*_QUESTIONS, thread=None),
        models=replies(*_ANSWERS),
        chats=(Chat(turns(*_THREE), thread=None),),
    ),
    Scenario(
        name="three turns of a kept history",
        fact="The session id stands in `configurable` alone, and is found there.",
        shape="kept history",
        ways=CALLED,
        asks=asks(*_QUESTIONS),
        models=replies(*_ANSWERS),
        chats=(Chat(turns(*_THREE)),),
    ),
    Scenario(
        name="identical texts in two turns",
        fact="The same words, said and answered twice, are two messages.",
        shape="chat graph",
        asks=asks("Again?", "Again?"),
        models=replies("Yes.", "Yes."),
        chats=(Chat(turns(["Again?", "Yes."], ["Again?", "Yes."])),),
    ),
    Scenario(
        name="chat that is joined late",
        fact="What was said before anybody listened is prelude, and said by nobody here.",
        shape="joined late",
        options={"unwatched": 2},
        unseen=2,
        asks=asks(*_QUESTIONS),
        models=replies(*_ANSWERS),
        chats=(Chat(turns(_THREE[2]), prelude=said(*_THREE[0], *_THREE[1])),),
    ),
)
