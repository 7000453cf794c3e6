"""Stores that an older version made: read as they are, and brought up to date by who writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models import FakeListChatModel

import threadline
from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store.schema import MIGRATIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

_ADDED = (("tool_observation", "decision"), ("turn", "branch_at"))
"""What version 2 has and version 1 has not."""


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


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """A store as version 1 left it."""
    store = tmp_path / "old.db"
    _say(store, "Hello?")
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        views = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        for (view,) in views:
            connection.execute(f"DROP VIEW {view}")
        for table, column in _ADDED:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
    return store


def test_an_older_store_is_read_as_it_is(old_store: Path) -> None:
    """Reading changes nothing: the program that wrote it may still be at work."""
    assert _words(old_store) == ["Hello?", "Hi."]
    assert _version(old_store) == 1


def test_who_writes_brings_an_older_store_up_to_date(old_store: Path) -> None:
    """What was said stays; what is said goes on from there."""
    _say(old_store, "Again?")
    assert _version(old_store) == SCHEMA_VERSION == len(MIGRATIONS)
    assert _words(old_store) == ["Hello?", "Hi.", "Again?", "Hi."]
