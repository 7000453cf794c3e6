"""Switched off means off: nothing is recorded, and nothing is made on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.runnables import RunnableLambda

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from pathlib import Path


def test_a_client_that_is_off_touches_nothing(tmp_path: Path) -> None:
    """No folder, no journal, no key, and no loss to report."""
    client = threadline.Client(store=tmp_path / "off" / "s.db", enabled=False)
    handler = ThreadlineCallbackHandler(client)
    chain = RunnableLambda(str.upper) | RunnableLambda(str.title)
    assert chain.invoke("hello", {"callbacks": [handler]}) == "Hello"
    with threadline.turn(thread_id="t", input="x", client=client) as turn:
        turn.tool("look_up", {"a": 1}, result=2)
        turn.output = "y"
    threadline.feedback("good", thread_id="t", client=client)
    assert client.close().complete
    assert not (tmp_path / "off").exists()
