"""Scenarios of calls that do not end well: errors, retries, streams that are left, cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.chains import CALLED
from tests.scenarios.script import (
    Ask,
    Chat,
    Fail,
    Hang,
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

_DOWN: Final = Fail("ConnectionError", "nobody there")

FAILURES: Final[Sequence[Scenario]] = (
    Scenario(
        name="model error and retry",
        fact="The user's message is kept; when it is sent again it is not said twice.",
        shape="chain",
        ways=CALLED,
        asks=(Ask("Hello?", raises="ConnectionError"), Ask("Hello?")),
        models={"model": (_DOWN, Say("Hi."))},
        chats=(Chat((Turn(said("Hello?"), status="error"), Turn((assistant("Hi."),)))),),
    ),
    Scenario(
        name="model error and retry, graph",
        fact="So it is where the application keeps the messages, and has kept the first.",
        shape="chat graph",
        ways=("invoke", "ainvoke", "stream"),
        asks=(Ask("Hello?", raises="ConnectionError"), Ask("Hello?")),
        models={"model": (_DOWN, Say("Hi."))},
        chats=(Chat((Turn(said("Hello?"), status="error"), Turn((assistant("Hi."),)))),),
    ),
    Scenario(
        name="model error and another question",
        fact="What is said after an error that is not the same again is said.",
        shape="chat graph",
        asks=(Ask("Hello?", raises="ConnectionError"), Ask("Anybody?")),
        models={"model": (_DOWN, Say("Hi."))},
        chats=(Chat((Turn(said("Hello?"), status="error"), *turns(["Anybody?", "Hi."]))),),
    ),
    Scenario(
        name="model error in mid-answer",
        fact="What was said until the error is kept, and flagged.",
        shape="chain",
        ways=("stream", "astream"),
        asks=(Ask("Hello?", raises="ConnectionError"),),
        models={"model": (Fail("ConnectionError", "gone", after="Well, I "),)},
        chats=(
            Chat((Turn((user("Hello?"), assistant("Well, I ", partial=True)), status="error"),)),
        ),
    ),
    Scenario(
        name="parser error",
        fact="An answer that the application could not use is kept, and flagged.",
        shape="chain",
        options={"parser": "json"},
        asks=(Ask("Where?", raises="ValueError"),),
        models=replies("in Paris"),
        chats=(
            Chat((Turn((user("Where?"), assistant("in Paris", partial=True)), status="error"),)),
        ),
    ),
    Scenario(
        name="fallback",
        fact="A model that fails and one that steps in make one turn.",
        shape="fallback",
        ways=CALLED,
        asks=asks("Hello?"),
        models={"first": (_DOWN,), "second": (Say("Hi."),)},
        chats=(Chat(turns(["Hello?", "Hi."])),),
    ),
    Scenario(
        name="fallback in a chain",
        fact="So they do inside a chain.",
        shape="fallback in a chain",
        ways=CALLED,
        asks=asks("Hello?"),
        models={"first": (_DOWN,), "second": (Say("Hi."),)},
        chats=(Chat(turns(["Hello?", "Hi."])),),
    ),
    Scenario(
        name="model that is tried again",
        fact="Attempts are spans; the answer is said once.",
        shape="retrying model",
        ways=("invoke", "ainvoke"),
        asks=asks("Hello?"),
        models={"model": (_DOWN, Say("Hi."))},
        chats=(Chat(turns(["Hello?", "Hi."])),),
    ),
    Scenario(
        name="stream that is closed",
        fact="A stream that its consumer leaves is a stopped turn; what was said is kept.",
        shape="chain",
        ways=("close",),
        asks=asks("Count."),
        models=replies("one two three"),
        chats=(
            Chat(
                (
                    Turn(
                        (user("Count."), assistant("one two three", partial=True)), status="stopped"
                    ),
                )
            ),
        ),
    ),
    Scenario(
        name="asynchronous stream that is closed",
        fact="So is one of a coroutine, with the words until then.",
        shape="chain",
        ways=("aclose",),
        asks=asks("Count."),
        models=replies("one two three"),
        chats=(Chat((Turn((user("Count."), assistant("one ", partial=True)), status="stopped"),)),),
    ),
    Scenario(
        name="model stream that is closed",
        fact="So is the stream of a model that was called alone.",
        shape="bare model",
        ways=("close", "aclose"),
        asks=asks("Count."),
        models=replies("one two three"),
        chats=(Chat((Turn((user("Count."), assistant("one ", partial=True)), status="stopped"),)),),
    ),
    Scenario(
        name="cancelled call",
        fact="A call whose task is cancelled is a cancelled turn.",
        shape="chain",
        ways=("cancel",),
        asks=(Ask("Hello?", raises="CancelledError"), Ask("Hello?", raises="CancelledError")),
        models={"model": (Hang(), Hang())},
        chats=(Chat((Turn(said("Hello?"), status="cancelled"), Turn((), status="cancelled"))),),
    ),
    Scenario(
        name="cancelled graph",
        fact="So is a graph's.",
        shape="chat graph",
        ways=("cancel",),
        asks=(Ask("Hello?", raises="CancelledError"),),
        models={"model": (Hang(),)},
        chats=(Chat((Turn(said("Hello?"), status="cancelled"),)),),
    ),
)
