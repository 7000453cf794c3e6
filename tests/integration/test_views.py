"""What people with another SQLite tool read in a store: the same as the reader, in plain values."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from tests.stored import NOW, Stored
from tests.views import compare_views

import threadline
from threadline.langchain import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "äöü and more of it; " * 5_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def client(path: Path) -> Iterator[threadline.Client]:
    with threadline.configure(store=path, min_free_bytes=0, app="shop", release="7") as client:
        yield client


def answering(*answers: Any) -> FakeMessagesListChatModel:
    return FakeMessagesListChatModel(
        responses=[AIMessage(one) if isinstance(one, str) else one for one in answers]
    )


def ask(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        return store.execute(query).fetchall()


def test_large_words_are_put_in(client: threadline.Client, path: Path) -> None:
    """What lies on the blob shelf reads like any other text."""
    image = {"type": "image", "base64": "AAAA" * 9_000, "mime_type": "image/png"}
    question = HumanMessage(
        [{"type": "text", "text": "See: "}, image, {"type": "text", "text": LONG}]
    )
    answering(LONG).invoke([question], config(thread_id="t-1"))
    said = ask(path, "SELECT role, text FROM messages ORDER BY message") if client.flush() else []
    assert said == [("user", f"See: {LONG}"), ("assistant", LONG)]
    compare_views(client.reader())


def test_large_results_of_tools_are_put_in(client: threadline.Client, path: Path) -> None:
    """With and without a model that asked for them."""

    @tool
    def fetch(page: str) -> str:
        """Fetch a page."""
        return page + LONG

    call = {"type": "tool_call", "id": "c-1", "name": "fetch", "args": {"page": "one"}}
    model = answering(AIMessage("", tool_calls=[call]), "Done.")

    def agent(text: str) -> str:
        asked = model.invoke(text)
        result = fetch.invoke(asked.tool_calls[0])
        fetch.invoke({"page": "unasked"})
        return str(model.invoke([text, asked, result]).content)

    RunnableLambda(agent).invoke("go", config(thread_id="t-1"))
    client.flush()
    query = "SELECT call_id, arguments, result FROM tool_observations ORDER BY observation_id"
    assert ask(path, query) == [
        ("c-1", '{"page":"one"}', f"one{LONG}"),
        (None, '{"page":"unasked"}', f"unasked{LONG}"),
    ]
    compare_views(client.reader())


def test_all_that_is_said_beside_is_there(client: threadline.Client, path: Path) -> None:
    """Metadata, tags, errors, ratings of everything, side calls, histories of before."""
    model = answering("Yes.", "No.", "Title")
    with threadline.conversation("t-1", user_id="ada", metadata={"plan": "pro"}, tags=["beta"]):
        model.invoke(
            [HumanMessage("before"), AIMessage("indeed"), HumanMessage("now?")],
            config(tags=["x"], config={"metadata": {"version": 3}}),
        )
        with pytest.raises(ZeroDivisionError):
            (model | (lambda _: 1 // 0)).invoke("fails?", config())
    side = {"metadata": {"threadline": "trace", "thread_id": "t-1"}}
    model.invoke("title?", config() | side)
    client.flush()
    turn = client.reader().turns(thread_id="t-1")[-1]
    threadline.rate(1, turn_id=turn.id, comment="Good")
    threadline.rate(-1, message_id=turn.messages[-1].id, user_id="ada")
    threadline.rate(0.5, span_id=turn.spans[0].id, name="helpful", source="judge")
    threadline.rate("fine", thread_id="t-1", name="mood")
    client.flush()
    assert ask(path, "SELECT count(*) FROM ratings") == [(4,)]
    query = "SELECT kind, status, error_type, app, release FROM turns ORDER BY turn"
    assert ask(path, query) == [
        ("turn", "ok", None, "shop", "7"),
        ("turn", "error", "ZeroDivisionError", "shop", "7"),
        ("trace", "ok", None, "shop", "7"),
    ]
    compare_views(client.reader())


def test_a_turn_of_a_dead_process_is_abandoned(path: Path) -> None:
    """As the reader says; the tool's own clock is the judge."""
    stored = Stored(path)
    stored.process(2, beat_ns=NOW)
    conversation = stored.conversation("t-1")
    stored.turn(conversation, status="running", process=1)
    stored.connection.execute(
        "UPDATE process SET beat_ns = (strftime('%s','now') + 9) * 1000000000 WHERE id = 2"
    )
    stored.turn(conversation, status="running", process=2)
    stored.close()
    query = "SELECT turn, status FROM turns ORDER BY turn"
    assert ask(path, query) == [(1, "abandoned"), (2, "running")]


def test_the_numbers_join_without_a_scan(client: threadline.Client, path: Path) -> None:
    """One turn's messages and spans are found by their rows, in a store of any size."""
    answering("Yes.").invoke("now?", config(thread_id="t-1"))
    client.flush()
    for query in (
        "SELECT * FROM turns t, messages m WHERE t.turn = 1 AND m.message = t.conversation << 24",
        "SELECT * FROM spans WHERE turn = 1",
        "SELECT * FROM tool_observations WHERE turn = 1",
        "SELECT * FROM messages WHERE message BETWEEN 1 << 24 AND 2 << 24",
    ):
        plan = [row[3] for row in ask(path, f"EXPLAIN QUERY PLAN {query}")]
        assert [step for step in plan if step.startswith("SCAN") and "VIRTUAL" not in step
                and "subquery" not in step and "CONSTANT" not in step] == []  # fmt: skip
