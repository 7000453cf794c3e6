"""The same conversation, held in many ways, is one and the same transcript."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.scenarios.checking import line_of
from tests.scenarios.one_conversation import QUESTIONS, THREAD, agent, hold

import threadline
from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scenarios.script import Line

    from threadline.model import Conversation

_ROOT = Path(__file__).parents[2]


class Place(NamedTuple):
    """Where the store and the agent's memory are."""

    store: Path
    memory: Path

    def conversation(self) -> Conversation:
        """Return what was recorded."""
        found = threadline.open(self.store).conversation(THREAD)
        assert found is not None
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "store.db", tmp_path / "memory.db")


def _expected() -> list[list[str]]:
    """Who says what, turn by turn, as a person would write it down."""
    return [
        ["user: I am Ada.", "assistant: So 1 things were said."],
        ["user: Add 1 and 2.", "assistant: Let me see.", "tool: 3", "assistant: It is 3."],
        ["user: Again?", "assistant: So 3 things were said."],
        ["user: Add 1 and 2.", "assistant: Let me see.", "tool: 3", "assistant: It is 3."],
        ["user: Again?", "assistant: So 5 things were said."],
    ]


def _told(line: Line) -> str:
    return f"{line.role}: {line.text}"


def _transcript(conversation: Conversation) -> list[list[str]]:
    assert all(turn.kind == "turn" and turn.status == "ok" for turn in conversation.turns)
    return [[_told(line_of(m)) for m in turn.messages] for turn in conversation.turns]


def _check(conversation: Conversation) -> None:
    assert _transcript(conversation) == _expected()
    assert conversation.prelude == ()
    assert conversation.superseded == ()
    seen = [
        [(o.name, o.outcome, o.result) for o in t.tool_observations] for t in conversation.turns
    ]
    assert seen == [[("add", "ok", "3")] if len(turn) > 2 else [] for turn in _expected()]
    assert [len(turn.llm_calls) for turn in conversation.turns] == [1, 2, 1, 2, 1]


@contextlib.contextmanager
def _app(place: Place) -> Iterator[Any]:
    with closing(sqlite3.connect(place.memory, check_same_thread=False)) as connection:
        yield agent(connection)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_handler_may_be_given_several_times(place: Place, times: int) -> None:
    """In a list, and in the config that the application is bound to."""
    client = Client(store=place.store, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client)
    with _app(place) as app:
        bound = app.with_config(callbacks=[handler]) if times > 1 else app
        list(hold(bound, QUESTIONS, callbacks=[handler] * max(1, times - 1)))
    client.close()
    _check(place.conversation())


@pytest.mark.parametrize("is_explicit", [False, True])
def test_a_process_may_be_attached_beside_a_handler(place: Place, *, is_explicit: bool) -> None:
    """What is recorded for the whole process and for the call is recorded once."""
    client = threadline.configure(store=place.store, min_free_bytes=0)
    threadline.attach("langchain")
    try:
        given = {"callbacks": [ThreadlineCallbackHandler()]} if is_explicit else {}
        with _app(place) as app:
            list(hold(app, QUESTIONS, **given))
    finally:
        threadline.detach()
        client.close()
    _check(place.conversation())


@pytest.mark.parametrize("unheard", [1, 2, 3, 4])
def test_a_handler_may_come_late(place: Place, unheard: int) -> None:
    """What was said before is prelude; with it the transcript is whole, and nothing is news."""
    client = Client(store=place.store, min_free_bytes=0)
    with _app(place) as app:
        list(hold(app, QUESTIONS[:unheard]))
        list(hold(app, QUESTIONS[unheard:], callbacks=[ThreadlineCallbackHandler(client)]))
    client.close()
    conversation = place.conversation()
    assert _transcript(conversation) == _expected()[unheard:]
    earlier = [line for turn in _expected()[:unheard] for line in turn]
    told = [_told(line_of(message)) for message in conversation.prelude]
    assert told == earlier
    assert all(message.at_ns is None for message in conversation.prelude)


def _program(place: Place, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scenarios.one_conversation", place.store, place.memory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=_ROOT,
        env={**os.environ, **environment},
    )


def _ask(program: subprocess.Popen[str], question: str) -> None:
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{question}\n")
    program.stdin.flush()
    assert program.stdout.readline() == "answered\n"


def _end(*programs: subprocess.Popen[str]) -> None:
    for program in programs:
        program.communicate(timeout=50)
        assert program.returncode == 0


def test_two_processes_may_take_turns(place: Place) -> None:
    """Each sees what the other has stored, though both remember what they stored themselves."""
    programs = _program(place), _program(place)
    for number, question in enumerate(QUESTIONS):
        _ask(programs[number % 2], question)
    _end(*programs)
    _check(place.conversation())


def test_langsmith_may_trace_beside_us(place: Place) -> None:
    """LangSmith puts runs between ours that we never see; its server is not even there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    program = _program(
        place,
        LANGSMITH_TRACING="true",
        LANGSMITH_ENDPOINT=address,
        LANGSMITH_API_KEY="none",
        LANGSMITH_TRACING_BACKGROUND="false",
    )
    for question in QUESTIONS:
        _ask(program, question)
    _end(program)
    _check(place.conversation())


def test_two_hosts_may_have_a_store_each(tmp_path: Path) -> None:
    """Each tells its own turns, and of the other's what it needs to tell what a model was told."""
    hosts = [Place(tmp_path / f"{name}.db", tmp_path / "memory.db") for name in ("one", "two")]
    clients = [Client(store=host.store, min_free_bytes=0) for host in hosts]
    handlers = [ThreadlineCallbackHandler(client) for client in clients]
    with _app(hosts[0]) as app:
        for number, question in enumerate(QUESTIONS):
            list(hold(app, [question], callbacks=[handlers[number % 2]]))
    for number, client in enumerate(clients):
        client.close()
        conversation = hosts[number].conversation()
        assert _transcript(conversation) == _expected()[number::2]
        heard = {_told(line_of(message)) for message in conversation.prelude}
        others = {line for turn in _expected()[1 - number :: 2] for line in turn}
        assert heard <= others
        whole = heard | {line for turn in _expected()[number::2] for line in turn}
        met = {
            _told(line_of(m))
            for t in conversation.turns
            for c in t.llm_calls
            for m in c.input_messages
        }
        assert met <= whole
        assert len(met) > 0
