"""Scenarios with a human in the loop: decisions about tools, questions in words, breakpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import (
    Call,
    Chat,
    Line,
    Observed,
    Say,
    Scenario,
    Starts,
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


def send(to: str) -> str:
    """Send a letter."""
    return f"sent to {to}"


def look(who: str) -> str:
    """Look an address up."""
    return f"{who} lives here"


_SEND: Final = call("send", "c1", to="Ada")
_ASKED: Final = "May I?"


def _waiting(*calls: Call, automatic: Sequence[Call] = ()) -> Turn:
    """The turn that ends with a human being asked about some of its calls."""
    every = (*automatic, *calls)
    return Turn(
        (user("Write to Ada."), assistant(_ASKED, *every)),
        tuple(
            Observed(
                one.name,
                one.arguments,
                "interrupted",
                None,
                one.id,
                _ASKED,
                "awaited" if one in calls else None,
            )
            for one in every
        ),
        status="interrupted",
    )


def _decided(told: str, observed: Observed, *, decision: object, name: str, fact: str) -> Scenario:
    """One call, one decision about it, and the model's answer."""
    return Scenario(
        name=name,
        fact=fact,
        shape="reviewed agent",
        tools=(send,),
        options={"decisions": (decision,)},
        asks=asks("Write to Ada."),
        models={"model": (Say(_ASKED, (_SEND,)), Say("So be it."))},
        chats=(
            Chat(
                (
                    _waiting(_SEND),
                    Turn((tool("c1", told), assistant("So be it.")), (observed,)),
                )
            ),
        ),
    )


_SEVERAL: Final = (
    call("send", "c1", to="Ada"),
    call("send", "c2", to="Bob"),
    call("send", "c3", to="Cleo"),
)
_LOOK: Final = call("look", "c0", who="Ada")
_MANY: Final = (
    {"type": "reject", "message": "Not her."},
    {"type": "approve"},
    {"type": "respond", "message": "I wrote to Cleo."},
)
_REJECTED: Final = "User rejected the tool call for `send` with reason: Not her."


def _observed_many(*, first: tuple[Observed, ...] = ()) -> tuple[Observed, ...]:
    return (
        *first,
        Observed("send", {"to": "Ada"}, "rejected", _REJECTED, "c1", _ASKED, "reject: Not her."),
        Observed("send", {"to": "Bob"}, "ok", "sent to Bob", "c2", _ASKED, "approve"),
        Observed(
            "send",
            {"to": "Cleo"},
            "ok",
            "I wrote to Cleo.",
            "c3",
            _ASKED,
            "respond: I wrote to Cleo.",
        ),
    )


_TOLD_MANY: Final[Sequence[Line]] = (
    tool("c1", _REJECTED),
    tool("c3", "I wrote to Cleo."),
    tool("c0", "Ada lives here"),
    tool("c2", "sent to Bob"),
)

HUMANS: Final[Sequence[Scenario]] = (
    _decided(
        Starts("Note: a human reviewer replaced this tool call"),
        Observed("send", {"to": "Bob"}, "ok", "sent to Bob", "c1", _ASKED, "edit"),
        decision={"type": "edit", "edited_action": {"name": "send", "args": {"to": "Bob"}}},
        name="call that a human edits",
        fact="What ran is observed; what the model was told of it stands in the transcript.",
    ),
    _decided(
        _REJECTED,
        Observed("send", {"to": "Ada"}, "rejected", _REJECTED, "c1", _ASKED, "reject: Not her."),
        decision={"type": "reject", "message": "Not her."},
        name="call that a human rejects",
        fact="A rejected call has that outcome, and the person's reason.",
    ),
    _decided(
        "Done by hand.",
        Observed(
            "send", {"to": "Ada"}, "ok", "Done by hand.", "c1", _ASKED, "respond: Done by hand."
        ),
        decision={"type": "respond", "message": "Done by hand."},
        name="call that a human answers",
        fact="A human's answer in a tool's place is its result.",
    ),
    Scenario(
        name="several calls under review",
        fact="Each call has its own decision, also beside one that nobody asks about.",
        shape="reviewed agent",
        ways=("invoke", "ainvoke", "stream"),
        tools=(send, look),
        options={"decisions": _MANY},
        asks=asks("Write to Ada."),
        models={"model": (Say(_ASKED, (_LOOK, *_SEVERAL)), Say("So be it."))},
        chats=(
            Chat(
                (
                    _waiting(*_SEVERAL, automatic=(_LOOK,)),
                    Turn(
                        (*_TOLD_MANY, assistant("So be it.")),
                        _observed_many(
                            first=(
                                Observed(
                                    "look", {"who": "Ada"}, "ok", "Ada lives here", "c0", _ASKED
                                ),
                            )
                        ),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="calls that are reviewed one by one",
        fact="Each call is an interrupt of its own, answered by its id.",
        shape="agent reviewed by call",
        tools=(send,),
        options={"decisions": _MANY},
        asks=asks("Write to Ada."),
        models={"model": (Say(_ASKED, _SEVERAL), Say("So be it."))},
        chats=(
            Chat(
                (
                    _waiting(*_SEVERAL),
                    Turn(
                        (
                            tool("c1", _REJECTED),
                            tool("c2", "sent to Bob"),
                            tool("c3", "I wrote to Cleo."),
                            assistant("So be it."),
                        ),
                        _observed_many(),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="resume under the id of the run that asked",
        fact="Two runs under one id are two turns, and no decision is lost.",
        shape="agent resumed under one id",
        tools=(send,),
        options={"decisions": ({"type": "approve"},)},
        asks=asks("Write to Ada."),
        models={"model": (Say(_ASKED, (_SEND,)), Say("Done."))},
        chats=(
            Chat(
                (
                    _waiting(_SEND),
                    Turn(
                        (tool("c1", "sent to Ada"), assistant("Done.")),
                        (
                            Observed(
                                "send", {"to": "Ada"}, "ok", "sent to Ada", "c1", _ASKED, "approve"
                            ),
                        ),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="review that another process answers",
        fact="The process that resumes knows from the store what was asked.",
        shape="agent resumed elsewhere",
        tools=(send,),
        options={"decisions": ({"type": "reject", "message": "Not her."},)},
        asks=asks("Write to Ada."),
        models={"model": (Say(_ASKED, (_SEND,)), Say("So be it."))},
        chats=(
            Chat(
                (
                    _waiting(_SEND),
                    Turn((tool("c1", _REJECTED), assistant("So be it.")), _observed_many()[:1]),
                )
            ),
        ),
    ),
    Scenario(
        name="two questions of one node",
        fact="Each question is the assistant's, each answer the user's; nothing is said twice.",
        shape="form",
        ways=("invoke", "ainvoke", "stream", "astream"),
        options={"answers": ("Bob", "42")},
        asks=asks("Sign me up."),
        models=replies("Welcome Bob."),
        chats=(
            Chat(
                (
                    Turn(said("Sign me up.", "Your name?"), status="interrupted"),
                    Turn(said("Bob", "Your age?"), status="interrupted"),
                    Turn(said("42", "Welcome Bob.")),
                )
            ),
        ),
    ),
    Scenario(
        name="question that is asked until it is answered",
        fact="A question that is put again is said again.",
        shape="stubborn form",
        options={"answers": ("old", "42")},
        asks=asks("Sign me up."),
        models=replies("Welcome."),
        chats=(
            Chat(
                (
                    Turn(said("Sign me up.", "Your age?"), status="interrupted"),
                    Turn(said("old", "Your age?"), status="interrupted"),
                    Turn(said("42", "Welcome.")),
                )
            ),
        ),
    ),
    Scenario(
        name="two questions at once",
        fact="A question that still waits when another is answered is not said again.",
        shape="questions side by side",
        ways=("ainvoke",),
        options={"answers": ("Bob", "42")},
        asks=asks("Sign me up."),
        models=replies("Welcome."),
        chats=(
            Chat(
                (
                    Turn(
                        (user("Sign me up."), assistant("Your name?"), assistant("Your age?")),
                        status="interrupted",
                    ),
                    Turn((user("Bob"),), status="interrupted"),
                    Turn(said("42", "Welcome.")),
                )
            ),
        ),
    ),
    Scenario(
        name="tool that asks the user",
        fact="What a tool asks a human is said in the conversation; the answer is its result.",
        shape="agent that asks the user",
        options={"answers": ("To Oslo.",)},
        asks=asks("Book a trip."),
        models={"model": (Say("", (call("ask_user", "c1", about="where"),)), Say("Booked: Oslo."))},
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Book a trip."),
                            assistant("", call("ask_user", "c1", about="where")),
                            assistant("Please tell me: where?"),
                        ),
                        (Observed("ask_user", {"about": "where"}, "interrupted", None, "c1"),),
                        status="interrupted",
                    ),
                    Turn(
                        (user("To Oslo."), tool("c1", "To Oslo."), assistant("Booked: Oslo.")),
                        (Observed("ask_user", {"about": "where"}, "ok", "To Oslo.", "c1"),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="question of a subgraph",
        fact="An interrupt that passes through several graphs asks once.",
        shape="form in a subgraph",
        ways=("invoke", "astream"),
        options={"answers": ("Bob",)},
        asks=asks("Sign me up."),
        models=replies("Welcome Bob."),
        chats=(
            Chat(
                (
                    Turn(said("Sign me up.", "Your name?"), status="interrupted"),
                    Turn(said("Bob", "Welcome Bob.")),
                )
            ),
        ),
    ),
    Scenario(
        name="question inside a told turn",
        fact="A turn of the application's own waits for a human, too.",
        shape="form in a told turn",
        options={"answers": ("Bob",)},
        asks=asks("Sign me up."),
        models=replies("Welcome Bob."),
        chats=(
            Chat(
                (
                    Turn(said("Sign me up.", "Your name?"), status="interrupted"),
                    Turn(said("Bob", "Welcome Bob.")),
                )
            ),
        ),
    ),
    Scenario(
        name="draft that a human looks at",
        fact="A graph without messages says its draft and its question; an approval says nothing.",
        shape="draft under review",
        options={"answers": (True,)},
        asks=asks("Write about tea."),
        models=replies("Tea is hot."),
        chats=(
            Chat(
                (
                    Turn(
                        (
                            user("Write about tea."),
                            assistant("Tea is hot."),
                            assistant("Shall I publish it?"),
                        ),
                        status="interrupted",
                    ),
                    Turn((assistant("published: Tea is hot."),)),
                )
            ),
        ),
    ),
    Scenario(
        name="question of a workflow in functions",
        fact="The functional API asks and is answered like any graph.",
        shape="workflow in functions",
        ways=("invoke", "stream"),
        options={"answers": ("Bob",)},
        asks=asks("Greet me."),
        models=replies("Hello Bob."),
        chats=(
            Chat(
                (
                    Turn(said("Greet me.", "Your name?"), status="interrupted"),
                    Turn(said("Bob", "Hello Bob.")),
                )
            ),
        ),
    ),
    Scenario(
        name="breakpoint before a node",
        fact="A graph that stops at a breakpoint waits for a human; what follows is the answer.",
        shape="chat graph with a breakpoint",
        ways=("invoke", "ainvoke", "stream"),
        options={"compiled": {"interrupt_before": ["answer"]}},
        asks=asks("Hello?"),
        models=replies("Hi."),
        chats=(Chat((Turn((user("Hello?"),), status="interrupted"), Turn((assistant("Hi."),)))),),
    ),
    Scenario(
        name="breakpoint after a node",
        fact="What was said until the breakpoint is said; going on says nothing new.",
        shape="chat graph with a breakpoint",
        options={"compiled": {"interrupt_after": ["answer"]}},
        asks=asks("Hello?"),
        models=replies("Hi."),
        chats=(Chat((Turn(said("Hello?", "Hi."), status="interrupted"), Turn((), kind="trace"))),),
    ),
    Scenario(
        name="question that is left alone",
        fact="Who is asked and says something else begins a new turn; the question stays.",
        shape="form that is left alone",
        asks=asks("Sign me up.", "Never mind."),
        models=replies("All right."),
        chats=(
            Chat(
                (
                    Turn(said("Sign me up.", "Your name?"), status="interrupted"),
                    *turns(["Never mind.", "All right."]),
                )
            ),
        ),
    ),
)
