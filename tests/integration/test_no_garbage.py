"""What a run leaves behind in the application's memory: nothing, and no work for its collector."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig, RunnableLambda

import threadline
from threadline.capture.open_turn import OpenSpan, OpenTurn
from threadline.langchain import ThreadlineCallbackHandler
from threadline.langchain.runs import LiveRun

if TYPE_CHECKING:
    from pathlib import Path


def test_runs_are_freed_without_the_collector(tmp_path: Path) -> None:
    """Open runs hold no cycles: with the collector off nothing of a hundred chains remains."""
    client = threadline.Client(store=tmp_path / "s.db", min_free_bytes=0)
    model = FakeListChatModel(responses=["Yes."])
    chain = ChatPromptTemplate.from_template("{q}") | model | StrOutputParser()
    config = {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": {"thread_id": "t"}}
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            chain.invoke({"q": "Really?"}, config)
            assert "".join(chain.stream({"q": "Really?"}, config)) == "Yes."
        left = [one for one in gc.get_objects() if isinstance(one, LiveRun)]
    finally:
        gc.enable()
    assert left == []
    assert client.recorder.runs == {}
    assert client.close().complete


def test_what_is_stored_is_freed_without_the_collector(tmp_path: Path) -> None:
    """The writer's turns hold no cycles: else they pile up until all of memory is gone through."""
    client = threadline.Client(store=tmp_path / "s.db", min_free_bytes=0)
    chain = ChatPromptTemplate.from_template("{q}") | FakeListChatModel(responses=["Yes."])

    def ask(question: str) -> str:
        return str(chain.invoke({"q": question}, _of_thread(question)).content)

    def ask_all(questions: list[str]) -> list[str]:
        return RunnableLambda(ask).batch(questions)

    config: RunnableConfig = {"callbacks": [ThreadlineCallbackHandler(client)]}
    named: RunnableConfig = {**config, **_of_thread("t")}
    gc.collect()
    of_others = _opened()
    gc.disable()
    try:
        for _ in range(20):
            chain.invoke({"q": "Really?"}, named)
            RunnableLambda(ask_all).invoke(["a", "b"], config)
        assert client.flush().complete
        left = [one for one in _opened() if not any(one is other for other in of_others)]
    finally:
        gc.enable()
    assert left == []
    assert client.close().complete


def _opened() -> list[object]:
    return [one for one in gc.get_objects() if isinstance(one, OpenSpan | OpenTurn)]


def _of_thread(thread_id: str) -> RunnableConfig:
    return {"metadata": {"thread_id": thread_id}}
