"""Spans join to the same tree in whatever order threads hand their events over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from threadline.capture.events import SpanEnded, SpanStarted
from threadline.capture.joiner import Joiner

if TYPE_CHECKING:
    from threadline.capture.open_turn import OpenTurn

_TURN = b"turn"


def _name(number: int) -> bytes:
    return _TURN if number == 0 else b"run-%d" % number


@st.composite
def _shuffled_trees(draw: st.DrawFn) -> tuple[dict[bytes, bytes | None], list[object]]:
    """A tree of spans and its events: the root's first and last, all others in any order."""
    size = draw(st.integers(1, 12))
    parents: dict[bytes, bytes | None] = {_TURN: None}
    for number in range(1, size):
        parents[_name(number)] = _name(draw(st.integers(0, number - 1)))
    starts = {
        run: SpanStarted(_TURN, run, 1, "step", "s", parent) for run, parent in parents.items()
    }
    ends = {run: SpanEnded(_TURN, run, 2) for run in parents}
    between = [event for run in parents if run != _TURN for event in (starts[run], ends[run])]
    return parents, [starts[_TURN], *draw(st.permutations(between)), ends[_TURN]]


def _join(events: list[object]) -> OpenTurn:
    joiner = Joiner()
    for event in events:
        joiner.feed(event, None, 0.0)
    [turn] = joiner.take_whole(0.0)
    return turn


@given(_shuffled_trees())
def test_every_order_gives_the_same_tree(case: tuple[dict[bytes, bytes | None], list]) -> None:
    parents, events = case
    turn = _join(events)
    spans = turn.spans
    found = {run: None if s.parent is None else s.parent.start.run for run, s in spans.items()}
    assert found == parents
    assert all(span.end is not None for span in spans.values())
    order = [span.n for span in spans.values()]
    assert order == list(range(len(parents)))
    assert all(span.parent is None or span.parent.n < span.n for span in spans.values())


@given(_shuffled_trees(), st.data())
def test_what_is_held_back_counts_like_any_other_event(
    case: tuple[dict[bytes, bytes | None], list], data: st.DataObject
) -> None:
    parents, [first, *between, last] = case
    cut = data.draw(st.integers(0, len(between)))
    held = SpanEnded(_TURN, _TURN, 2, before=tuple(between[cut:]))
    assert last == SpanEnded(_TURN, _TURN, 2)
    turn = _join([first, *between[:cut], held])
    assert {run: span.end is not None for run, span in turn.spans.items()} == dict.fromkeys(
        parents, True
    )


def test_runs_that_name_each_other_as_parents_are_still_joined() -> None:
    events = [
        SpanStarted(_TURN, _TURN, 1, "workflow", "root"),
        SpanStarted(_TURN, b"a", 1, "step", "a", b"b"),
        SpanStarted(_TURN, b"b", 1, "step", "b", b"a"),
        SpanStarted(_TURN, b"c", 1, "step", "c", b"c"),
        *(SpanEnded(_TURN, run, 2) for run in (b"a", b"b", b"c", _TURN)),
    ]
    assert set(_join(events).spans) == {_TURN, b"a", b"b", b"c"}
