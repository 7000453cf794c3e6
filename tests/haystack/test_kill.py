"""What a pipeline or an agent said is on disk when its run returns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import threadline

_ROOT = Path(__file__).parents[2]
_PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from tests.haystack.applications import RAG_INPUT, agent, ask, rag
import threadline, threadline.haystack
threadline.configure(store=sys.argv[2], min_free_bytes=0)
threadline.attach("haystack")
with threadline.conversation("t-1"):
    ask(agent()) if sys.argv[3] == "agent" else rag().run(RAG_INPUT)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("agent", ["1+2?", "So.", "3", "It is 3."]),
        ("pipeline", ["Who lives in Paris?", "Jean does."]),
    ],
)
def test_a_killed_process_leaves_its_turn(what: str, said: list[str], tmp_path: Path) -> None:
    """`kill -9` right after the run: the next process finds the whole turn."""
    path = tmp_path / "store.db"
    command = [sys.executable, "-c", _PROGRAM, str(_ROOT), str(path), what]
    done = subprocess.run(command, check=False, timeout=60)
    assert done.returncode == -9
    with threadline.open(path) as store:
        conversation = store.conversation("t-1")
    assert conversation is not None
    [turn] = conversation.turns
    assert ([message.text for message in turn.messages], str(turn.status)) == (said, "ok")


_SPEAKING = """
import itertools, os, signal, sys
sys.path.insert(0, sys.argv[1])
from haystack.components.agents import Agent
from haystack import component
from haystack.dataclasses import ChatMessage, StreamingChunk
import threadline, threadline.haystack
from threadline.haystack import streaming

@component
class Speaker:
    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], tools=None, streaming_callback=None):
        for number in range(100):
            streaming_callback(StreamingChunk(content=f"word-{number}, "))
        os.kill(os.getpid(), signal.SIGKILL)

threadline.configure(store=sys.argv[2], min_free_bytes=0)
threadline.attach("haystack")
seconds = itertools.count(streaming.now_ns() // 10**9)
streaming.now_ns = lambda: next(seconds) * 10**9
with threadline.conversation("t-1"):
    Agent(chat_generator=Speaker()).run(
        [ChatMessage.from_user("Speak.")], streaming_callback=lambda chunk: None
    )
"""


def test_a_process_killed_while_a_model_speaks_leaves_what_was_heard(tmp_path: Path) -> None:
    """All but the last words, in a turn that is shown as abandoned."""
    path = tmp_path / "store.db"
    command = [sys.executable, "-c", _SPEAKING, str(_ROOT), str(path)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    with threadline.open(path) as store:
        [turn] = store.turns(thread_id="t-1")
    asked, heard = turn.messages
    assert (asked.text, heard.role, str(turn.status)) == ("Speak.", "assistant", "abandoned")
    words = heard.text.removesuffix(",").split(", ")
    assert words == [f"word-{n}" for n in range(len(words))]
    assert len(words) > 75
