"""What tests of delivery share: recording without a framework, and destinations that misbehave."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import threadline
from threadline.ingest.destination import Delivered, Later
from threadline.ingest.ingestion import IngestionClient
from threadline.ingest.pace import Pace
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import pytest

    from threadline.ingest.destination import Item, Outcome

QUICK = Pace(first_wait_s=0.01, longest_wait_s=0.05, occupied_wait_s=0.02, send_timeout_s=0.5)


def ship_to_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the environment name a store, which is returned, and `out.jsonl` beside it."""
    monkeypatch.setenv("THREADLINE_STORE", str(folder / "chat.db"))
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "jsonl")
    monkeypatch.setenv("THREADLINE_JSONL_PATH", str(folder / "out.jsonl"))
    return folder / "chat.db"


def record(path: Path, turns: Iterable[tuple[str, str]], destinations: Sequence[Any]) -> None:
    """Record turns, of one thread and one question each, and deliver nothing."""
    with client_for(path, destinations, ship=False) as client:
        say(client, turns)


def client_for(path: Path, destinations: Sequence[Any], **settings: Any) -> threadline.Client:
    return threadline.Client(
        store=path, destinations=list(destinations), min_free_bytes=0, **settings
    )


def say(client: threadline.Client, turns: Iterable[tuple[str, str]]) -> list[str]:
    """Record turns; returns their ids."""
    ids: list[str] = []
    for thread_id, question in turns:
        with threadline.turn(thread_id=thread_id, input=question, client=client) as turn:
            turn.output = f"{question}, you say"
        ids.append(turn.id)
    return ids


def say_at_length(client: threadline.Client, turns: Iterable[tuple[str, str]]) -> None:
    """Record turns of two model calls and a tool."""
    for thread_id, question in turns:
        with threadline.turn(thread_id=thread_id, input=question, client=client) as turn:
            asked = {"role": "user", "content": question}
            turn.llm_call([asked], f"What is {question}?", model="gpt-x")
            turn.tool("look", {"for": question}, result=f"{question} is a number")
            turn.llm_call([asked], f"{question}, you say", model="gpt-x")
            turn.output = f"{question}, you say"


def lines_of(*paths: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def ingestion(
    path: Path, *destinations: Any, clock: Any = None, pace: Pace = QUICK
) -> IngestionClient:
    """Return what ships from a store, quickly and from nowhere but this process."""
    clock = clock or threadline.Client(store="memory").clock
    return IngestionClient(
        open_outbox(path, clock),
        destinations,
        names=[destination.name for destination in destinations],
        path=path,
        clock=clock,
        pace=pace,
    )


class Scripted:
    """A destination that does what it is told, and keeps what it was given."""

    def __init__(
        self,
        answer: Callable[[Sequence[Item]], Sequence[Outcome]] | None = None,
        *,
        name: str = "scripted",
        batch_items: int = 8,
    ) -> None:
        self.name = name
        self.batch_items = batch_items
        self.answer = answer or (lambda items: [Delivered()] * len(items))
        self.tries: list[list[Item]] = []
        self.delivered: list[Item] = []

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        self.tries.append(list(items))
        outcomes = self.answer(items)
        self.delivered += [
            item
            for item, outcome in zip(items, outcomes, strict=True)
            if isinstance(outcome, Delivered)
        ]
        return outcomes

    def check(self, *, timeout_s: float) -> str | None:
        return None

    def close(self) -> None:
        pass


class Hanging(Scripted):
    """A destination that answers only when it is let go."""

    def __init__(self) -> None:
        super().__init__(self._hang, name="hanging")
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def _hang(self, items: Sequence[Item]) -> Sequence[Outcome]:
        self.entered.set()
        self.let_go.wait(30)
        return [Later("it hung")] * len(items)
