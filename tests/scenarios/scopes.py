"""Scenarios of what belongs together: turns of several calls, scopes, side calls, attaching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import (
    Ask,
    Chat,
    Echo,
    Observed,
    Say,
    Scenario,
    Turn,
    asks,
    replies,
    said,
    turns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.scenarios.script import Reply

_THREE_MODELS: Final[Mapping[str, tuple[Reply, ...]]] = {
    "planner": (Say("A plan."),),
    "drafter": (Say("A draft."),),
    "writer": (Say("A text."),),
}
_TWO: Final = turns(["Hello?", "Hi."], ["Bye.", "See you."])
_TITLED: Final[Mapping[str, tuple[Reply, ...]]] = {
    "model": (Say("Hi."), Say("See you.")),
    "titles": (Say("A greeting"), Say("A farewell")),
    "secrets": (Say("Psst."), Say("Psst.")),
}

SCOPES: Final[Sequence[Scenario]] = (
    Scenario(
        name="three models in one turn, told",
        fact="The input and the output that the application gives are the transcript.",
        shape="three models",
        ways=("invoke", "ainvoke", "stream"),
        options={"told": True},
        asks=asks("Write about tea."),
        models=_THREE_MODELS,
        chats=(Chat(turns(["Write about tea.", "Here you are: A text."])),),
    ),
    Scenario(
        name="three models in one turn, not told",
        fact="The first call's question and the last call's answer are the transcript.",
        shape="three models",
        options={"told": False},
        asks=asks("Write about tea."),
        models=_THREE_MODELS,
        chats=(Chat(turns(["Write about tea.", "A text."])),),
    ),
    Scenario(
        name="turn of one's own code",
        fact="Code without a framework makes turns too.",
        shape="own code",
        asks=asks("What is tea?"),
        models={},
        chats=(
            Chat(
                (
                    Turn(
                        said("What is tea?", "A drink."),
                        (Observed("look_up", {"word": "tea"}, "ok", "a drink"),),
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="side calls",
        fact="A side call under the same id is a trace; one that is switched off is nothing.",
        shape="side call",
        asks=asks("Hello?", "Bye."),
        models=_TITLED,
        unseen=2,
        chats=(
            Chat(
                (
                    _TWO[0],
                    Turn(said("Hello?", "A greeting"), kind="trace"),
                    _TWO[1],
                    Turn(said("Bye.", "A farewell"), kind="trace"),
                )
            ),
        ),
    ),
    Scenario(
        name="side call inside a turn",
        fact="A side call inside a turn is a span of it and no message.",
        shape="side call inside",
        asks=asks("Hello?", "Bye."),
        models={"model": _TITLED["model"], "titles": _TITLED["titles"]},
        chats=(Chat(_TWO),),
    ),
    Scenario(
        name="conversation scope",
        fact="What surrounds a call names its conversation and its user.",
        shape="conversation scope",
        ways=("invoke", "ainvoke", "stream", "astream"),
        asks=(Ask("Hello?", user="u-1"), Ask("Bye.", user="u-1")),
        models=replies("Hi.", "See you."),
        chats=(Chat(_TWO, user="u-1"),),
    ),
    Scenario(
        name="config that is made for it",
        fact="A plain config carries handler, conversation and user.",
        shape="ready config",
        ways=("invoke", "astream", "events"),
        asks=(Ask("Hello?", user="u-1"), Ask("Bye.", user="u-1")),
        models=replies("Hi.", "See you."),
        chats=(Chat(_TWO, user="u-1"),),
    ),
    Scenario(
        name="handler with a conversation",
        fact="In a script the handler itself may name the conversation.",
        shape="default thread",
        asks=asks("Hello?", "Bye."),
        models=replies("Hi.", "See you."),
        chats=(Chat(_TWO),),
    ),
    Scenario(
        name="handler that is attached twice",
        fact="However often a handler is attached, everything is recorded once.",
        shape="handler twice",
        ways=("invoke", "ainvoke", "stream"),
        asks=asks("Hello?", "Bye."),
        models=replies("Hi.", "See you."),
        chats=(Chat(_TWO),),
    ),
    Scenario(
        name="two handlers",
        fact="Two handlers of one client record everything once.",
        shape="two handlers",
        asks=asks("Hello?", "Bye."),
        models=replies("Hi.", "See you."),
        chats=(Chat(_TWO),),
    ),
    Scenario(
        name="process-wide recording",
        fact="Attaching records every call, and those with an own handler once.",
        shape="attached",
        ways=("invoke", "ainvoke", "stream"),
        asks=asks("Hello?", "Bye."),
        models={"model": (Say("Hi."), Say("See you.")), "secrets": (Say("Psst."),)},
        unseen=1,
        chats=(Chat(_TWO),),
    ),
    Scenario(
        name="pause",
        fact="What happens in a pause is not recorded.",
        shape="paused",
        asks=asks("Hello?", "Psst?", "Bye."),
        models={"model": (Say("Hi."), Say("See you.")), "secrets": (Echo(),)},
        unseen=1,
        chats=(Chat(_TWO),),
    ),
)
