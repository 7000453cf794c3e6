"""P2: whatever fails in our code, the application's results are what they are without us."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from tests.faults.application import WORD, Application, Lines, all_turns
from tests.faults.faulty_code import InjectedError, Step, Watch
from tests.faults.killed_application import CHAIN, Parrot, look

import threadline
from threadline.capture.writer_thread import WriterThread
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOST = "a hook failed and its event was lost"


@tool
def stab(deep: bool) -> str:
    """Fail."""
    raise ValueError(WORD)


class Shelf(BaseRetriever):
    """Finds one document, or fails."""

    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        if query == "fail":
            raise KeyError(WORD)
        return [Document(query, id="d1", metadata={"score": 0.5})]


def _dispatch(words: str) -> str:
    dispatch_custom_event("noticed", {"words": words})
    return words


def results(config: Any, client: threadline.Client) -> list[Any]:
    """Use everything that has hooks; return all that the application gets to see."""
    question = {"question": f"{WORD} who?"}
    with threadline.conversation("scope"), threadline.turn(input="hi", client=client) as turn:
        seen: list[Any] = [CHAIN.invoke(question, config)]
        turn.tool("look_up", {"word": "tea"}, result="a drink")
        turn.output = "bye"
    seen.append(list(CHAIN.stream(question, config)))
    seen.append(CHAIN.batch([question] * 2, config))
    seen.append(asyncio.run(CHAIN.ainvoke(question, config)))
    seen.append(Shelf().invoke(WORD, config)[0].page_content)
    seen.append(FakeListLLM(responses=[WORD]).invoke("complete", config))
    seen.append(RunnableLambda(_dispatch).invoke(WORD, config))
    left = CHAIN.stream(question, config)
    seen.append(next(left))
    left.close()
    seen.append(_outcome(lambda: Shelf().invoke("fail", config)))
    agent = create_agent(Parrot(), [look, stab], system_prompt="Look.")
    seen.append(_outcome(lambda: agent.invoke({"messages": [("user", WORD)]}, config)))
    broken = RunnableLambda(lambda _: 1 / 0) | CHAIN
    seen.append(_outcome(lambda: broken.invoke(1, config)))
    return seen


def _outcome(call: Any) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 (what it raises is its result)
        return type(error).__name__, str(error)


@pytest.fixture
def quiet_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writer work only when it is asked to flush, on the thread that asks."""
    monkeypatch.setattr(WriterThread, "wake", lambda _: None)
    monkeypatch.setattr(WriterThread, "stir", lambda _: None)


def steps_of_hooks() -> list[Step]:
    """Return every function of ours that a hook calls."""
    with threadline.Client(store="memory") as client:
        handler = ThreadlineCallbackHandler(client)
        watch = Watch()
        watch.inside_hooks_of(handler)
        results({"callbacks": [handler]}, client)
    return list(watch.seen)


@contextlib.contextmanager
def watching_the_writer(watch: Watch) -> Iterator[None]:
    """Let `watch` be told of what the writer calls at its work."""
    work = WriterThread._work

    def watched(self: WriterThread, **options: bool) -> None:
        with watch.on_this_thread():
            work(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WriterThread, "_work", watched)
        yield


def _talk_and_rate(client: threadline.Client) -> None:
    Application(client).talk(2)
    threadline.rate(1, thread_id="t", client=client)


def steps_of_writing(path: Path) -> list[Step]:
    """Return every function of ours that the writer calls at its work."""
    watch = Watch()
    with threadline.Client(store=path, min_free_bytes=0) as client:
        _talk_and_rate(client)
        with watching_the_writer(watch):
            client.flush()
    return [step for step in watch.seen if step.name != "WriterThread._work"]


@pytest.mark.usefixtures("quiet_writer")
def test_a_fault_in_any_step_of_any_hook_changes_no_result(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each function that a hook calls fails, every time; it is counted, and said once."""
    with threadline.paused(), threadline.Client(store="memory") as client:
        expected = results({}, client)
    steps = steps_of_hooks()
    assert len(steps) > 80, steps
    for step in steps:
        watch = Watch(step)
        with threadline.Client(store="memory") as client, Lines() as log:
            handler = ThreadlineCallbackHandler(client)
            watch.inside_hooks_of(handler)
            assert results({"callbacks": [handler]}, client) == expected, step
            dropped = client.flush().dropped
        watch.heal()
        assert watch.raised, step
        assert dropped.get(LOST, 0) >= 1, (step, dropped)
        assert sum(LOST in line for line in log.lines) == 1, (step, log.lines)
        assert not any(WORD in line for line in log.lines), step
    assert [r.getMessage() for r in caplog.records if r.name.startswith("langchain")] == []
    gc.collect()  # streams that were left open end here, not inside another test


@pytest.mark.usefixtures("quiet_writer")
@pytest.mark.parametrize(
    ("error", "where"),
    [
        pytest.param(InjectedError(WORD), "threadline.", id="unexpected"),
        pytest.param(sqlite3.OperationalError(WORD), "threadline.store.writer", id="store"),
    ],
)
def test_a_fault_in_any_step_of_storing_is_survived_and_counted(
    tmp_path: Path, error: Exception, where: str
) -> None:
    """Nothing is raised by `flush`; what is not in the store afterwards is counted as lost."""
    steps = steps_of_writing(tmp_path / "steps.db")
    assert len(steps) > 100, steps
    chosen = [step for step in steps if step.module.startswith(where)]
    assert chosen
    for number, step in enumerate(chosen):
        path = tmp_path / f"{number}.db"
        watch = Watch(step, error)
        with threadline.Client(store=path, min_free_bytes=0) as client, Lines() as log:
            _talk_and_rate(client)
            with watching_the_writer(watch):
                client.flush()
            Application(client).talk(1)
            report = client.close()
        assert watch.raised, step
        assert report.pending == 0, step
        found = len(all_turns(threadline.open(path)))
        assert found == 3 or report.dropped, (step, found)
        assert bool(report.dropped) <= bool(log.lines), step
        assert where != "threadline." or not any(WORD in line for line in log.lines), step
