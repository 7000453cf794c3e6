"""Scenarios of what stands in a prompt: windows, prefills, images, words that are rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import (
    Ask,
    Chat,
    Echo,
    Fail,
    Observed,
    Say,
    Scenario,
    Turn,
    asks,
    assistant,
    call,
    replies,
    said,
    tool,
    turns,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_DOWN: Final = Fail("ConnectionError", "nobody there")
_ADD: Final = call("add", "c1", a=1, b=2)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


PROMPTS: Final[Sequence[Scenario]] = (
    Scenario(
        name="window over a held history",
        fact="The caller sends only the last messages; the same words in each turn are all said.",
        shape="window",
        asks=asks("More.", "More.", "More.", "More."),
        models=replies("One.", "Two.", "Two.", "Four."),
        chats=(Chat(turns(*(["More.", text] for text in ("One.", "Two.", "Two.", "Four.")))),),
    ),
    Scenario(
        name="history as texts of the caller's own",
        fact="A history without any framework's ids is history by its place.",
        shape="history of pairs",
        ways=("invoke", "stream"),
        asks=asks("I am Ada.", "Who am I?", "Who am I?"),
        models=replies("Hello.", "Ada.", "Still Ada."),
        chats=(
            Chat(
                turns(["I am Ada.", "Hello."], ["Who am I?", "Ada."], ["Who am I?", "Still Ada."])
            ),
        ),
    ),
    Scenario(
        name="prefilled answer",
        fact="The beginning of an answer that the prompt gave belongs to the answer.",
        shape="prefill",
        ways=("invoke", "stream"),
        options={"prefill": '{"city":'},
        asks=asks("Where is the Louvre?"),
        models=replies(' "Paris"}'),
        chats=(Chat(turns(["Where is the Louvre?", '{"city": "Paris"}'])),),
    ),
    Scenario(
        name="image in a question",
        fact="The words of a question with an image are kept, and the image beside them.",
        shape="image",
        ways=("invoke", "stream"),
        asks=asks("What is this?"),
        models=replies("A cat."),
        chats=(Chat(turns(["What is this?", "A cat."])),),
    ),
    Scenario(
        name="words that middleware rewrites",
        fact="Of a message that is rewritten before the model sees it, the new words are kept.",
        shape="agent that rewrites",
        asks=asks("My number is 4711.", "And hers 4712."),
        models=replies("I forgot it.", "That too."),
        chats=(
            Chat(turns(["My number is ****.", "I forgot it."], ["And hers ****.", "That too."])),
        ),
    ),
    Scenario(
        name="tools that the caller executes",
        fact="A loop of single model calls under one id is one conversation, with its tools.",
        shape="caller with tools",
        tools=(add,),
        asks=asks("1+2?"),
        models={"model": (Say("So.", (_ADD,)), Say("3."))},
        chats=(
            Chat(
                (
                    Turn(
                        (user("1+2?"), assistant("So.", _ADD)),
                        (Observed("add", {"a": 1, "b": 2}, "not_run", None, "c1", "So."),),
                    ),
                    Turn(
                        (tool("c1", "3"), assistant("3.")),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "So."),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="graph without messages",
        fact="A graph whose state is a question and an answer is a turn of those.",
        shape="graph of fields",
        ways=("invoke", "ainvoke", "stream"),
        asks=asks("What is tea?", "What is tea?"),
        models={"condenser": (Say("tea"), Say("tea")), "model": (Say("A drink."), Say("Hot."))},
        chats=(Chat(turns(["What is tea?", "A drink."], ["What is tea?", "Hot."])),),
    ),
    Scenario(
        name="two users who hold their histories",
        fact="Each answer's id leads to the conversation it was said in; users do not mix.",
        shape="held by two",
        asks=asks("Hello.", "Hello.", "Bye.", "Bye.", thread=None),
        models=replies("Hi.", "Hi.", "See you.", "See you."),
        chats=(
            Chat(turns(["Hello.", "Hi."], ["Bye.", "See you."]), thread=None),
            Chat(turns(["Hello.", "Hi."], ["Bye.", "See you."]), thread=None),
        ),
    ),
    Scenario(
        name="job over many kept histories",
        fact="A job over many sessions is a turn for each, with the user's own words.",
        shape="job over many sessions",
        asks=tuple(Ask(f"I am {name}.", f"t-{name}") for name in ("ada", "bob")),
        models={"model": (Echo(),)},
        chats=(
            Chat((Turn((), kind="trace"),), thread=None),
            *(
                Chat(turns([f"I am {name}.", f"You said: Q: I am {name}."]), f"t-{name}")
                for name in ("ada", "bob")
            ),
        ),
    ),
    Scenario(
        name="question sent three times",
        fact="However often a failing question is sent, it is said once.",
        shape="chain",
        asks=(
            Ask("Hello?", raises="ConnectionError"),
            Ask("Hello?", raises="ConnectionError"),
            Ask("Hello?"),
        ),
        models={"model": (_DOWN, _DOWN, Say("Hi."))},
        chats=(
            Chat(
                (
                    Turn(said("Hello?"), status="error"),
                    Turn((), status="error"),
                    Turn((assistant("Hi."),)),
                )
            ),
        ),
    ),
)
