"""Interleaved rounds in one process: the same block of turns with each variant in turn."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cases import Case
    from benchmarks.handlers import TimedHooks, Variant

# The writer gathers a group for 20 ms after the last turn; what it does then counts too.
_AFTERMATH_S = 0.06
WARM_UP = 2


@dataclass
class Samples:
    """What one variant took, in milliseconds per run, one value a round."""

    cpu: list[float] = field(default_factory=list[float])
    wall: list[float] = field(default_factory=list[float])


@dataclass
class HookSamples:
    """What the hooks of one handler took, in milliseconds per run, one value a round."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


@dataclass(frozen=True)
class Spread:
    """A median, and the range that it is the middle of."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    @classmethod
    def of_differences(cls, values: Sequence[float], floor: Sequence[float]) -> Spread:
        """Spread of what `values` add to `floor`, round by round: both saw the same weather."""
        return cls.of([value - base for value, base in zip(values, floor, strict=True)])


def quiet_difference(values: Sequence[float], floor: Sequence[float]) -> float:
    """What `values` add to `floor` where each was disturbed least: their lowest tenths."""
    return _lowest_tenth(values) - _lowest_tenth(floor)


def _lowest_tenth(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 10]


def measure(case: Case, ways: Sequence[Variant], rounds: int) -> dict[str, Samples]:
    """Run `rounds` blocks of each variant, one after another, after two to warm up."""
    samples = {way.name: Samples() for way in ways}
    for number in range(-WARM_UP, rounds):
        for way in ways:
            cpu, wall = _block(case, way, (number + WARM_UP) * case.turns)
            if number >= 0:
                samples[way.name].cpu.append(cpu)
                samples[way.name].wall.append(wall)
    return samples


def measure_hooks(
    case: Case, ways: Sequence[tuple[Variant, TimedHooks]], rounds: int
) -> dict[str, HookSamples]:
    """Run such rounds with a watch on every hook."""
    samples = {way.name: HookSamples() for way, _ in ways}
    runs = case.turns * case.runs_per_turn
    for number in range(-WARM_UP, rounds):
        for way, hooks in ways:
            hooks.take_ns()
            _block(case, way, (number + WARM_UP) * case.turns)
            wall, cpu = hooks.take_ns()
            if number >= 0:
                samples[way.name].wall.append(wall / runs / 1e6)
                samples[way.name].cpu.append(cpu / runs / 1e6)
    return samples


def _block(case: Case, way: Variant, first: int) -> tuple[float, float]:
    """Run one block; return milliseconds of CPU, of all threads, and of the clock, per run."""
    given = case.prepare(first, case.turns)
    gc.collect()  # nobody pays for what another left behind; collections inside the block count
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    for one in given:
        case.run(one, way)
        way.turn_is_over()
    wall = time.perf_counter_ns() - wall
    way.flush()
    time.sleep(_AFTERMATH_S)
    cpu = time.process_time_ns() - cpu
    runs = case.turns * case.runs_per_turn
    return cpu / runs / 1e6, wall / runs / 1e6
