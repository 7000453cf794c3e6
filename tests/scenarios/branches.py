"""Scenarios in which an application goes back and on from there, and such as only look like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.script import Chat, Scenario, Turn, asks, replies, said, turns, user

if TYPE_CHECKING:
    from collections.abc import Sequence

_TWO: Final = (["One?", "1."], ["Two?", "2."])
_QUESTIONS: Final = ("One?", "Two?")


def _gone_back(
    name: str,
    fact: str,
    shape: str,
    *,
    last: Turn,
    newest: tuple[str, ...],
    ways: tuple[str, ...] = ("invoke",),
) -> Scenario:
    """Two turns, then one that goes another way."""
    return Scenario(
        name=name,
        fact=fact,
        shape=shape,
        ways=ways,
        asks=asks(*_QUESTIONS),
        models=replies("1.", "2.", "Other."),
        chats=(Chat((*turns(*_TWO), last), newest=newest),),
    )


_AGAIN: Final = Turn(said("Two?", "Other.")[1:], behind="Two?")
_EDITED: Final = Turn(said("Zwei?", "Other."), behind="1.")
_AGAIN_NEWEST: Final = ("One?", "1.", "Two?", "Other.")
_EDITED_NEWEST: Final = ("One?", "1.", "Zwei?", "Other.")

BRANCHES: Final[Sequence[Scenario]] = (
    _gone_back(
        "answer that is made again",
        "Another answer shares the question; the first one is left behind, not lost.",
        "chat graph that answers again",
        last=_AGAIN,
        newest=_AGAIN_NEWEST,
        ways=("invoke", "ainvoke", "stream"),
    ),
    _gone_back(
        "question that is edited",
        "An edited question begins a branch where the first one stood.",
        "chat graph with an edited question",
        last=_EDITED,
        newest=_EDITED_NEWEST,
        ways=("invoke", "astream"),
    ),
    _gone_back(
        "first question that is edited",
        "A branch that shares nothing begins anew.",
        "chat graph that begins anew",
        last=Turn(said("Zwei?", "Other."), behind=""),
        newest=("Zwei?", "Other."),
    ),
    _gone_back(
        "other question behind an earlier answer",
        "What is asked at an earlier checkpoint goes on from there.",
        "chat graph that goes back",
        last=_EDITED,
        newest=_EDITED_NEWEST,
    ),
    _gone_back(
        "answer of a held history that is made again",
        "A caller who sends the beginning of a history again has gone back.",
        "held history that is answered again",
        last=_AGAIN,
        newest=_AGAIN_NEWEST,
    ),
    _gone_back(
        "question of a held history that is edited",
        "A history that ends where something else went on is a branch.",
        "held history with an edited question",
        last=_EDITED,
        newest=_EDITED_NEWEST,
    ),
    _gone_back(
        "message that is sent again with other words",
        "The same id with other words is an edit, also without any history.",
        "chat graph that sends a message again",
        last=_EDITED,
        newest=_EDITED_NEWEST,
    ),
    Scenario(
        name="answer to a question that is taken back",
        fact="An answer that is given anew shares the question that an interrupt asked.",
        shape="form that is answered again",
        asks=asks("Sign me up."),
        models=replies("Welcome.", "Welcome."),
        chats=(
            Chat(
                (
                    Turn(said("Sign me up.", "Your name?"), status="interrupted"),
                    Turn(said("Bob", "Welcome.")),
                    Turn(said("Eve", "Welcome."), behind="Your name?"),
                ),
                newest=("Sign me up.", "Your name?", "Eve", "Welcome."),
            ),
        ),
    ),
    Scenario(
        name="branch that is left again",
        fact="Who goes back to an older way goes on with it; the newest way is shown.",
        shape="chat graph that goes both ways",
        asks=asks(*_QUESTIONS),
        models=replies("1.", "2.", "Other.", "3."),
        chats=(
            Chat(
                (*turns(*_TWO), _AGAIN, Turn(said("Three?", "3."), behind="2.")),
                newest=("One?", "1.", "Two?", "2.", "Three?", "3."),
            ),
        ),
    ),
    Scenario(
        name="checkpoint that is the newest",
        fact="Naming the newest checkpoint is no branch.",
        shape="chat graph that names its checkpoint",
        asks=asks(*_QUESTIONS),
        models=replies("1.", "2."),
        chats=(Chat(turns(*_TWO)),),
    ),
    Scenario(
        name="two questions at the same time",
        fact="Turns that overlap never branch from each other, whatever history they were sent.",
        shape="held history in two at once",
        asks=asks("One?", "Two?"),
        models=replies("1.", "2.", "2."),
        chats=(Chat((*turns(*_TWO[:1]), *turns(*_TWO[1:]) * 2)),),
    ),
    Scenario(
        name="examples that are sent each time",
        fact="Examples before each question are prelude, and no place to branch from.",
        shape="examples before each question",
        asks=asks(*_QUESTIONS),
        models=replies("1.", "2."),
        chats=(Chat(turns(*_TWO), prelude=said("Zero?", "0.")),),
    ),
    Scenario(
        name="failed question that is dropped",
        fact="A question that nobody answered is no branch when another one takes its place.",
        shape="held history without what failed",
        asks=asks(*_QUESTIONS),
        models=replies("1.", "2."),
        chats=(
            Chat((*turns(*_TWO[:1]), Turn((user("Broken?"),), status="error"), *turns(*_TWO[1:]))),
        ),
    ),
)
