"""Whatever a turn holds, what the Context API is sent of it is within its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.context_server import is_entry, is_map
from tests.properties import strategies

from threadline.ingest.context_entries import entries_of, event_entry, rating_entry
from threadline.ingest.context_limits import MOST_CHARACTERS, MOST_KEYS, ContextLimits
from threadline.ingest.context_matching import found_in, ids_given
from threadline.model.contextai_values import plain

if TYPE_CHECKING:
    from threadline.model import Event, Rating, Turn

LIMITS = ContextLimits("context")


def sent(entries: list[Any]) -> list[dict[str, Any]]:
    """What a server reads of them."""
    return msgspec.json.decode(msgspec.json.encode(plain(entries, "record")))


@given(strategies.turns())
def test_any_turn_is_made_of_entries_that_the_api_has(turn: Turn) -> None:
    """Known roles, words in each message, texts as observations, metadata within the limits."""
    for entry in sent([entry.fields for entry in entries_of(turn, LIMITS)]):
        assert is_entry(entry), entry


@given(strategies.turns(), st.data())
def test_any_part_of_a_turn_that_arrived_is_found_again(turn: Turn, data: st.DataObject) -> None:
    """Behind whatever else the thread holds; what is missing is known, and the ids of the rest."""
    entries = entries_of(turn, LIMITS)
    arrived = data.draw(st.integers(0, len(entries)))
    before = [{"role": "user", "message": "Before", "metadata": {"turn_id": "another"}, "id": "b"}]
    held = before + [
        {**entry, "id": f"e{n}"}
        for n, entry in enumerate(sent([entry.fields for entry in entries[:arrived]]))
    ]
    found = found_in(entries, held)
    assert [one["id"] for one in found] == [f"e{n}" for n in range(arrived)]
    assert set(ids_given(entries, found).values()) <= {one["id"] for one in found}


@given(strategies.ratings)
def test_any_rating_is_an_event_that_the_api_has(rating: Rating) -> None:
    """With its id, by which it is found again."""
    [entry] = sent([rating_entry(rating, LIMITS)])
    assert is_entry(entry)
    assert entry["metadata"]["event_id"] == rating.id


@given(strategies.events)
def test_any_event_is_one_that_the_api_has(event: Event) -> None:
    """With its id, whatever its own metadata say."""
    [entry] = sent([event_entry(event, LIMITS)])
    assert is_entry(entry)
    assert entry["metadata"]["event_id"] == event.id


@given(st.dictionaries(st.text(max_size=60), strategies.json_values, max_size=30))
def test_any_metadata_is_brought_within_the_limits(pairs: dict[str, Any]) -> None:
    """What fits as it is stays as it is."""
    kept = LIMITS.kept(pairs)
    assert is_map(kept)
    fits = {k: v for k, v in pairs.items() if isinstance(v, str)}
    if fits == pairs and len(pairs) <= MOST_KEYS:
        short = {k: v for k, v in pairs.items() if max(len(k), len(v)) <= MOST_CHARACTERS}
        assert short.items() <= kept.items()
