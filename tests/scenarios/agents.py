"""Scenarios of agents: tools in all their endings, sub-agents, humans, middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.chains import CALLED
from tests.scenarios.script import (
    Ask,
    Chat,
    Observed,
    Say,
    Scenario,
    Starts,
    Turn,
    asks,
    assistant,
    call,
    tool,
    turns,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def weather(city: str) -> str:
    """Say what the weather is like in a city."""
    if city == "Atlantis":
        msg = "no such place"
        raise ValueError(msg)
    return f"rain in {city}"


_ADDS: Final = (call("add", "c1", a=1, b=2), call("weather", "c2", city="Oslo"))
_ASK_ATLANTIS: Final = call("weather", "c1", city="Atlantis")
_TRUNCATED: Final = "Error invoking tool 'add' with kwargs {'a': 'one'}"

AGENTS: Final[Sequence[Scenario]] = (
    Scenario(
        name="parallel tools",
        fact="Tools that run side by side are observed in the order of their calls.",
        shape="agent",
        ways=CALLED,
        tools=(add, weather),
        asks=asks("1+2, and Oslo?", "Thanks."),
        models={"model": (Say("Let me see.", _ADDS), Say("3, and rain."), Say("Welcome."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("1+2, and Oslo?"),
                            assistant("Let me see.", *_ADDS),
                            tool("c1", "3"),
                            tool("c2", "rain in Oslo"),
                            assistant("3, and rain."),
                        ),
                        (
                            Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "Let me see."),
                            Observed(
                                "weather",
                                {"city": "Oslo"},
                                "ok",
                                "rain in Oslo",
                                "c2",
                                "Let me see.",
                            ),
                        ),
                    ),
                    *turns(["Thanks.", "Welcome."]),
                )
            ),
        ),
    ),
    Scenario(
        name="tools of a held history",
        fact="A replayed tool call and its result are history, not observed again.",
        shape="held agent",
        tools=(add,),
        asks=asks("1+2?", "And again?", thread=None),
        models={
            "model": (
                Say("", (call("add", "c1", a=1, b=2),)),
                Say("3."),
                Say("", (call("add", "c1", a=1, b=2),)),
                Say("Still 3."),
            )
        },
        chats=(
            Chat(
                tuple(
                    Turn(
                        (
                            user(question),
                            assistant("", call("add", "c1", a=1, b=2)),
                            tool("c1", "3"),
                            assistant(answer),
                        ),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1"),),
                    )
                    for question, answer in (("1+2?", "3."), ("And again?", "Still 3."))
                ),
                thread=None,
            ),
        ),
    ),
    Scenario(
        name="tool loop of one's own",
        fact="A loop in the application's own code makes the same turn as an agent.",
        shape="tool loop",
        ways=("invoke", "ainvoke"),
        tools=(add,),
        asks=asks("1+2?"),
        models={"model": (Say("So.", (call("add", "c1", a=1, b=2),)), Say("3."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("1+2?"),
                            assistant("So.", call("add", "c1", a=1, b=2)),
                            tool("c1", "3"),
                            assistant("3."),
                        ),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "So."),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="tool that raises",
        fact="The exception reaches the caller; what was said until then is kept.",
        shape="agent",
        ways=CALLED,
        tools=(weather,),
        asks=(Ask("Atlantis?", raises="ValueError"),),
        models={"model": (Say("Looking.", (_ASK_ATLANTIS,)),)},
        chats=(
            Chat(
                (
                    Turn(
                        (user("Atlantis?"), assistant("Looking.", _ASK_ATLANTIS)),
                        (
                            Observed(
                                "weather",
                                {"city": "Atlantis"},
                                "error",
                                "ValueError: no such place",
                                "c1",
                                "Looking.",
                            ),
                        ),
                        status="error",
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="tool error that is handled",
        fact="The model is told of the error; the turn goes on and ends well.",
        shape="agent that handles errors",
        tools=(weather,),
        asks=asks("Atlantis?"),
        models={"model": (Say("", (_ASK_ATLANTIS,)), Say("It is a myth."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Atlantis?"),
                            assistant("", _ASK_ATLANTIS),
                            tool("c1", "Error: no such place"),
                            assistant("It is a myth."),
                        ),
                        (
                            Observed(
                                "weather",
                                {"city": "Atlantis"},
                                "error",
                                "ValueError: no such place",
                                "c1",
                            ),
                        ),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="bad arguments",
        fact="A call with arguments that do not fit failed before the tool ran.",
        shape="agent",
        tools=(add,),
        asks=asks("one + two?"),
        models={"model": (Say("", (call("add", "c1", a="one"),)), Say("I cannot."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("one + two?"),
                            assistant("", call("add", "c1", a="one")),
                            tool("c1", Starts(_TRUNCATED)),
                            assistant("I cannot."),
                        ),
                        (
                            Observed(
                                "add", {"a": "one"}, "error", Starts("ValidationError: "), "c1"
                            ),
                        ),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="unknown tool",
        fact="A call of a tool that does not exist is observed as that; nothing ran.",
        shape="agent",
        tools=(add,),
        asks=asks("1*2?"),
        models={"model": (Say("", (call("multiply", "c1", a=1, b=2),)), Say("I cannot."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("1*2?"),
                            assistant("", call("multiply", "c1", a=1, b=2)),
                            tool("c1", Starts("Error: multiply is not a valid tool")),
                            assistant("I cannot."),
                        ),
                        (
                            Observed(
                                "multiply",
                                {"a": 1, "b": 2},
                                "unknown_tool",
                                Starts("Error: multiply is not a valid tool"),
                                "c1",
                            ),
                        ),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="sub-agent in a tool",
        fact="What a sub-agent says inside a tool is in spans; its result is in the transcript.",
        shape="agent with a sub-agent",
        ways=("invoke", "ainvoke", "stream"),
        asks=asks("Is tea hot?"),
        models={
            "model": (Say("", (call("research", "c1", topic="tea"),)), Say("It is.")),
            "inner": (Say("", (call("look_up", "c2", word="tea"),)), Say("Tea: a hot drink.")),
        },
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Is tea hot?"),
                            assistant("", call("research", "c1", topic="tea")),
                            tool("c1", "Tea: a hot drink."),
                            assistant("It is."),
                        ),
                        (Observed("research", {"topic": "tea"}, "ok", "Tea: a hot drink.", "c1"),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="agents in a row",
        fact="What several agents say in one graph is all said, in order.",
        shape="agents in a row",
        ways=("invoke", "astream"),
        asks=asks("Write.", "Again."),
        models={
            "writer": (Say("A draft."), Say("A second draft.")),
            "critic": (Say("Good."), Say("Better.")),
        },
        chats=(
            Chat(
                (
                    Turn((user("Write."), assistant("A draft."), assistant("Good."))),
                    Turn((user("Again."), assistant("A second draft."), assistant("Better."))),
                )
            ),
        ),
    ),
    Scenario(
        name="structured answer of an agent",
        fact="The structured response is the answer, beside the call that carried it.",
        shape="structured agent",
        asks=asks("Where is the Louvre?"),
        models={"model": (Say("", (call("Place", "c1", city="Paris"),)),)},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Where is the Louvre?"),
                            assistant("", call("Place", "c1", city="Paris")),
                            tool("c1", Starts("Returning structured response")),
                            assistant('{"city":"Paris"}'),
                        ),
                        (
                            Observed(
                                "Place",
                                {"city": "Paris"},
                                "ok",
                                Starts("Returning structured response"),
                                "c1",
                            ),
                        ),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="summarising middleware",
        fact="A summary that replaces old messages is nobody's words, and nothing is said twice.",
        shape="summarising agent",
        asks=asks("One.", "Two.", "Three."),
        models={
            "model": (Say("1."), Say("2."), Say("3.")),
            "summariser": (Say("They count."),),
        },
        chats=(Chat(turns(["One.", "1."], ["Two.", "2."], ["Three.", "3."])),),
    ),
    Scenario(
        name="interrupt and resume",
        fact="A turn that waits for a human is interrupted; the resumed one goes on from there.",
        shape="approved agent",
        ways=("invoke", "ainvoke", "stream"),
        tools=(add,),
        asks=asks("1+2?"),
        models={"model": (Say("May I?", (call("add", "c1", a=1, b=2),)), Say("3."))},
        chats=(
            Chat(
                (
                    Turn(
                        (user("1+2?"), assistant("May I?", call("add", "c1", a=1, b=2))),
                        (
                            Observed(
                                "add",
                                {"a": 1, "b": 2},
                                "interrupted",
                                None,
                                "c1",
                                "May I?",
                                "awaited",
                            ),
                        ),
                        status="interrupted",
                    ),
                    Turn(
                        (tool("c1", "3"), assistant("3.")),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "May I?", "approve"),),
                    ),
                )
            ),
        ),
    ),
)
