"""Scenarios of single questions: chains, retrieval, parsers, completion models, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import (
    Chat,
    Found,
    Say,
    Scenario,
    Turn,
    asks,
    assistant,
    replies,
    said,
    turns,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLED: Final = ("invoke", "ainvoke", "stream", "astream", "events")
_BOOKS: Final = (Found("Tea is a drink.", 0.9, "d1"), Found("Tea is hot.", 0.4, "d2"))

CHAINS: Final[Sequence[Scenario]] = (
    Scenario(
        name="one-shot chain",
        fact="The user's words and the answer are the turn; the rendered prompt is on the span.",
        shape="chain",
        ways=CALLED,
        options={"system": "Be kind.", "template": "Q: {question}"},
        asks=asks("What is the capital of France?"),
        models=replies("Paris it is."),
        chats=(Chat(turns(["What is the capital of France?", "Paris it is."])),),
    ),
    Scenario(
        name="chain without an id",
        fact="A call that names no conversation gets one with a generated key.",
        shape="chain",
        asks=asks("Hello?", thread=None),
        models=replies("Hi."),
        chats=(Chat(turns(["Hello?", "Hi."]), thread=None),),
    ),
    Scenario(
        name="bare model",
        fact="A model that is called alone is a turn like any other.",
        shape="bare model",
        ways=CALLED,
        asks=asks("Hello?"),
        models=replies("Hi there."),
        chats=(Chat(turns(["Hello?", "Hi there."])),),
    ),
    Scenario(
        name="templated rag prompt",
        fact="The user's words are the question, not the prompt that was rendered from it.",
        shape="rag",
        ways=CALLED,
        options={"found": _BOOKS, "template": "Answer from {context}: {question}"},
        asks=asks("What is tea?"),
        models=replies("A hot drink."),
        chats=(Chat(turns(["What is tea?", "A hot drink."])),),
    ),
    Scenario(
        name="condensed question",
        fact="Two model calls, one answer: the condensed question is nobody's words.",
        shape="condensed rag",
        options={"found": _BOOKS},
        asks=asks("What is tea?", "And is it hot?"),
        models={
            "condenser": (Say("What is tea?"), Say("Is tea hot?")),
            "model": (Say("A drink."), Say("It is.")),
        },
        chats=(Chat(turns(["What is tea?", "A drink."], ["And is it hot?", "It is."])),),
    ),
    Scenario(
        name="json chain",
        fact="A chain that returns parsed JSON answered in JSON, without the fence around it.",
        shape="chain",
        options={"parser": "json"},
        ways=("invoke", "stream"),
        asks=asks("Where is the Louvre?"),
        models=replies('```json\n{"city": "Paris"}\n```'),
        chats=(Chat(turns(["Where is the Louvre?", '{"city":"Paris"}'])),),
    ),
    Scenario(
        name="few-shot examples",
        fact="Examples in a template are history that nobody said here: prelude.",
        shape="chain",
        options={"examples": (("human", "2+2"), ("ai", "4"))},
        asks=asks("3+3"),
        models=replies("6"),
        chats=(
            Chat(
                (Turn(said("3+3", "6")),),
                prelude=(user("2+2"), assistant("4")),
            ),
        ),
    ),
)
