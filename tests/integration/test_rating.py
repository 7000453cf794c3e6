"""Ratings: in the store that a turn came from, by any of its ids, the latest of a person wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.shipping import client_for, say

import threadline
from threadline.client.defaults import serving_as_default
from threadline.model import Status, Turn

if TYPE_CHECKING:
    from pathlib import Path


def turn_in(path: Path, turn_id: str) -> Turn:
    with threadline.open(path) as store:
        found = store.turn(turn_id)
    assert found is not None
    return found


def test_a_turn_is_rated_in_the_store_that_it_was_read_from(tmp_path: Path) -> None:
    """Not in that of the default client, which may be another application's."""
    other = tmp_path / "other.db"
    with client_for(other, []) as client:
        [turn_id] = say(client, [("t-1", "one")])
    with client_for(tmp_path / "default.db", []) as default, serving_as_default(default):
        ident = turn_in(other, turn_id).rate(-1, "too short")
        assert default.flush().stored == 0
        assert not (tmp_path / "default.db").exists()
        rated = turn_in(other, turn_id)
    assert [(r.id, r.value, r.comment) for r in rated.ratings] == [(ident, -1, "too short")]


def test_a_turn_of_a_store_in_use_is_rated_by_its_client(tmp_path: Path) -> None:
    """So that the rating goes where that client ships to."""
    with client_for(tmp_path / "chat.db", []) as client:
        [turn_id] = say(client, [("t-1", "one")])
        with client.reader() as reader:
            turn = reader.turn(turn_id)
            assert turn is not None
            turn.rate(1)
            again = reader.turn(turn_id)
    assert again is not None
    assert [rating.value for rating in again.ratings] == [1]


def test_a_turn_of_a_store_in_memory_is_rated_there() -> None:
    with threadline.Client(store="memory") as client, threadline.Client(store="memory") as other:
        say(other, [("t-1", "another")])
        [turn_id] = say(client, [("t-1", "one")])
        with client.reader() as reader:
            conversation = reader.conversation("t-1")
            assert conversation is not None
            conversation.turns[0].rate(1)
            turn = reader.turn(turn_id)
    assert turn is not None
    assert [rating.value for rating in turn.ratings] == [1]


def test_a_turn_made_by_hand_is_rated_by_the_default_client(tmp_path: Path) -> None:
    """It came from no store."""
    path = tmp_path / "chat.db"
    with client_for(path, []) as client, serving_as_default(client):
        [turn_id] = say(client, [("t-1", "one")])
        made = Turn(id=turn_id, thread_id="t-1", status=Status.OK, started_ns=1)
        made.rate(1)
    assert [rating.value for rating in turn_in(path, turn_id).ratings] == [1]
