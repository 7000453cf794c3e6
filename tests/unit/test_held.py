"""What the writer remembers of one conversation."""

from __future__ import annotations

import pytest

from threadline.model.message import USER
from threadline.store.held import Held

_SAID = 0


def said(*words: bytes) -> Held:
    """A conversation in which this was said."""
    held = Held(1, "", "t", generated=False)
    for word in words:
        held.add(word, USER, _SAID, None)
    return held


@pytest.mark.parametrize("asked_before", [0, 100])
def test_what_was_said_is_found_where_it_stands_first(asked_before: int) -> None:
    """However often was asked before, and also what is said later."""
    held = said(b"yes", b"no", b"yes")
    for _ in range(asked_before):
        assert held.first_at(b"no") == 1
    held.add(b"maybe", USER, _SAID, None)
    held.add(b"no", USER, _SAID, None)
    assert [held.first_at(word) for word in (b"yes", b"no", b"maybe")] == [0, 1, 3]
    assert held.first_at(b"never") is None


@pytest.mark.parametrize("asked_before", [0, 100])
def test_what_follows_is_preferred_to_what_came_first(asked_before: int) -> None:
    """An input that repeats words is found as it was said."""
    held = said(b"yes", b"no", b"yes")
    for _ in range(asked_before):
        held.first_at(b"yes")
    assert held.find(b"yes", 1) == 2
    assert held.find(b"yes", 0) == 0
