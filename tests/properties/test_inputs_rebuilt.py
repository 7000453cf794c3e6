"""P3: each message is stored once, and what every model call was told is rebuilt exactly."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

import threadline
from threadline.langchain import ThreadlineCallbackHandler
from threadline.model import TextPart, ToolCallPart, ToolCallResponsePart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.model import Message

LONG = "w" * 130
"""Before each marker, so that the short form of a conversation in lists does not reach it."""


def text_of(marker: int) -> str:
    return f"{LONG} <<{marker:05}>>"


class Scripted(BaseChatModel):
    """Says what it is told to say next, and remembers what it was told."""

    replies: Any
    heard: Any

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.heard.append(told(messages))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return ChatResult(generations=[ChatGeneration(message=reply)])


def told(messages: Sequence[BaseMessage]) -> list[tuple[Any, ...]]:
    """Return roles, names, parts and call ids, with no code of the recorder's."""
    return [(*_ROLE[type(message)](message), message.name) for message in messages]


def _texts(message: BaseMessage) -> list[Any]:
    content = message.content
    if isinstance(content, str):
        return [content] if content else []
    return [block["text"] for block in content]


_ROLE: dict[type, Any] = {
    SystemMessage: lambda m: ("system", _texts(m)),
    HumanMessage: lambda m: ("user", _texts(m)),
    AIMessage: lambda m: (
        "assistant",
        [*_texts(m), *((c["id"], c["name"], c["args"]) for c in m.tool_calls)],
    ),
    ToolMessage: lambda m: ("tool", [(m.tool_call_id, m.content)]),
}


def rebuilt(messages: Sequence[Message]) -> list[tuple[Any, ...]]:
    return [(m.role, [_value(part) for part in m.parts], m.name) for m in messages]


def _value(part: object) -> Any:
    if isinstance(part, TextPart):
        return part.content
    if isinstance(part, ToolCallPart):
        return part.id, part.name, part.arguments
    assert isinstance(part, ToolCallResponsePart)
    return part.id, part.response


@dataclass(frozen=True)
class Step:
    """What a caller does before and in one turn."""

    thread: str
    system: int
    window: int | None
    edit: int | None
    ids: bool
    again: bool
    answer: str
    through: str
    blocks: bool
    fails: bool
    flush: bool
    name: str | None


steps = st.builds(
    Step,
    thread=st.sampled_from(["a", "a", "b"]),
    system=st.integers(0, 2),
    window=st.one_of(st.none(), st.integers(1, 6)),
    edit=st.one_of(st.none(), st.none(), st.integers(0, 12)),
    ids=st.booleans(),
    again=st.sampled_from([False, False, True]),
    answer=st.sampled_from(["new", "new", "again", "calls"]),
    through=st.sampled_from(["model", "chain"]),
    blocks=st.booleans(),
    fails=st.sampled_from([False, False, False, True]),
    flush=st.booleans(),
    name=st.sampled_from([None, None, "bob"]),
)


@dataclass
class Caller:
    """An application that holds the histories itself, and what it has said, by conversation."""

    client: threadline.Client
    model: Scripted = field(default_factory=lambda: Scripted(replies=[], heard=[]))
    history: dict[str, list[BaseMessage]] = field(default_factory=lambda: {"a": [], "b": []})
    said: Counter[tuple[str, int]] = field(default_factory=Counter)
    turns: list[str] = field(default_factory=list)
    markers: int = 10

    def take(self, step: Step) -> None:
        history = self.history[step.thread]
        self._edit(step, history)
        asked = self._question(step, history)
        window = history if step.window is None else history[-step.window :]
        system = [] if step.system == 0 else [SystemMessage(text_of(step.system))]
        answer = self._answer(step, history)
        if step.system:
            self.said[step.thread, step.system] = 1  # however often it changes and comes back
        self._call(step, system, window, asked, answer)
        history.append(asked)
        kept = answer if step.ids else answer.model_copy(update={"id": None})
        history.append(kept)
        for call in answer.tool_calls:
            text = text_of(self._marker(step))
            history.append(ToolMessage(text, tool_call_id=str(call["id"])))

    def _edit(self, step: Step, history: list[BaseMessage]) -> None:
        """Rewrite an earlier message; it keeps its id where it has one."""
        if step.edit is not None and step.edit < len(history):
            text = text_of(self._marker(step))
            history[step.edit] = history[step.edit].model_copy(update={"content": text})

    def _question(self, step: Step, history: list[BaseMessage]) -> BaseMessage:
        before = [m for m in history if isinstance(m, HumanMessage) and isinstance(m.content, str)]
        ident = str(uuid.uuid4()) if step.ids else None
        if step.again and before:
            content: Any = before[-1].content
            self.said[step.thread, int(content[-7:-2])] += 1
        else:
            content = text_of(self._marker(step))
        if step.blocks and step.through == "model":
            content = [{"type": "text", "text": content}, {"type": "text", "text": "(and more)"}]
        return HumanMessage(content, id=ident, name=step.name)

    def _answer(self, step: Step, history: list[BaseMessage]) -> AIMessage:
        before = [m for m in history if isinstance(m, AIMessage)]
        if step.answer == "again" and before and isinstance(before[-1].content, str):
            text = before[-1].content
            self.said[step.thread, int(text[-7:-2])] += 1
            return AIMessage(text)
        text = text_of(self._marker(step))
        if step.answer == "calls":
            call = {"name": "look", "args": {"at": [1, "sky"]}, "id": f"c{self.markers}"}
            return AIMessage(text, tool_calls=[call])
        return AIMessage(text)

    def _marker(self, step: Step) -> int:
        self.markers += 1
        self.said[step.thread, self.markers] += 1
        return self.markers

    def _call(
        self,
        step: Step,
        system: list[BaseMessage],
        window: list[BaseMessage],
        asked: BaseMessage,
        answer: AIMessage,
    ) -> None:
        for reply in [ValueError("down"), answer] if step.fails else [answer]:
            self.model.replies.append(reply)
            self.turns.append(str(uuid.uuid4()))
            handler = ThreadlineCallbackHandler(self.client)
            handler.raise_error = True
            config: Any = {
                "callbacks": [handler],
                "metadata": {"thread_id": step.thread},
                "run_id": uuid.UUID(self.turns[-1]),
            }
            with contextlib.suppress(ValueError):
                if step.through == "model":
                    self.model.invoke([*system, *window, asked], config)
                else:
                    prompt = ChatPromptTemplate([*system, MessagesPlaceholder("messages")])
                    (prompt | self.model).invoke({"messages": [*window, asked]}, config)
            if step.flush:
                self.client.flush()


def live(folder: Path, history: list[Step]) -> tuple[Caller, Path]:
    path = folder / "a.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        caller = Caller(client)
        for step in history:
            caller.take(step)
        assert client.flush().complete
    return caller, path


def stored_bytes(path: Path) -> bytes:
    """Return the store's bytes, without what SQLite leaves in pages that it reorganised."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


FIRST = Step(
    "a",
    1,
    None,
    None,
    ids=False,
    again=False,
    answer="calls",
    through="model",
    blocks=False,
    fails=False,
    flush=False,
    name=None,
)


@settings(deadline=None, max_examples=100)
@given(history=st.lists(steps, min_size=1, max_size=9))
def test_texts_are_stored_once_and_inputs_rebuilt(history: list[Step]) -> None:
    """Whatever was replayed, cut, edited or repeated."""
    check(history)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([replace(FIRST, ids=True, fails=True)], id="failed-turn-with-ids-sent-again"),
        pytest.param([FIRST, replace(FIRST, window=1)], id="window-without-an-answer"),
    ],
)
def test_an_instruction_is_said_once(history: list[Step]) -> None:
    """A system prompt is given again at every call; it is said once."""
    check(history)


def test_a_tools_answer_is_sent_again_with_a_failed_turn() -> None:
    """The user's message behind it is known by its id, the tool's is not; both were said once."""
    check([replace(FIRST, system=0), replace(FIRST, system=0, ids=True, fails=True)])


def check(history: list[Step]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        caller, path = live(folder, history)
        check_inputs(caller, path)
        check_texts(caller, path)
    finally:
        shutil.rmtree(folder)


def check_inputs(caller: Caller, path: Path) -> None:
    with threadline.open(path) as store:
        assert len(caller.turns) == len(caller.model.heard)
        for turn_id, heard in zip(caller.turns, caller.model.heard, strict=True):
            turn = store.turn(turn_id)
            assert turn is not None
            [call] = turn.llm_calls
            assert rebuilt(call.input_messages) == heard


def check_texts(caller: Caller, path: Path) -> None:
    """Each text is there as often as it was said in one conversation or another, at most."""
    data = stored_bytes(path)
    sent = {text for heard in caller.model.heard for _, values, _ in heard for text in flat(values)}
    times: Counter[int] = Counter()
    for (_, marker), count in caller.said.items():
        times[marker] += count
    for marker, count in times.items():
        found = data.count(f"<<{marker:05}>>".encode())
        assert found <= count
        if text_of(marker) in sent:
            assert found >= 1


def flat(values: Sequence[Any]) -> list[str]:
    every = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return [one for one in every if isinstance(one, str)]
