"""Scenarios of what makes a turn: hand-overs, attempts, interrupts, calls that end too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import (
    Ask,
    Chat,
    Fail,
    Found,
    Hang,
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

_ADD: Final = call("add", "c1", a=1, b=2)
_TRY: Final = call("flaky", "c1")
_DOWN: Final = Fail("ConnectionError", "nobody there")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TURNS: Final[Sequence[Scenario]] = (
    Scenario(
        name="hand-over between agents",
        fact="An agent that hands over by a tool, and the one that goes on, are one turn.",
        shape="hand-over",
        asks=asks("Refund me."),
        models={
            "model": (Say("I pass you on.", (call("to_billing", "c1"),)),),
            "billing": (Say("Refunded."),),
        },
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Refund me."),
                            assistant("I pass you on.", call("to_billing", "c1")),
                            tool("c1", "handed over"),
                            assistant("Refunded."),
                        ),
                        (Observed("to_billing", {}, "ok", "handed over", "c1", "I pass you on."),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="tool that is tried again",
        fact="Attempts of one call are one observation, with what came of the last.",
        shape="agent that retries",
        asks=asks("Try."),
        models={"model": (Say("", (_TRY,)), Say("Done."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Try."),
                            assistant("", _TRY),
                            tool("c1", "worked"),
                            assistant("Done."),
                        ),
                        (Observed("flaky", {}, "ok", "worked", "c1"),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="model that middleware tries again",
        fact="Failed attempts inside an agent are spans; the answer is said once.",
        shape="agent that falls back",
        ways=("invoke", "ainvoke"),
        asks=asks("Hello?"),
        models={"model": (_DOWN,), "second": (Say("Hi."),)},
        chats=(Chat(turns(["Hello?", "Hi."])),),
    ),
    Scenario(
        name="same call twice in a turn",
        fact="A model that repeats a call, id and all, made two calls.",
        shape="agent",
        tools=(add,),
        asks=asks("1+2?"),
        models={"model": (Say("", (_ADD,)), Say("", (_ADD,)), Say("3."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("1+2?"),
                            assistant("", _ADD),
                            tool("c1", "3"),
                            assistant("", _ADD),
                            tool("c1", "3"),
                            assistant("3."),
                        ),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1"),) * 2,
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="same call twice, then an error",
        fact="So it is in a turn that fails, and after a turn in which it was made already.",
        shape="agent",
        ways=("invoke", "ainvoke", "stream"),
        tools=(add,),
        asks=(Ask("1+2?"), Ask("Again?", raises="ConnectionError")),
        models={
            "model": (
                Say("", (_ADD,)),
                Say("3."),
                Say("", (_ADD,)),
                Say("", (_ADD,)),
                Fail("ConnectionError", "nobody there"),
            )
        },
        chats=(
            Chat(
                (
                    Turn(
                        (user("1+2?"), assistant("", _ADD), tool("c1", "3"), assistant("3.")),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1"),),
                    ),
                    Turn(
                        (
                            user("Again?"),
                            assistant("", _ADD),
                            tool("c1", "3"),
                            assistant("", _ADD),
                            tool("c1", "3"),
                        ),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1"),) * 2,
                        status="error",
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="node with words of its own",
        fact="What a node says in place of its model is said; the model's own words are not.",
        shape="graph with words of its own",
        ways=("invoke", "stream"),
        asks=asks("One?", "Two?", "One?"),
        models=replies("1", "2", "1"),
        chats=(Chat(turns(["One?", "Bot: 1"], ["Two?", "Bot: 2"], ["One?", "Bot: 1"])),),
    ),
    Scenario(
        name="question that waits for a name",
        fact="A graph that asks back before any model is interrupted; its question was said.",
        shape="graph that asks back",
        ways=("invoke", "ainvoke"),
        asks=asks("Greet me."),
        models=replies("Hello Bob."),
        chats=(
            Chat(
                (
                    Turn(said("Greet me.", "Your name?"), status="interrupted"),
                    Turn((user("Bob"), assistant("Hello Bob."))),
                )
            ),
        ),
    ),
    Scenario(
        name="retrieval that fails",
        fact="A question that fails before any model is a failed turn.",
        shape="failing rag",
        asks=(Ask("What is tea?", raises="ConnectionError"),),
        models=replies("never"),
        options={"found": (Found("", 0.0, ""),)},
        chats=(Chat((Turn(said("What is tea?"), status="error"),)),),
    ),
    Scenario(
        name="graph stream that is closed",
        fact="A model run that never ends still said what was heard of it.",
        shape="chat graph in chunks",
        ways=("aclose",),
        asks=asks("Count."),
        models={"model": (Hang("one two "),)},
        chats=(
            Chat((Turn((user("Count."), assistant("one two ", partial=True)), status="stopped"),)),
        ),
    ),
    Scenario(
        name="cancelled in a tool",
        fact="A tool that was running when its task was cancelled was cancelled too.",
        shape="agent with a slow tool",
        ways=("cancel",),
        asks=(Ask("Wait.", raises="CancelledError"),),
        models={"model": (Say("", (call("wait", "c1"),)),)},
        chats=(
            Chat(
                (
                    Turn(
                        (user("Wait."), assistant("", call("wait", "c1"))),
                        (Observed("wait", {}, "cancelled", None, "c1"),),
                        status="cancelled",
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="raw and parsed output",
        fact="Where both are returned, what was parsed is the answer.",
        shape="raw and parsed",
        asks=asks("Where is the Louvre?"),
        models={"model": (Say("", (call("Place", "c1", city="Paris"),)),)},
        chats=(Chat(turns(["Where is the Louvre?", '{"city":"Paris"}'])),),
    ),
    Scenario(
        name="indexing job",
        fact="A job that answers nobody is no turn, and its texts are nobody's words.",
        shape="indexing",
        asks=asks("a long document"),
        models={},
        chats=(Chat((Turn((), kind="trace"),)),),
    ),
    Scenario(
        name="agent in a told turn",
        fact="The transcript is as told; the tools of the agent inside are observed.",
        shape="agent in a turn",
        tools=(add,),
        asks=asks("1+2?"),
        models={"model": (Say("So.", (_ADD,)), Say("It is 3."))},
        chats=(
            Chat(
                (
                    Turn(
                        said("1+2?", "Three!"),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1", "So."),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="process-wide recording of an agent",
        fact="Attaching records agents, tools and all, without a handler in any call.",
        shape="attached agent",
        ways=("invoke", "ainvoke"),
        tools=(add,),
        asks=asks("1+2?"),
        models={"model": (Say("", (_ADD,)), Say("3."))},
        chats=(
            Chat(
                (
                    Turn(
                        (user("1+2?"), assistant("", _ADD), tool("c1", "3"), assistant("3.")),
                        (Observed("add", {"a": 1, "b": 2}, "ok", "3", "c1"),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="handler that is given again inside",
        fact="A handler that a function passes on makes no second turn.",
        shape="handler passed on",
        asks=asks("Hello?"),
        models=replies("Hi."),
        chats=(Chat(turns(["Hello?", "Hi."])),),
    ),
)
