"""The words that scenarios are written in: what is said, by whom, and what is to be recorded.

Nothing here knows a framework. A driver turns a scenario's `shape` into an application, lets the
scripted models and tools answer, and compares what was recorded by `tests.scenarios.checking`.
"""

from __future__ import annotations

import asyncio
import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# -- what happens ---------------------------------------------------------------------------------


class Call(NamedTuple):
    """A model's request to execute a tool."""

    name: str
    id: str | None
    arguments: Mapping[str, Any]


class Say(NamedTuple):
    """A model answers, with words, tool calls or both."""

    text: str
    calls: tuple[Call, ...] = ()


class Fail(NamedTuple):
    """A model fails with a built-in exception, perhaps after a part of its answer."""

    error: str
    words: str
    after: str = ""


class Hang(NamedTuple):
    """A model never answers, until its caller gives up; a stream says something before."""

    after: str = ""


class Echo(NamedTuple):
    """A model repeats the last thing it was told."""


Reply = Say | Fail | Hang | Echo


class Found(NamedTuple):
    """A document that a retriever finds."""

    text: str
    score: float
    id: str


@dataclass(frozen=True)
class Ask:
    """The user says something. `thread` and `user` are what the application knows of them."""

    text: str
    thread: str | None = "t-1"
    user: str | None = None
    raises: str | None = None
    """The exception that reaches the application."""


def error_named(name: str) -> type[BaseException]:
    """Return the exception of this name."""
    return asyncio.CancelledError if name == "CancelledError" else getattr(builtins, name)


# -- what is to be recorded -----------------------------------------------------------------------


class Line(NamedTuple):
    """One message: who, which words, which tool calls, or which call it answers."""

    role: str
    text: str
    calls: tuple[Call, ...] = ()
    answers: str | None = None
    partial: bool = False


class Observed(NamedTuple):
    """One tool observation."""

    name: str
    arguments: Any
    outcome: str
    result: Any = None
    call_id: str | None = None
    thought: str | None = None
    decision: str | None = None
    """What a human decided, and their words."""


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation, as it is to be read back."""

    said: tuple[Line, ...]
    observed: tuple[Observed, ...] = ()
    status: str = "ok"
    kind: str = "turn"
    found: tuple[Found, ...] = ()
    behind: str | None = None
    """What was said last before it branches off; empty where it begins anew."""


@dataclass(frozen=True)
class Chat:
    """One conversation, as it is to be read back; `thread` is None where no id was given."""

    turns: tuple[Turn, ...]
    thread: str | None = "t-1"
    prelude: tuple[Line, ...] = ()
    user: str | None = None
    newest: tuple[str, ...] = ()
    """What the newest branch says, where there are several."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One fact: an application of some shape, what is said to it, and what is recorded of that.

    `shape` names how the application is built, `ways` how it is called: each way is a test.
    `models` are the scripts of its models, in the order that each is called.
    """

    name: str
    fact: str
    shape: str
    asks: tuple[Ask, ...]
    models: Mapping[str, tuple[Reply, ...]]
    chats: tuple[Chat, ...]
    ways: tuple[str, ...] = ("invoke",)
    tools: tuple[Callable[..., Any], ...] = ()
    unseen: int = 0
    """How many model calls were not recorded; less than none for those that a cache answered."""
    options: Mapping[str, Any] = field(default_factory=dict)


def system(text: str) -> Line:
    """The system prompt."""
    return Line("system", text)


def user(text: str) -> Line:
    """The user's words."""
    return Line("user", text)


def assistant(text: str, *calls: Call, partial: bool = False) -> Line:
    """What the assistant said."""
    return Line("assistant", text, calls, None, partial)


def tool(call_id: str, text: str) -> Line:
    """What a tool answered, as the model was told."""
    return Line("tool", text, (), call_id)


def call(name: str, call_id: str | None = None, **arguments: Any) -> Call:
    """A tool call."""
    return Call(name, call_id, arguments)


def said(*texts: str) -> tuple[Line, ...]:
    """User and assistant, in turn."""
    return tuple(Line(("user", "assistant")[n % 2], text) for n, text in enumerate(texts))


def replies(*texts: str) -> Mapping[str, tuple[Reply, ...]]:
    """One model that says these things."""
    return {"model": tuple(Say(text) for text in texts)}


def asks(*texts: str, thread: str | None = "t-1") -> tuple[Ask, ...]:
    """The user says these things, one turn each."""
    return tuple(Ask(text, thread) for text in texts)


def turns(*pairs: Sequence[str]) -> tuple[Turn, ...]:
    """Turns of a question and an answer each."""
    return tuple(Turn(said(*pair)) for pair in pairs)


class Starts(str):
    """Equal to every text that starts like this: for words that are a framework's own."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(str(self))

    def __ne__(self, other: object) -> bool:
        return not self == other
