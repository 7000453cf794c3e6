"""Stores that an older version made: read as they are, and brought up to date by who writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models import FakeListChatModel
from tests.shipping import Scripted, client_for, ingestion

import threadline
from threadline import Client
from threadline.clock import SystemClock
from threadline.destinations import Delivered
from threadline.ingest.shipping import open_outbox
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store.receipts import NONE
from threadline.store.schema import MIGRATIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

_ADDED = {
    2: (("tool_observation", "decision"), ("turn", "branch_at")),
    4: (("outbox", "tried_ns"), ("turn", "request_span")),
}
"""The columns that a version has and the one before has not."""


def _say(store: Path, question: str) -> None:
    client = Client(store=store, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client, thread_id="t-1")
    FakeListChatModel(responses=["Hi."]).invoke(question, {"callbacks": [handler]})
    client.close()


def _words(store: Path) -> list[str]:
    conversation = threadline.open(store).conversation("t-1")
    assert conversation is not None
    return [message.text for message in conversation.messages]


def _version(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return version


@pytest.fixture(params=[1, 2, 3])
def old_version(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def old_store(tmp_path: Path, old_version: int) -> Path:
    """A store as an older version left it, with a turn that waits for a destination."""
    store = tmp_path / "old.db"
    _say(store, "Hello?")
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        views = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        for (view,) in views if old_version < 3 else ():
            connection.execute(f"DROP VIEW {view}")
        for version, columns in _ADDED.items():
            for table, column in columns if version > old_version else ():
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("DROP TABLE receipt")
        connection.execute(f"PRAGMA user_version = {old_version}")
        connection.execute(
            "INSERT INTO outbox (destination, kind, record_id, conversation)"
            " SELECT 'scripted', 'turn', turn_id, conversation FROM turn"
        )
    return store


def test_an_older_store_is_read_as_it_is(old_store: Path, old_version: int) -> None:
    """Reading changes nothing: the program that wrote it may still be at work."""
    assert _words(old_store) == ["Hello?", "Hi."]
    outbox = open_outbox(old_store, SystemClock())
    [row] = outbox.plan("scripted", 5)
    assert outbox.receipts("scripted", [row])[row] == NONE
    assert _version(old_store) == old_version


def test_what_waits_in_an_older_store_is_delivered_and_receipts_are_kept(old_store: Path) -> None:
    """Also by one who read it while it was old: what came back is there for the next record."""
    scripted = Scripted(lambda items: [Delivered(receipt={"id": "their-1"})] * len(items))
    client = ingestion(old_store, scripted)
    client.flush(10)
    assert len(scripted.delivered) == 1
    with client_for(old_store, ["scripted"], ship=False) as application:
        threadline.rate(1, turn_id=scripted.delivered[0].id, client=application)
    client.flush(10)
    client.stop(1)
    assert [item.receipt for item in scripted.delivered] == [{}, {"id": "their-1"}]


def test_who_writes_brings_an_older_store_up_to_date(old_store: Path) -> None:
    """What was said stays; what is said goes on from there."""
    _say(old_store, "Again?")
    assert _version(old_store) == SCHEMA_VERSION == len(MIGRATIONS)
    assert _words(old_store) == ["Hello?", "Hi.", "Again?", "Hi."]
