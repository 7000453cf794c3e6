"""Ids and positions come back as they were, whatever they are."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from threadline.ids import pack_id, unpack_id
from threadline.store.framework_ids import pack_framework_id, unpack_framework_id
from threadline.store.positions import read_positions, write_positions

_UUIDS = st.uuids().map(str)
_NEARLY = st.text("0123456789abcdefABCDEF- ", min_size=34, max_size=38)
_SPOILED = st.builds(
    lambda text, at, sign: text[:at] + sign * 2 + text[at + 2 :],
    _UUIDS,
    st.integers(0, 34),
    st.sampled_from("- Ag"),
)
_IDS = st.one_of(st.text(), _UUIDS, _UUIDS.map(str.upper), _NEARLY, _SPOILED)
_MESSAGE_IDS = st.one_of(
    _IDS,
    _IDS.map("lc_run--{}".format),
    _IDS.map("lc_run--{}-0".format),
    _IDS.map("run-{}-0".format),
)


@given(_IDS)
def test_an_id_comes_back_as_it_was(text: str) -> None:
    """Only a UUID in its usual form is written in 16 bytes; nothing is changed by writing."""
    packed = pack_id(text)
    assert unpack_id(packed) == text
    if isinstance(packed, bytes):
        assert packed == uuid.UUID(text).bytes


@given(_MESSAGE_IDS)
def test_a_message_id_comes_back_as_it_was(text: str) -> None:
    """LangChain's derived ids are written compactly, all others as they are."""
    packed = pack_framework_id(text)
    assert unpack_framework_id(packed) == text
    assert len(packed) <= len(text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.integers(0, 2**24 - 1), max_size=200))
def test_positions_come_back_in_their_order(positions: list[int]) -> None:
    """Any order, with repeats; runs that grow by one take a range."""
    assert read_positions(write_positions(positions)) == positions
