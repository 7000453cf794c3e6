"""Turns that an exception of the application's own leaves."""

from __future__ import annotations

import pytest

import threadline


class _WordlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_a_turn_ends_whatever_its_exception_says_of_itself() -> None:
    """An exception whose words cannot be had is told by its class, and the turn is closed."""
    with threadline.Client(store="memory") as client:
        with (
            pytest.raises(_WordlessError),
            threadline.turn(thread_id="t-1", input="Hello?", client=client),
        ):
            raise _WordlessError
        [turn] = client.reader().turns(kind=None)
        assert (str(turn.status), client.losses.total) == ("error", 0)
