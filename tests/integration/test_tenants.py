"""Tenants: one store, conversations that never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.runnables import RunnableLambda

import threadline
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reader_means_its_clients_tenant(tmp_path: Path) -> None:
    """The same thread id in two tenants is two conversations; each client reads its own."""
    clients = {
        tenant: threadline.Client(store=tmp_path / "s.db", tenant=tenant, min_free_bytes=0)
        for tenant in ("north", "south", None)
    }
    for tenant, client in clients.items():
        config = {
            "callbacks": [ThreadlineCallbackHandler(client)],
            "metadata": {"thread_id": "t-1"},
        }
        RunnableLambda(str.upper).invoke(f"hello {tenant}", config)
        client.flush()
    for tenant, client in clients.items():
        with client.reader() as reader:
            conversation = reader.conversation("t-1")
            last = reader.last()
            assert conversation is not None
            assert last is not None
            assert conversation.messages[0].text == last.input == f"hello {tenant}"
            assert len(reader.conversations()) == len(reader.turns()) == 1
            assert reader.schema_version == SCHEMA_VERSION
    with clients["south"].reader() as reader:
        assert reader.delete(thread_id="t-1") == 1
        assert reader.conversation("t-1") is None
        other = reader.conversation("t-1", tenant="north")
        assert other is not None
    for client in clients.values():
        client.close()
