"""What `doctor` says is and is not captured of Haystack is so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from haystack import Document
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from tests.haystack.applications import add, agent, ask, chat, chat_input
from tests.scenarios.haystack_first_version import HEARS_SYNCHRONOUS_CHUNKS

from threadline.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from threadline import Client


def _generator() -> None:
    MockChatGenerator("Hello.").run([ChatMessage.from_user("Hello?")])


def _retriever() -> None:
    store = InMemoryDocumentStore()
    store.write_documents([Document(content="Jean lives in Paris")])
    InMemoryBM25Retriever(store).run("Paris")


def _tool() -> None:
    assert add.invoke(a=1, b=2) == 3


_OUTSIDE = {"generators": _generator, "retrievers": _retriever, "tools": _tool}


def _told(tmp_path: Path) -> str:
    result = CliRunner().invoke(app, ["doctor", "--json", "--store", str(tmp_path / "a.db")])
    rows: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    [found] = [row for row in rows if row["name"] == "haystack-ai"]
    assert found["tone"] == "good"
    return str(found["note"])


@pytest.mark.parametrize("what", _OUTSIDE)
def test_what_is_called_outside_is_told_to_nobody(
    what: str, client: Client, tmp_path: Path
) -> None:
    """Haystack shows a tracer nothing of it, and `doctor` says so."""
    alone: Callable[[], None] = _OUTSIDE[what]
    alone()
    assert not client.has_started
    recorded, kept_from_us = _told(tmp_path).split("Shown to no tracer:")
    assert what in kept_from_us
    assert what not in recorded


def test_pipelines_and_agents_are_recorded_but_no_chunks_of_pipelines(
    client: Client, tmp_path: Path
) -> None:
    """The first chunk is timed for an agent, and not where a pipeline runs synchronously."""
    chunks: list[Any] = []
    ask(agent(), streaming_callback=chunks.append)
    data = chat_input("Hello?")
    data["llm"]["streaming_callback"] = chunks.append
    chat().run(data)
    pipelines, agents = client.reader().turns(kind=None)
    assert agents.llm_calls[0].first_chunk_ns is not None
    assert (pipelines.llm_calls[0].first_chunk_ns is not None) == HEARS_SYNCHRONOUS_CHUNKS
    recorded, kept_from_us = _told(tmp_path).split("Shown to no tracer:")
    assert "pipelines and agents" in recorded
    assert "chunks of generators in pipelines that run synchronously" in kept_from_us
