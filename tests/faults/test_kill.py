"""P1: kill -9 cannot take what was said, wherever it strikes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.killed_application import INPUTS_OF_A_BATCH, LONG, SYSTEM, WORDS_HEARD, Job

import threadline
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.model import Message, Turn

APPLICATION = Path(__file__).with_name("killed_application.py")
AT_ONCE = ("invoke", "ainvoke", "stream", "astream", "batch")
LIVES = 100


def kill(jobs: Sequence[Job]) -> None:
    """Live and kill these lives."""
    done = subprocess.run(
        [sys.executable, str(APPLICATION)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def said(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


def check_whole(turn: Turn, question: str) -> None:
    """Nothing is missing of a turn that had ended."""
    asked = [("system", SYSTEM), ("user", question)]
    assert turn.status == "ok"
    assert said(turn.messages) == [("user", question), ("assistant", f"You said {question}")]
    [call] = turn.llm_calls
    assert said(call.input_messages) == asked
    assert said(call.output_messages) == [("assistant", f"You said {question}")]
    assert {span.status for span in turn.spans} == {"ok"}


def turns_of(path: Path, thread_id: str) -> list[Turn]:
    with threadline.open(path) as store:
        conversation = store.conversation(thread_id)
        return [] if conversation is None else list(conversation.turns)


def test_a_hundred_deaths_right_after_the_call_lose_nothing(tmp_path: Path) -> None:
    """Whatever has returned, or been read to its end, is whole in the store, once."""
    jobs = [
        Job(str(tmp_path / f"{n % 3}.db"), f"{AT_ONCE[n % 5]}-{n}", AT_ONCE[n % 5], int(n % 7 == 0))
        for n in range(LIVES)
    ]
    kill(jobs)
    for job in jobs:
        for thread_id, last in threads_of(job):
            turns = turns_of(Path(job.store), thread_id)
            questions = [f"{job.thread_id} asks before {n}" for n in range(job.earlier_turns)]
            if job.death == "batch":
                questions = []
            for turn, question in zip(turns, [*questions, last], strict=True):
                check_whole(turn, question)
    for path in {job.store for job in jobs}:
        assert not waiting_journals(journal_folder(Path(path)))


def threads_of(job: Job) -> list[tuple[str, str]]:
    """Which conversations a life left, and what was asked there last."""
    if job.death != "batch":
        return [(job.thread_id, f"{job.thread_id} asks ")]
    return [(f"{job.thread_id}.{n}", f"{job.thread_id} asks {n}") for n in range(INPUTS_OF_A_BATCH)]


@pytest.mark.parametrize("death", ["agent", "agent_shown"])
def test_death_inside_a_tool_keeps_everything_up_to_that_moment(tmp_path: Path, death: str) -> None:
    """The turn is shown as abandoned, with what was said, asked and found out so far."""
    path = tmp_path / "a.db"
    kill([Job(str(path), f"t{n}", death) for n in range(4)])
    for n in range(4):
        [turn] = turns_of(path, f"t{n}")
        assert turn.status == "abandoned"
        assert said(turn.messages) == [
            ("user", f"t{n} asks "),
            ("assistant", "Let me see"),
            ("tool", "sky is grey"),
            ("assistant", "Let me see"),
        ]
        first, second = turn.llm_calls
        assert said(first.input_messages) == [("system", SYSTEM), ("user", f"t{n} asks ")]
        assert said(second.input_messages)[2:] == said(turn.messages)[1:3]
        looked, stabbed = turn.tool_observations
        assert (looked.name, looked.outcome) == ("look", "ok")
        assert (stabbed.name, stabbed.arguments, stabbed.result) == ("stab", {"deep": True}, None)
        assert stabbed.outcome != "ok"


def test_death_in_mid_stream_keeps_what_was_heard(tmp_path: Path) -> None:
    """All but the last words: they are told once in a while, and never half of one."""
    path = tmp_path / "a.db"
    kill([Job(str(path), "t", "mid_stream")])
    [turn] = turns_of(path, "t")
    assert turn.status == "abandoned"
    [(asker, question), (speaker, heard)] = said(turn.messages)
    assert (asker, question, speaker) == ("user", LONG, "assistant")
    assert f"You said {LONG}".startswith(heard)
    assert heard.endswith(",")
    assert WORDS_HEARD * 0.75 < len(heard.split()) <= WORDS_HEARD


@pytest.mark.parametrize("death", ["mid_transaction", "before_cut"])
def test_death_at_the_store_neither_loses_nor_doubles(tmp_path: Path, death: str) -> None:
    """What the store had taken is not taken again; what it had not is taken from the journal."""
    path = tmp_path / "a.db"
    kill([Job(str(path), f"t{n}", death) for n in range(4)])
    for n in range(4):
        [turn] = turns_of(path, f"t{n}")
        check_whole(turn, f"t{n} asks ")


def test_one_conversation_of_many_processes_has_each_turn_once(tmp_path: Path) -> None:
    """Processes that die one after another in one conversation all leave their turn there."""
    path = tmp_path / "a.db"
    kill([Job(str(path), "shared", AT_ONCE[n % 4]) for n in range(8)])
    turns = turns_of(path, "shared")
    assert Counter(turn.status for turn in turns) == {"ok": 8}
    assert len({turn.id for turn in turns}) == 8
    for turn in turns:
        check_whole(turn, "shared asks ")
