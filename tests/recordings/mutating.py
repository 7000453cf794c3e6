"""Streams as they never were: hooks lost, doubled and reordered, several streams at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from tests.recordings.streams import NAMES, read_stream

if TYPE_CHECKING:
    from tests.recordings.streams import Event


@dataclass(frozen=True)
class Step:
    """One hook of one of the streams that are played, or a flush before it."""

    stream: int
    event: int
    flush: bool = False


@dataclass(frozen=True)
class Muddle:
    """Names of streams, and their hooks in the order in which they come.

    `thread` is the one conversation that all of them belong to, where it is one.
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    thread: str | None = None

    def event_of(self, step: Step) -> Event:
        """Return the recorded hook."""
        return read_stream(self.names[step.stream])[step.event]

    def __repr__(self) -> str:
        lines = [f"{self.names}:"]
        for step in self.steps:
            event = self.event_of(step)
            flush = "flush, " if step.flush else ""
            lines.append(f"  {step.stream} #{step.event} {flush}{event['ev']} {event['run']}")
        return "\n".join(lines)


@st.composite
def mutated(draw: st.DrawFn, name: str) -> list[int]:
    """The hooks of a stream by number, some of them lost, doubled or moved; seldom all twice."""
    numbers = list(range(len(read_stream(name))))
    if draw(st.integers(0, 9)) == 0:
        numbers = draw(st.permutations(numbers))
    some = st.sampled_from(numbers)
    lost = draw(st.sets(some, max_size=5))
    kept = [n for n in numbers if n not in lost]
    for number, distance in draw(st.lists(st.tuples(some, st.integers(-12, 12)), max_size=4)):
        if number in kept:
            at = kept.index(number)
            kept.remove(number)
            kept.insert(max(0, at + distance), number)
    for number, distance in draw(st.lists(st.tuples(some, st.integers(0, 12)), max_size=4)):
        if number in kept:
            kept.insert(kept.index(number) + 1 + distance, number)
    return kept * 2 if draw(st.integers(0, 9)) == 0 else kept


@st.composite
def muddles(draw: st.DrawFn, *, most: int = 4, flushes: bool = True) -> Muddle:
    """Some streams, each mutated, their hooks mixed; flushed at some places."""
    names = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=most)))
    hooks = {n: draw(mutated(name)) for n, name in enumerate(names)}
    turns = [n for n, numbers in hooks.items() for _ in numbers]
    order = draw(st.permutations(turns)) if draw(st.booleans()) else turns
    flushed = draw(st.sets(st.integers(0, max(0, len(order) - 1)), max_size=3 * flushes))
    coming = {n: iter(numbers) for n, numbers in hooks.items()}
    steps = [Step(n, next(coming[n]), at in flushed) for at, n in enumerate(order)]
    return Muddle(names, tuple(steps), draw(st.sampled_from([None, None, "one"])))
