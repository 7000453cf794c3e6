"""Handlers are copied, deep-copied and pickled, by LangChain and by applications."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.callbacks import GraphCallbackHandler
from tests.faults.application import Lines

import threadline
from threadline.client import default_client
from threadline.langchain import ThreadlineCallbackHandler
from threadline.langchain.graph_events import hear_graphs

if TYPE_CHECKING:
    from pathlib import Path


def say(words: str, handler: Any) -> None:
    RunnableLambda(str.upper).invoke(words, {"callbacks": [handler]})


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copy_is_the_handler_itself(duplicate: Any) -> None:
    """It holds open runs; two of it would record each run twice."""
    handler = ThreadlineCallbackHandler(thread_id="t")
    assert duplicate(handler) is handler
    assert duplicate({"callbacks": [handler]})["callbacks"][0] is handler


def test_a_handler_that_two_threads_bring_to_langgraph_is_of_one_class() -> None:
    """The one that comes second finds it one of LangGraph's handlers already."""
    handler = ThreadlineCallbackHandler()
    hear_graphs(handler)
    hearing = type(handler)
    hear_graphs(handler)
    assert isinstance(handler, GraphCallbackHandler)
    assert type(handler) is hearing


def test_a_pickled_handler_records_by_the_same_client(tmp_path: Path) -> None:
    """In one process it is the client itself, with the handler's own defaults."""
    with threadline.Client(store=tmp_path / "s.db", min_free_bytes=0) as client:
        handler = ThreadlineCallbackHandler(client, thread_id="t", user_id="u")
        say("before", handler)
        say("after", pickle.loads(pickle.dumps(handler)))
        assert client.flush().stored == 2
        [chat] = client.reader().conversations()
        assert (chat.thread_id, chat.user_id, chat.turn_count) == ("t", "u", 2)


def test_a_pickled_handler_without_a_client_follows_the_default() -> None:
    """As the one does that it was made of."""
    with threadline.Client(store="memory"):
        handler = pickle.loads(pickle.dumps(ThreadlineCallbackHandler()))
        assert handler._runs.client is default_client()


def test_settings_that_cannot_be_pickled_are_told(tmp_path: Path) -> None:
    """Nothing is raised into the application, and nothing is recorded past its rule."""
    before = default_client().flush().stored
    with (
        threadline.Client(store=tmp_path / "s.db", redact=[lambda text: text]) as client,
        Lines() as log,
    ):
        handler = ThreadlineCallbackHandler(client)
        copies = [pickle.loads(pickle.dumps(handler)) for _ in range(2)]
        for one in copies:
            say("unseen", one)
        assert client.flush().stored == 0
        [dropped] = [one._runs.client.flush().dropped for one in copies[:1]]
        assert sum(dropped.values()) == 1
    assert sum("the copy records nothing" in line for line in log.lines) == 1
    assert default_client().flush().stored == before


def test_a_stream_that_is_open_when_the_program_ends(tmp_path: Path) -> None:
    """It is closed when nothing of the interpreter is left to write with; nobody hears of it."""
    store = tmp_path / "s.db"
    program = f"""
import threadline
from langchain_core.language_models import FakeListChatModel
from threadline.langchain import ThreadlineCallbackHandler

client = threadline.Client(store={str(store)!r}, min_free_bytes=0)
config = {{"callbacks": [ThreadlineCallbackHandler(client)], "metadata": {{"thread_id": "t"}}}}
stream = FakeListChatModel(responses=["one two"]).stream("Count.", config)
next(stream)
class Box: pass
box = Box()
box.itself, box.stream = box, FakeListChatModel(responses=["one two"]).stream("Again.", config)
next(box.stream)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=50, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    with threadline.open(store) as reader:
        turns = reader.turns(thread_id="t")
    assert {turn.messages[0].text for turn in turns} == {"Count.", "Again."}
    assert {str(turn.status) for turn in turns} <= {"abandoned", "stopped"}
