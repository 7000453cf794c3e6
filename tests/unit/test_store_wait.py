"""When it is said that the store cannot be written: what nothing is lost by is said late."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.application import Lines

from threadline.capture.losses import Losses
from threadline.capture.store_wait import StoreWait
from threadline.errors import StoreUnavailableError

FULL = StoreUnavailableError(Path("a.db"), "OperationalError: disk is full")
BUSY = StoreUnavailableError(Path("a.db"), "OperationalError: locked", is_busy=True)
WAITS = "what is recorded waits"


@pytest.fixture
def wait() -> StoreWait:
    return StoreWait(Losses())


def test_what_is_wrong_with_the_store_is_said_at_once_and_once(wait: StoreWait) -> None:
    with Lines() as log:
        wait.after(FULL, 1.0)
        wait.after(FULL, 3.0)
        wait.say()
    log.check(WAITS)


def test_it_is_tried_again_after_a_while_or_when_asked(wait: StoreWait) -> None:
    wait.after(BUSY, 1.0)
    assert wait.is_on(2.9)
    assert not wait.is_on(3.1)
    wait.lift()
    assert not wait.is_on(2.9)


def test_only_one_long_wait_for_others_is_said(wait: StoreWait) -> None:
    """Several short ones are none: in between the store was free."""
    with Lines() as log:
        for now in (0.0, 100.0, 200.0):
            wait.after(BUSY, now)
            wait.after(BUSY, now + 9.0)
            wait.over()
        log.check()
        wait.after(BUSY, 300.0)
        wait.after(BUSY, 311.0)
    log.check(WAITS)


def test_what_waits_at_the_end_is_said_however_short_it_was(wait: StoreWait) -> None:
    with Lines() as log:
        wait.after(BUSY, 1.0)
        wait.say()
        wait.over()
        wait.say()
    log.check(WAITS)
