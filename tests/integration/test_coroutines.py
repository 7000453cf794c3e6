"""`aflush`, `aclose` and `arate`: what waits does so while the event loop goes on."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.shipping import Scripted, client_for, say

import threadline
from threadline.client.defaults import serving_as_default
from threadline.errors import ArgumentError
from threadline.ingest.destination import Delivered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from threadline.ingest.destination import Item, Outcome


class Slow(Scripted):
    """A destination that takes everything, once it is let."""

    def __init__(self) -> None:
        super().__init__(self._wait, name="slow")
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def _wait(self, items: Sequence[Item]) -> Sequence[Outcome]:
        self.entered.set()
        self.let_go.wait(30)
        return [Delivered()] * len(items)


@pytest.fixture
def slow() -> Iterator[Slow]:
    destination = Slow()
    yield destination
    destination.let_go.set()


async def until(event: threading.Event) -> None:
    """Wait on the loop itself, which goes on only if nothing holds it up."""
    while not event.is_set():  # noqa: ASYNC110 (set by another thread)
        await asyncio.sleep(0)


@pytest.fixture
def client(tmp_path: Path, slow: Slow) -> Iterator[threadline.Client]:
    with (
        client_for(tmp_path / "chat.db", [slow], shutdown_timeout=0.1) as client,
        serving_as_default(client),
    ):
        yield client


def test_the_loop_goes_on_while_a_flush_waits(client: threadline.Client, slow: Slow) -> None:
    """A destination that hangs lets `aflush` wait; everything else runs meanwhile."""
    say(client, [("t-1", "one")])

    async def flush_and_release() -> tuple[threadline.FlushReport, bool]:
        flushing = asyncio.ensure_future(threadline.aflush(20.0))
        await until(slow.entered)
        went_on = not flushing.done()
        slow.let_go.set()
        return await flushing, went_on

    report, went_on = asyncio.run(flush_and_release())
    assert went_on
    assert (report.delivered, report.pending) == (1, 0)


def test_a_full_pool_of_threads_holds_no_flush_up(client: threadline.Client) -> None:
    """An application whose own work fills the loop's threads can still flush in time."""
    say(client, [("t-1", "one")])
    never = threading.Event()

    async def flush_beside() -> threadline.FlushReport:
        loop = asyncio.get_running_loop()
        pool = concurrent.futures.ThreadPoolExecutor(1)
        loop.set_default_executor(pool)
        busy = loop.run_in_executor(None, never.wait)
        report = await threadline.aflush(0.1)
        never.set()
        await busy
        return report

    assert asyncio.run(flush_beside()).stored == 1


def test_a_rating_awaited_is_a_rating(client: threadline.Client) -> None:
    """`arate` takes what `rate` takes, and raises what it raises."""
    [turn_id] = say(client, [("t-1", "one")])
    ident = asyncio.run(threadline.arate(1, turn_id=turn_id, comment="well put"))
    with client.reader() as reader:
        turn = reader.turn(turn_id)
    assert turn is not None
    assert [(r.id, r.value, r.comment) for r in turn.ratings] == [(ident, 1, "well put")]
    with pytest.raises(ArgumentError, match="value"):
        asyncio.run(threadline.arate(7, turn_id=turn_id))


def test_closing_awaited_stores_everything(client: threadline.Client) -> None:
    say(client, [("t-1", "one")])
    assert asyncio.run(threadline.aclose(0.1)).stored == 1


def test_one_that_is_cancelled_leaves_no_mess(client: threadline.Client, slow: Slow) -> None:
    """A flush whose task is cancelled ends on its own, and tells nobody."""
    say(client, [("t-1", "one")])
    told: list[dict[str, Any]] = []

    async def cancel() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        flushing = asyncio.ensure_future(threadline.aflush(20.0))
        await until(slow.entered)
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing
        slow.let_go.set()

    asyncio.run(cancel())
    assert told == []
