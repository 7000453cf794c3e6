"""What nobody knows the outcome of is looked for, after a while, before it is sent again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.context_api.shop import Shop
from tests.shipping import Scripted, ingestion, record

import threadline
from threadline.clock import SystemClock
from threadline.destinations import Delivered, Later
from threadline.ingest.pace import Pace
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import ContextLoopback

    from threadline.destinations import Item

LOST = {"do": "take_and_hang"}
"""It is taken, and the answer never comes."""

WAYS = {
    "no answer": LOST,
    "reset after headers": {"do": "take_and_reset"},
    "500": {"do": "take_and_fail", "status": 500},
    "504": {"do": "take_and_fail", "status": 504},
}

QUICK = Pace(first_wait_s=0.01, longest_wait_s=0.02, send_timeout_s=0.4)


class AdvancedClock(SystemClock):
    """The time, and as much more as it was set forward."""

    ahead_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.ahead_ns


def said(server: ContextLoopback) -> list[str]:
    return [entry.get("message") or entry["name"] for _, entry in server.entries()]


@pytest.fixture
def quick(server: ContextLoopback, tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "chat.db", server)
    shop.sender = ingestion(tmp_path / "chat.db", server.target(), pace=QUICK)
    return shop


@pytest.mark.parametrize(
    "given_back",
    [
        {},
        {"metadata": False},
        {"ids": False, "metadata": False},
        {"filtered": True},
        {"filtered": True, "metadata": False},
    ],
)
def test_a_turn_whose_answer_was_lost_is_found_and_not_sent_again(
    server: ContextLoopback, quick: Shop, given_back: dict[str, bool]
) -> None:
    """Whatever a server gives back of its messages; what comes after it follows."""
    server.be(**given_back)
    quick.ask_with_tools("q0", "a0")
    quick.ship()
    server.behave(LOST)
    quick.ask_with_tools("q1", "a1")
    quick.ask("q2", "a2")
    assert quick.ship() == (3, 0, 0)
    with_tools = [[f"q{n}", "find_table", "weather", f"a{n}"] for n in range(2)]
    assert said(server) == [*with_tools[0], *with_tools[1], "q2", "a2"]
    quick.close()


@pytest.mark.parametrize("way", WAYS)
def test_whatever_went_wrong_behind_the_taking_each_turn_is_there_once(
    server: ContextLoopback, quick: Shop, way: str
) -> None:
    """Again and again, in several conversations at once; each of them stays in order."""
    server.behave(*[WAYS[way]] * 3)
    for number in range(9):
        quick.ask(f"q{number}", f"a{number}", thread_id=f"t-{number % 3}")
    assert quick.ship() == (9, 0, 0)
    threads = [[q for thread, q in server.questions() if thread == f"t-{n}"] for n in range(3)]
    assert threads == [[f"q{n}", f"q{n + 3}", f"q{n + 6}"] for n in range(3)]
    quick.close()


def test_a_message_that_was_found_can_be_rated(server: ContextLoopback, quick: Shop) -> None:
    """The server told its id when it was read back."""
    server.behave(LOST)
    turn_id = quick.ask("q0", "a0")
    threadline.rate(1, turn_id=turn_id, client=quick.client)
    assert quick.ship() == (2, 0, 0)
    assert [m["rating"] for m in server.thread("t-1")] == [0, 1]
    quick.close()


def test_the_same_words_again_are_not_taken_for_what_was_lost(
    server: ContextLoopback, quick: Shop
) -> None:
    """A turn is told from another by its id, not by what was said."""
    quick.ask("Yes", "Good")
    quick.ship()
    server.behave({"do": "hang"})
    quick.ask("Yes", "Good")
    assert quick.ship() == (2, 0, 0)
    assert said(server) == ["Yes", "Good"] * 2
    quick.close()


def test_an_event_whose_answer_was_lost_is_found(server: ContextLoopback, quick: Shop) -> None:
    """By its id; the one after it is another."""
    quick.ask("q0", "a0")
    quick.ship()
    server.behave(LOST)
    for _ in range(2):
        threadline.event("Checkout", thread_id="t-1", client=quick.client)
    assert quick.ship() == (3, 0, 0)
    assert said(server) == ["q0", "a0", "Checkout", "Checkout"]
    quick.close()


def test_nothing_is_sent_while_reading_back_fails(server: ContextLoopback, quick: Shop) -> None:
    """The conversation waits until it can be known."""
    server.behave(LOST, *[{"do": "say", "status": 500}] * 3, {"do": "say", "status": 200})
    quick.ask("q0", "a0")
    quick.ask("q1", "a1")
    assert quick.ship() == (2, 0, 0)
    assert said(server) == ["q0", "a0", "q1", "a1"]
    quick.close()


def test_what_is_taken_late_is_waited_for(server: ContextLoopback, quick: Shop) -> None:
    """A server that is still at work on a request is asked only when it has settled."""
    settled = server.target(settle_s=0.6)
    quick.sender = ingestion(quick.client.settings.store, settled, pace=QUICK)
    server.behave({"do": "take_late"})
    quick.ask("q0", "a0")
    timer = threading.Timer(0.5, server.behave)  # it is done after the try is given up
    timer.start()
    assert quick.ship() == (1, 0, 0)
    timer.join()
    assert said(server) == ["q0", "a0"]
    quick.close()


def test_a_row_settles_also_for_the_next_process_and_is_then_uncertain(tmp_path: Path) -> None:
    """The time of a try is in the store; a try that is known to have failed leaves no doubt."""
    store, clock = tmp_path / "chat.db", AdvancedClock()
    record(store, [("t-1", "q0")], ["scripted"])
    outcomes: list[Any] = [Later("lost"), Later("refused", is_known=True), Delivered()]

    def answer(items: list[Item]) -> list[Any]:
        return [outcomes.pop(0) for _ in items]

    def sent_after(seconds: float) -> list[bool]:
        clock.ahead_ns += int(seconds * 1e9)
        scripted = Scripted(answer)
        scripted.settle_s = 5.0
        client = ingestion(store, scripted, clock=clock, pace=QUICK)
        client.senders[0].send_due()
        client.close_outbox()
        return [item.is_uncertain for batch in scripted.tries for item in batch]

    assert sent_after(0) == [False]
    assert sent_after(4) == []
    assert sent_after(2) == [True]
    assert sent_after(1) == [False]
    assert open_outbox(store, clock).counts(["scripted"]).waiting == 0
