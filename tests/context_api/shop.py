"""An application that records, and ships what it recorded when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.shipping import client_for, ingestion

import threadline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import ContextLoopback

MODEL = "gpt-4o-mini"


class Shop:
    """Records turns of a small shop, and ships them.

    Args:
        store: Where it records.
        server: Where it ships to.
        settings: More settings of its client.
        target: More settings of its destination.
    """

    def __init__(
        self,
        store: Path,
        server: ContextLoopback,
        target: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.client = client_for(store, ["context"], ship=False, **settings)
        self.sender = ingestion(store, server.target(**(target or {})))

    def ask(
        self, question: str, answer: str | None, *, thread_id: str | None = "t-1", **more: Any
    ) -> str:
        """Have a turn without tools; returns its id."""
        with threadline.turn(
            thread_id=thread_id, input=question, client=self.client, **more
        ) as turn:
            if answer is not None:
                turn.output = answer
        return turn.id

    def ask_with_tools(self, question: str, answer: str, *, thread_id: str = "t-1") -> str:
        """Have a turn with a model call and two tools; returns its id."""
        with threadline.turn(
            thread_id=thread_id, user_id="u-1", input=question, client=self.client
        ) as turn:
            turn.llm_call([{"role": "user", "content": question}], "Let me look", model=MODEL)
            turn.tool("find_table", {"people": 2}, result="19:30, 20:15")
            turn.tool("weather", {"day": "Friday"}, result={"rain": True})
            turn.output = answer
        return turn.id

    def ship(self) -> tuple[int, int, int]:
        """Ship what was recorded; returns how much was delivered, waits, was put aside."""
        self.client.store_recorded()
        self.sender.flush(20)
        return self.sender.deliveries()

    def close(self) -> None:
        """End both."""
        self.sender.stop(1)
        self.client.close()
