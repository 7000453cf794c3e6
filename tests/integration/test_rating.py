"""Ratings: in the store that a turn came from, by any of its ids, the latest of a person wins."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.shipping import client_for, say

import threadline
from threadline.client.defaults import serving_as_default
from threadline.errors import ArgumentError
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


def test_the_latest_rating_of_a_person_wins_and_all_are_kept(tmp_path: Path) -> None:
    """Whoever changes a thumb is found by the new one alone; what they said before is history."""
    path = tmp_path / "chat.db"
    with client_for(path, []) as client:
        [turn_id] = say(client, [("t-1", "one")])
        for value in (1, -1):
            threadline.rate(value, turn_id=turn_id, user_id="ada", client=client)
        with client.reader() as store:
            assert [turn.id for turn in store.turns(rating="down")] == [turn_id]
            assert list(store.turns(rating="up")) == []
    rated = turn_in(path, turn_id)
    assert [rating.value for rating in rated.ratings] == [1, -1]
    assert rated.messages[-1].rating == -1


def test_everything_can_be_rated_by_its_id(tmp_path: Path) -> None:
    """A message, a span, a conversation; by thumbs, numbers and labels under a name."""
    path = tmp_path / "chat.db"
    with client_for(path, []) as client:
        with threadline.turn(thread_id="t-1", input="one", client=client) as turn:
            turn.tool("look_up", {"order": 7}, result="found")
            turn.output = "Here it is."
        client.flush()
        told = turn_in(path, turn.id)
        threadline.rate(1, message_id=told.messages[-1].id, client=client)
        threadline.rate(0.5, span_id=told.spans[0].id, name="precision", client=client)
        threadline.rate("polite", thread_id="t-1", name="tone", source="judge", client=client)
        with client.reader() as store:
            conversation = store.conversation("t-1")
    assert conversation is not None
    [rated] = conversation.turns
    assert rated.messages[-1].rating == 1
    assert [(r.name, r.value, r.span_id) for r in rated.ratings if r.span_id] == [
        ("precision", 0.5, told.spans[0].id)
    ]
    assert [(r.name, r.label, r.source) for r in conversation.ratings] == [
        ("tone", "polite", "judge")
    ]


def test_another_process_rates_by_the_id_that_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with client_for(path, []) as client:
        [turn_id] = say(client, [("t-1", "one")])
        client.flush()
        program = (
            "import threadline\n"
            f"threadline.configure(store={str(path)!r}, min_free_bytes=0)\n"
            f"threadline.rate(-1, turn_id={turn_id!r}, comment='wrong', user_id='ada')\n"
            "threadline.feedback('never mind', thread_id='t-1')\n"
            "threadline.event('Checkout', thread_id='t-1', metadata={'product': '7'})\n"
            "threadline.update('t-1', title='Numbers', metadata={'plan': 'pro'})\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)
        with client.reader() as store:
            conversation = store.conversation("t-1")
    assert conversation is not None
    assert [(r.value, r.comment) for r in conversation.turns[0].ratings] == [(-1, "wrong")]
    assert [feedback.text for feedback in conversation.feedback] == ["never mind"]
    assert [(e.name, e.metadata) for e in conversation.events] == [("Checkout", {"product": "7"})]
    assert (conversation.title, conversation.metadata) == ("Numbers", {"plan": "pro"})


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_is_none_is_refused(tmp_path: Path, value: float) -> None:
    """No file could hold it: the rating would be lost behind the caller's back."""
    with client_for(tmp_path / "chat.db", []) as client:
        [turn_id] = say(client, [("t-1", "one")])
        with pytest.raises(ArgumentError, match="finite"):
            threadline.rate(value, name="tone", turn_id=turn_id, client=client)
        threadline.rate(0.5, name="tone", turn_id=turn_id, client=client)
    assert [rating.value for rating in turn_in(tmp_path / "chat.db", turn_id).ratings] == [0.5]
