"""Whatever conversation a store was given, another store that takes it from there is equal."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.properties.strategies import conversations
from tests.taken import everything, same, same_elsewhere

import threadline
from threadline import Client
from threadline.importing.adopting import adopt
from threadline.importing.files import ConversationFile
from threadline.model import Conversation, decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

some = st.lists(
    conversations(), min_size=1, max_size=3, unique_by=lambda one: (one.tenant, one.thread_id)
)
# An example is two stores with their writers; making their conversations takes long, too.
slowly = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def told_apart(found: Sequence[Conversation]) -> list[Conversation]:
    """Give every conversation turns of its own; the keys in it in the order of lines of JSON."""
    return [_with_own_turns(one, number) for number, one in enumerate(found)]


def _with_own_turns(one: Conversation, number: int) -> Conversation:
    read = decode(encode(one))
    assert isinstance(read, Conversation)
    whose = {"thread_id": one.thread_id, "tenant": one.tenant}
    turns = (replace(turn, id=f"{number}.{turn.id}", **whose) for turn in read.turns)
    return replace(read, turns=tuple(turns))


@slowly
@given(some)
def test_an_export_taken_into_an_empty_store_is_an_equal_store(found: list[Conversation]) -> None:
    """Through lines of JSON: every record, and every list; a second time adds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with Client(store=path / "a.db", min_free_bytes=0, redact=[]) as client:
            adopt(told_apart(found), client=client)
            same_elsewhere(client.reader(), path / "b.db")


@slowly
@given(some)
def test_a_store_file_taken_into_an_empty_store_is_an_equal_store(
    found: list[Conversation],
) -> None:
    """Read as the command reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with Client(store=path / "a.db", min_free_bytes=0) as client:
            adopt(told_apart(found), client=client)
        with Client(store=path / "b.db", min_free_bytes=0) as client:
            told = list(ConversationFile(path / "a.db").conversations())
            adopt([one for one in told if isinstance(one, Conversation)], client=client)
        assume(told)
        with threadline.open(path / "a.db") as one, threadline.open(path / "b.db") as two:
            same(tuple(everything(one)), tuple(everything(two)))


@slowly
@given(some)
def test_the_context_ai_shape_comes_back_but_for_the_trace(found: list[Conversation]) -> None:
    """What the shape has a place for is equal when it comes from a store and goes into another."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with Client(store=path / "a.db", min_free_bytes=0) as client:
            adopt(told_apart(found), client=client)
            first = everything(client.reader())
        assume(first)
        lines = [json.dumps(one.to_dict()) for one in first]
        (path / "told.jsonl").write_text("\n".join(lines))
        with Client(store=path / "b.db", min_free_bytes=0) as client:
            told = list(ConversationFile(path / "told.jsonl").conversations())
            assert [one for one in told if not isinstance(one, Conversation)] == []
            adopt([one for one in told if isinstance(one, Conversation)], client=client)
            second = everything(client.reader())
        said = [[(m.id, m.role, m.text, m.rating) for m in one.messages] for one in first]
        assert [[(m.id, m.role, m.text, m.rating) for m in one.messages] for one in second] == said
