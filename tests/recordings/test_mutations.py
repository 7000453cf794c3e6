"""Whatever hooks are lost, doubled, reordered or mixed: nothing raises, every turn ends truly."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from tests.recordings.mutating import Muddle, Step, muddles
from tests.recordings.playing import Player
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.sittings import ALONE
from tests.recordings.streams import Sitting, read_stream
from tests.scenarios.checking import recorded_chats, span_trees

import threadline
from threadline.langchain import ThreadlineCallbackHandler
from threadline.model import ToolCallPart, ToolCallResponsePart
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from threadline.model import Conversation, Message

_MARK = re.compile(r"<<(\d+)>>")


def _one(name: str, *events: int) -> Muddle:
    return Muddle((name,), tuple(Step(0, event) for event in events))


# where a subgraph's start comes late, what is in it is taken for a turn beside
_LATE_SUBGRAPH = _one("graph_subgraph", 0, 1, 6, 3, 4, 5, 2, *range(7, 16))


# An example is a whole store with its writer; drawing one from 70 streams takes long, too.
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(muddles())
@example(_LATE_SUBGRAPH)
def test_muddled_streams_are_recorded_truly(muddle: Muddle) -> None:
    """No exception, no loss, an end to each turn, no foreign text, and all inputs as they were."""
    check(muddle)


# An example is two stores, one of them taken in from journals; drawing one takes long, too.
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(muddles(flushes=False))
def test_what_a_killed_process_left_reads_as_if_it_had_lived(muddle: Muddle) -> None:
    """The journals alone, at the moment of any hook, tell what the living process tells."""
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "lived" / "store.db", Path(folder) / "killed" / "store.db"
        path.parent.mkdir()
        with threadline.Client(store=path, min_free_bytes=0) as client:
            assert client.recorder is not None  # from now on there is a writer that can be held
            with client.parked(5.0):
                _play(muddle, client)
                shutil.copytree(path.parent, copy.parent)
            client.close()
        assert _told_by(copy) == _told_by(path)


def _told_by(path: Path) -> tuple[list[str], list[str]]:
    if not path.exists() and not waiting_journals(journal_folder(path)):
        return [], []
    with threadline.open(path) as store:
        chats = sorted(repr(chat) for chat in recorded_chats(store))
        return chats, sorted(span_trees(store.turns(kind=None, limit=1000)))


def check(muddle: Muddle) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        with threadline.Client(store=path, min_free_bytes=0) as client:
            players = _play(muddle, client)
            client.flush()
            report = client.close()
        assert (report.pending, report.dropped) == (0, {})
        if not path.exists():
            assert not any(player.told for player in players)
            return
        _check_endings(path)
        _check_inputs(path, players)
        if muddle.thread is None:
            _check_texts(path)
        if "llm_cache_hit" not in muddle.names:  # where two turns say one message, id and all
            _check_doubles(path)


def _play(muddle: Muddle, client: threadline.Client) -> list[Player]:
    handler = ThreadlineCallbackHandler(client)
    players: list[Player] = []
    for n, name in enumerate(muddle.names):
        sitting = ALONE.get(name, Sitting((name,), ()))
        rebuilding = Rebuilding(f"{n}", mark=f" <<{n}>>", thread=muddle.thread)
        configurable = sitting.configurable and {"session_id": f"S-{n}"}
        player = Player([handler], rebuilding, around=sitting.around, configurable=configurable)
        player.expect(read_stream(name))
        players.append(player)
    for step in muddle.steps:
        if step.flush:
            client.flush()
        players[step.stream].play(muddle.event_of(step))
    return players


def _check_endings(path: Path) -> None:
    with threadline.open(path) as store:
        for turn in store.turns(kind=None, limit=1000):
            assert turn.status != "running"
            assert turn.ended_ns is not None
            assert all(span.status != "running" for span in turn.spans)


def _check_texts(path: Path) -> None:
    with threadline.open(path) as store:
        threads = {turn.thread_id for turn in store.turns(kind=None, limit=1000)}
        for thread in threads:
            conversation = store.conversation(thread)
            assert conversation is not None
            assert len(_marks_in(conversation)) <= 1


def _marks_in(conversation: Conversation) -> set[str]:
    """Whose words a conversation holds, in any message, observation or document of it."""
    turns = conversation.turns
    everything = [
        conversation.prelude,
        *(turn.messages for turn in turns),
        *(turn.tool_observations for turn in turns),
        *(turn.spans for turn in turns),
    ]
    return set(_MARK.findall(repr(everything))) | set(_MARK.findall(conversation.thread_id))


def _check_inputs(path: Path, players: Sequence[Player]) -> None:
    """Each model call that was told of is there, with what it was given; no other one is."""
    told = Counter(
        tuple(map(_given, messages)) for player in players for messages in player.told.values()
    )
    with threadline.open(path) as store:
        stored = Counter(
            tuple(map(_rebuilt, call.input_messages))
            for turn in store.turns(kind=None, limit=1000)
            for call in turn.llm_calls
        )
    assert set(stored) == set(told)
    assert stored >= told


def _check_doubles(path: Path) -> None:
    """No conversation says one message twice: same id, same content."""
    doubled = """
        SELECT count(*) FROM message WHERE kind = 0 AND framework_id IS NOT NULL
        GROUP BY id >> 24, framework_id, digest HAVING count(*) > 1
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute(doubled).fetchall() == []


def _given(message: BaseMessage) -> Any:
    """Role, name, words, tool calls and the call that is answered, by no code of the recorder's."""
    role = next(role for cls, role in _ROLES.items() if isinstance(message, cls))
    calls = [(c["id"], c["name"], repr(c["args"])) for c in getattr(message, "tool_calls", ())]
    return role, message.name, _words(message), tuple(calls), getattr(message, "tool_call_id", None)


def _words(message: BaseMessage) -> str:
    content: Any = message.content
    if isinstance(content, str):
        return content
    return "".join(block["text"] for block in content if block["type"] == "text")


_ROLES = {
    SystemMessage: "system",
    HumanMessage: "user",
    AIMessage: "assistant",
    ToolMessage: "tool",
}


def _rebuilt(message: Message) -> Any:
    calls = [p for p in message.parts if isinstance(p, ToolCallPart)]
    answers = [p for p in message.parts if isinstance(p, ToolCallResponsePart)]
    asked = tuple((p.id, p.name, repr(p.arguments)) for p in calls)
    return message.role, message.name, message.text, asked, answers[0].id if answers else None
