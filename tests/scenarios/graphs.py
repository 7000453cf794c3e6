"""Scenarios of graphs: subgraphs, fan-out, hand-offs, supervisors, functions, attempts, windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.chains import CALLED
from tests.scenarios.script import (
    Chat,
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

_TO_BOB: Final = call("go_to_bob", "c1")
_TO_ADA: Final = call("go_to_ada", "c2")
_TO_MATHS: Final = call("ask_maths", "c1", task="1+2")

GRAPHS: Final[Sequence[Scenario]] = (
    Scenario(
        name="subgraph as a node",
        fact="What a graph inside a graph says is said once.",
        shape="graph in a graph",
        ways=CALLED,
        asks=asks("One?", "Two?"),
        models=replies("1.", "2."),
        chats=(Chat(turns(["One?", "1."], ["Two?", "2."])),),
    ),
    Scenario(
        name="subgraph that a node calls",
        fact="A graph that a node calls with other words is how the answer came about.",
        shape="graph called by a node",
        ways=("invoke", "ainvoke"),
        asks=asks("One?", "Two?"),
        models=replies("1", "2"),
        chats=(Chat(turns(["One?", "It is 1."], ["Two?", "It is 2."])),),
    ),
    Scenario(
        name="nodes that are sent out",
        fact="What parallel nodes find out is in spans; what is made of it is the answer.",
        shape="fan-out",
        ways=("invoke", "ainvoke"),
        asks=asks("Tea?"),
        models={
            "finder": (Say("found"), Say("found"), Say("found")),
            "writer": (Say("Three things."),),
        },
        chats=(Chat(turns(["Tea?", "Three things."])),),
    ),
    Scenario(
        name="node that is tried again",
        fact="A node that failed and was tried again says what it said at last.",
        shape="graph that tries again",
        ways=("invoke", "ainvoke"),
        asks=asks("One?", "Two?"),
        models=replies("1.", "2."),
        chats=(Chat(turns(["One?", "1."], ["Two?", "2."])),),
    ),
    Scenario(
        name="commands that choose the way",
        fact="A Command that updates and goes on is an output like any other.",
        shape="graph of commands",
        ways=CALLED,
        asks=asks("Hello?"),
        models={"router": (Say("polite"),), "writer": (Say("Good day."),)},
        chats=(Chat(turns(["Hello?", "Good day."])),),
    ),
    Scenario(
        name="agents that hand over to each other",
        fact="A hand-off is a tool call; the agent that has the word keeps it in the next turn.",
        shape="swarm",
        ways=("invoke", "astream"),
        asks=asks("Bob please.", "Are you Bob?", "Ada please."),
        models={
            "ada": (Say("Over to Bob.", (_TO_BOB,)), Say("Ada here.")),
            "bob": (Say("Bob here."), Say("I am."), Say("Over to Ada.", (_TO_ADA,))),
        },
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Bob please."),
                            assistant("Over to Bob.", _TO_BOB),
                            tool("c1", "Over to bob."),
                            assistant("Bob here."),
                        ),
                        (Observed("go_to_bob", {}, "ok", "Over to bob.", "c1", "Over to Bob."),),
                    ),
                    *turns(["Are you Bob?", "I am."]),
                    Turn(
                        (
                            user("Ada please."),
                            assistant("Over to Ada.", _TO_ADA),
                            tool("c2", "Over to ada."),
                            assistant("Ada here."),
                        ),
                        (Observed("go_to_ada", {}, "ok", "Over to ada.", "c2", "Over to Ada."),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="supervisor with agents as tools",
        fact="What an agent says to its supervisor is a tool's result, not an answer to the user.",
        shape="supervisor",
        ways=("invoke", "ainvoke"),
        asks=asks("1+2?"),
        models={
            "boss": (Say("I ask.", (_TO_MATHS,)), Say("It is three.")),
            "maths": (Say("3"),),
        },
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("1+2?"),
                            assistant("I ask.", _TO_MATHS),
                            tool("c1", "3"),
                            assistant("It is three."),
                        ),
                        (Observed("ask_maths", {"task": "1+2"}, "ok", "3", "c1", "I ask."),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="workflow of functions",
        fact="Tasks are steps; what the entrypoint returns is the answer.",
        shape="functions",
        ways=("invoke", "ainvoke", "stream"),
        asks=asks("Tea?"),
        models={"outliner": (Say("a, b"),), "writer": (Say("About a and b."),)},
        chats=(Chat(turns(["Tea?", "About a and b."])),),
    ),
    Scenario(
        name="window of a graph",
        fact="A model that is shown only the newest messages changes nothing of what was said.",
        shape="graph with a window",
        ways=("invoke", "ainvoke"),
        asks=asks("Same?", "Same?", "Same?", "Same?"),
        models=replies("Yes.", "Yes.", "Yes.", "No."),
        chats=(
            Chat(turns(["Same?", "Yes."], ["Same?", "Yes."], ["Same?", "Yes."], ["Same?", "No."])),
        ),
    ),
    Scenario(
        name="messages that are deleted",
        fact="What an application deletes from its memory was said all the same.",
        shape="graph that forgets",
        asks=asks("One?", "Two?", "Three?"),
        models=replies("1.", "2.", "3."),
        chats=(Chat(turns(["One?", "1."], ["Two?", "2."], ["Three?", "3."])),),
    ),
    Scenario(
        name="cached node",
        fact="An answer that LangGraph had kept is said again, by no model.",
        shape="graph with a cache",
        asks=asks("One?", "One?"),
        models=replies("1."),
        chats=(Chat(turns(["One?", "1."], ["One?", "1."])),),
    ),
    Scenario(
        name="recursion limit",
        fact="A loop that is cut short is a failed turn; what was said until then is kept.",
        shape="endless graph",
        asks=asks("Go."),
        models=replies("a", "b", "c"),
        chats=(
            Chat(
                (
                    Turn(
                        (*said("Go.", "a"), assistant("b"), assistant("c")),
                        status="error",
                    ),
                )
            ),
        ),
    ),
)
