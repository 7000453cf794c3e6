"""A server of the Context API on a loopback port, and what is shipped there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.context_api.shop import Shop
from tests.faults.loopbacks import ContextLoopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ContextLoopback]:
    with ContextLoopback(tmp_path) as loopback:
        yield loopback


@pytest.fixture
def shop(server: ContextLoopback, tmp_path: Path) -> Iterator[Shop]:
    """An application whose conversations are shipped to the server, one step at a time."""
    shop = Shop(tmp_path / "chat.db", server)
    yield shop
    shop.close()


def bodies(server: ContextLoopback) -> list[dict[str, Any]]:
    """The bodies of all requests that the server took."""
    return [request["body"] for request in server.requests()]
