"""What a rule matches appears nowhere: not in the journal, the store, its log, or a warning."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool
from tests.scenarios.langchain_fakes import ScriptedModel, Tape
from tests.scenarios.script import Call, Say

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.callbacks import CallbackManagerForRetrieverRun

CANARY = "sk-" + "proj-" + "c4n4ry" * 6


class Shelf(BaseRetriever):
    """Finds one secret document."""

    ident: str = CANARY

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(f"The key is {CANARY}.", metadata={"source": CANARY}, id=self.ident)]


@tool
def look_up(key: str) -> str:
    """Look a key up."""
    return f"It is {CANARY}, as {key} says."


def everything_on_disk(folder: Path) -> bytes:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".journal" for path in files)
    assert any(path.name.endswith("-wal") for path in files)
    return b"\n".join(path.name.encode() + path.read_bytes() for path in files)


def say_it_everywhere(client: threadline.Client) -> None:
    config = {
        "callbacks": [ThreadlineCallbackHandler(client)],
        "metadata": {"thread_id": f"t {CANARY}", "user_id": CANARY, "note": {CANARY: [CANARY]}},
        "tags": [CANARY],
        "run_name": f"run {CANARY}",
    }
    prompt = ChatPromptTemplate.from_template("Use {context} for {question}, " + CANARY)
    model = FakeListChatModel(responses=[f"Your key: {CANARY}"])
    given = RunnablePassthrough.assign(context=lambda x: Shelf().invoke(x["question"]))
    (given | prompt | model).invoke({"question": f"What is {CANARY}?"}, config)
    for _ in (prompt | model).stream({"context": CANARY, "question": CANARY}, config):
        pass
    calls = (Call("look_up", f"call-{CANARY}", {"key": CANARY, CANARY: 1}),)
    tape = Tape([Say(CANARY, calls), Say(f"Done {CANARY}")])
    agent = create_agent(ScriptedModel(model_name=CANARY, tape=tape), [look_up], name="agent")
    agent.invoke({"messages": [("user", CANARY)]}, config)

    def fail(text: str) -> str:
        msg = f"no {CANARY} for {text}"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="sk-"):
        RunnableLambda(fail).invoke(CANARY, config)
    with threadline.turn(thread_id=CANARY, input=CANARY, name=CANARY, client=client) as turn:
        turn.tool(CANARY, {"a": CANARY}, result=CANARY)
        turn.output = CANARY
    threadline.rate(1, turn_id=turn.id, comment=CANARY, client=client)
    threadline.feedback(CANARY, thread_id=CANARY, client=client)
    threadline.event(CANARY, metadata={CANARY: CANARY}, thread_id=CANARY, client=client)
    threadline.update(CANARY, title=CANARY, tags=[CANARY], metadata={"k": CANARY}, client=client)


def test_a_secret_is_in_no_byte_of_any_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Said in every place where an application can say it, with the default settings."""
    caplog.set_level(logging.DEBUG, "threadline")
    client = threadline.Client(store=tmp_path / "s.db", min_free_bytes=0)
    say_it_everywhere(client)
    assert client.flush().complete
    assert CANARY.encode() not in everything_on_disk(tmp_path)
    assert CANARY not in caplog.text
    with client.reader() as reader:
        turns = reader.turns(limit=100, kind=None)
        assert len(turns) == 5
        assert CANARY not in repr(list(turns))
        found = reader.conversation(f"t {CANARY}")
        assert found is not None
        assert found.thread_id.startswith("redacted:")
        assert "[redacted:openai-key]" in found.messages[0].text
        told = reader.conversation(CANARY)
        assert told is not None
        assert len(told.feedback) == len(told.events) == 1
    client.close()


@pytest.mark.parametrize("content", ["metadata", "off"])
def test_without_content_no_word_is_kept(tmp_path: Path, content: str) -> None:
    """Who, when and how long stay; no word does, in any file."""
    client = threadline.Client(
        store=tmp_path / "s.db", content=content, redact=["none"], min_free_bytes=0
    )
    config = {
        "callbacks": [ThreadlineCallbackHandler(client)],
        "metadata": {"thread_id": "t-1"},
    }
    prompt = ChatPromptTemplate.from_template("Use {context} for {question}, " + CANARY)
    given = RunnablePassthrough.assign(context=lambda x: Shelf(ident="doc-1").invoke(x["question"]))
    model = FakeListChatModel(responses=[f"Your key: {CANARY}"])
    (given | prompt | model).invoke({"question": f"What is {CANARY}?"}, config)
    calls = (Call("look_up", "call-1", {"key": CANARY}),)
    tape = Tape([Say(CANARY, calls), Say(f"Done {CANARY}")])
    agent = create_agent(ScriptedModel(model_name="scripted", tape=tape), [look_up])
    agent.invoke({"messages": [("user", CANARY)]}, config)
    assert client.flush().complete
    on_disk = everything_on_disk(tmp_path)
    with client.reader() as reader:
        [first, second] = reversed(reader.turns(thread_id="t-1"))
        assert [m.role for m in first.messages] == ["user", "assistant"]
        assert [m.role for m in second.messages] == ["user", "assistant", "tool", "assistant"]
        [observation] = second.tool_observations
        assert (observation.name, observation.call_id) == ("look_up", "call-1")
        assert second.llm_calls[0].usage is not None
    client.close()
    assert CANARY.encode() not in on_disk
