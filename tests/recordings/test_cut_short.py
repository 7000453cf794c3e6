"""Streams that stop at any hook, as where a process dies or a task is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.playing import Player
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.sittings import ALONE
from tests.recordings.streams import read_stream

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.recordings.streams import Event, Sitting

    from threadline.model import Message, Turn

_STARTS = ("chain_start", "chat_model_start", "tool_start", "retriever_start")
_ENDS = ("chain_end", "chain_error", "llm_end", "llm_error", "tool_end", "retriever_error")


@pytest.mark.parametrize("sitting", ALONE.values(), ids=list(ALONE))
def test_what_was_said_until_then_is_there(sitting: Sitting, tmp_path: Path) -> None:
    """A turn whose root never ended is abandoned, and says nothing that nobody said."""
    events = read_stream(sitting.streams[0])
    path = tmp_path / "store.db"
    cuts = [Rebuilding(f"{n}", mark=f" <<{n}>>") for n in range(len(events) + 1)]
    with threadline.Client(store=path, min_free_bytes=0) as client:
        for n, rebuilding in enumerate(cuts):
            _play(events[:n], rebuilding, sitting, client)
        report = client.close()
    assert (report.pending, report.dropped) == (0, {})
    with threadline.open(path) as store:
        for n, rebuilding in enumerate(cuts):
            for root in _roots(events[:n], sitting):
                turn = store.turn(str(rebuilding.id_of(root)))
                assert turn is not None
                _check(turn, events[:n], root, sitting)


@pytest.mark.parametrize("hooks", [4, 6])
def test_what_a_step_said_last_is_there(hooks: int, tmp_path: Path) -> None:
    """A refused tool call: before the model is told of it, and before the model answers."""
    sitting = ALONE["agent_hitl_resume_reject"]
    rebuilding = Rebuilding("last")
    path = tmp_path / "store.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        _play(read_stream(sitting.streams[0])[:hooks], rebuilding, sitting, client)
    with threadline.open(path) as store:
        [turn] = store.turns()
    assert turn.status == "abandoned"
    assert [line.role for line in turn.messages][-1:] == ["tool"]
    assert turn.messages[-1].text.startswith("User rejected the tool call for `send_mail`")


def _play(
    events: Sequence[Event], rebuilding: Rebuilding, sitting: Sitting, client: threadline.Client
) -> None:
    configurable = sitting.configurable and {"session_id": str(rebuilding.id_of("session"))}
    handler = ThreadlineCallbackHandler(client)
    player = Player([handler], rebuilding, around=sitting.around, configurable=configurable)
    player.expect(read_stream(sitting.streams[0]))
    for event in events:
        player.play(event)


def _roots(events: Sequence[Event], sitting: Sitting) -> list[str]:
    seen: set[str] = set()
    roots: list[str] = []
    for event in events:
        parent = sitting.around.get(event["run"], event["parent"])
        if event["ev"] in _STARTS and parent not in seen:
            roots.append(event["run"])
        seen.add(event["run"])
    return roots


def _check(turn: Turn, events: Sequence[Event], root: str, sitting: Sitting) -> None:
    ended = any(event["run"] == root and event["ev"] in _ENDS for event in events)
    assert (turn.status == "abandoned") == (not ended)
    expected = [line for chat in sitting.chats for one in chat.turns for line in one.said]
    lines = {(line.role, line.text) for line in expected}
    for message in turn.messages:
        assert message.metadata.get("guessed") or any(_is_begun(message, *one) for one in lines)
    if turn.kind == "turn" and any(role == "user" for role, _ in lines):
        assert any(message.role == "user" for message in turn.messages)


def _is_begun(message: Message, role: str, text: str) -> bool:
    """Tell whether a message is a line of the table, or its beginning."""
    said = message.text.split(" <<")[0]
    return message.role == role and (text == said or said.startswith(text) or text.startswith(said))
