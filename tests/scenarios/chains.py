"""Scenarios of single questions: chains, retrieval, parsers, completion models, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import (
    Ask,
    Chat,
    Echo,
    Found,
    Say,
    Scenario,
    Turn,
    asks,
    assistant,
    call,
    replies,
    said,
    turns,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLED: Final = ("invoke", "ainvoke", "stream", "astream", "events")
_BOOKS: Final = (Found("Tea is a drink.", 0.9, "d1"), Found("Tea is hot.", 0.4, "d2"))

_MANY: Final = tuple(Ask(f"I am number {n}.", f"t-{n:02}", f"u-{n}") for n in range(64))
_MANY_CHATS: Final = tuple(
    Chat(turns([ask.text, f"You said: {ask.text}"]), ask.thread, (), ask.user) for ask in _MANY
)


def weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"rain in {city}"


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
        chats=(Chat((Turn(said("What is tea?", "A hot drink."), found=_BOOKS),)),),
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
        chats=(
            Chat(
                (
                    Turn(said("What is tea?", "A drink."), found=_BOOKS),
                    Turn(said("And is it hot?", "It is."), found=_BOOKS),
                )
            ),
        ),
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
    Scenario(
        name="completion model",
        fact="A model that completes texts: the user's words are not the rendered prompt.",
        shape="completion",
        # not "events": langchain-core keeps a completion's start from its own event stream as soon
        # as any inline handler is there (AsyncCallbackManager.on_llm_start)
        ways=("invoke", "ainvoke", "stream", "astream"),
        options={"template": "Q: {question} A:"},
        asks=asks("What is tea?"),
        models=replies("A hot drink."),
        chats=(Chat(turns(["What is tea?", "A hot drink."])),),
    ),
    Scenario(
        name="bare completion model",
        fact="A completion model that is called alone was told what the user said.",
        shape="bare completion",
        ways=("invoke", "stream"),
        asks=asks("Tea is"),
        models=replies("a drink."),
        chats=(Chat(turns(["Tea is", "a drink."])),),
    ),
    Scenario(
        name="structured output",
        fact="What the schema's call carried is the answer; it is no tool that anybody has.",
        shape="structured output",
        ways=("invoke", "ainvoke", "stream"),
        asks=asks("Where is the Louvre?"),
        models={"model": (Say("", (call("Place", "c1", city="Paris"),)),)},
        chats=(Chat(turns(["Where is the Louvre?", '{"city":"Paris"}'])),),
    ),
    Scenario(
        name="answer from a cache",
        fact="An answer that comes again under the same id is said again.",
        shape="cached chain",
        ways=("invoke", "ainvoke"),
        asks=asks("Hello?", "Hello?"),
        models=replies("Hi."),
        unseen=-1,
        chats=(Chat(turns(["Hello?", "Hi."], ["Hello?", "Hi."])),),
    ),
    Scenario(
        name="batch of many users",
        fact="One handler serves all users at once; each has only his own words.",
        shape="batch",
        asks=_MANY,
        models={"model": (Echo(),)},
        chats=_MANY_CHATS,
    ),
    Scenario(
        name="asynchronous batch of many users",
        fact="So it does for tasks of one loop.",
        shape="abatch",
        asks=_MANY,
        models={"model": (Echo(),)},
        chats=_MANY_CHATS,
    ),
    Scenario(
        name="chain in a function",
        fact="However deep a chain is nested, there is one turn.",
        shape="chain in a function",
        ways=("invoke", "stream"),
        asks=asks("Hello?"),
        models=replies("Hi."),
        chats=(Chat(turns(["Hello?", "Hi."])),),
    ),
    Scenario(
        name="two answers",
        fact="Of two models side by side, the one under the answer's key has answered.",
        shape="two answers",
        asks=asks("Is tea hot?"),
        models={"topic": (Say("Drinks"),), "model": (Say("It is."),)},
        chats=(Chat(turns(["Is tea hot?", "It is."])),),
    ),
    Scenario(
        name="job over many chats",
        fact="A job without an id that calls under many ids is many turns.",
        shape="job over many chats",
        options={"template": "Q: {question}"},
        asks=tuple(Ask(f"I am {name}.", f"t-{name}", f"u-{name}") for name in ("ada", "bob")),
        models={"model": (Echo(),)},
        chats=(
            Chat((Turn((), kind="trace"),), thread=None),
            *(
                Chat(
                    turns([f"I am {name}.", f"You said: Q: I am {name}."]),
                    f"t-{name}",
                    (),
                    f"u-{name}",
                )
                for name in ("ada", "bob")
            ),
        ),
    ),
    Scenario(
        name="prompt alone",
        fact="A prompt that is rendered and no more is no turn.",
        shape="prompt alone",
        asks=asks("Hello?"),
        models={},
        chats=(),
    ),
    Scenario(
        name="tool alone",
        fact="A tool that is called outside of any turn is no turn.",
        shape="tool alone",
        tools=(weather,),
        asks=asks("Oslo"),
        models={},
        chats=(Chat((Turn((), kind="trace"),)),),
    ),
    Scenario(
        name="function alone",
        fact="A text that is answered by a text is a turn, even without a model.",
        shape="function alone",
        ways=("invoke", "ainvoke"),
        asks=asks("hello"),
        models={},
        chats=(Chat(turns(["hello", "HELLO"])),),
    ),
)
