"""`python -m benchmarks`: measure everything, or what is named, and compare it with the limits."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cases import CASES, Case
from benchmarks.handlers import TimedHooks, variants
from benchmarks.imports import LANGCHAIN_LIMIT_MS, RATIO_LIMIT, measure_imports
from benchmarks.loop_lag import LIMIT as LAG_LIMIT
from benchmarks.loop_lag import OTHERS, Crowd, measure_lag
from benchmarks.measuring import Samples, Spread, measure, measure_hooks, quiet_difference
from benchmarks.report import Figure, as_table, machine, write_json
from benchmarks.soak import GROWTH_LIMIT, soak
from benchmarks.storage import LIMIT as STORAGE_LIMIT
from benchmarks.storage import store_conversations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SOAK = "soak"
_HAYSTACK = ("H1", "H2")
_LAGS = {
    "A1": Crowd(1, "brisk"),
    "A1x4-beside": Crowd(4, "calm", beside=True),
    "A1x4-people": Crowd(4, "people"),
    "A1x4-calm": Crowd(4, "calm"),
    "A1x4": Crowd(4, "brisk", compared=True),
}
_NO_CASES = (*_LAGS, "storage", "imports", _SOAK)
_NAMES = (*(case.name for case in CASES), *_HAYSTACK, *_NO_CASES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if a figure is over its limit, so that scripts can tell."""
    options = _options(arguments)
    chosen = options.cases or [name for name in _NAMES if name != _SOAK]
    print(", ".join(f"{name} {value}" for name, value in machine().items()), file=sys.stderr)
    figures: list[Figure] = []
    for name in chosen:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="threadline-bench-", dir=options.folder) as folder:
            figures += _measured(name, Path(folder), quick=options.quick, turns=options.turns)
    print(as_table(figures))
    if options.json is not None:
        write_json(options.json, figures)
    return int(any(figure.verdict == "OVER" for figure in figures) and not options.quick)


def _options(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(_NAMES))
    parser.add_argument("--turns", type=int, default=100_000, help="how many a soak has; 100000")
    parser.add_argument("--quick", action="store_true", help="few rounds: only to see that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--folder", type=Path, help="where stores are put; the temporary folder")
    options = parser.parse_args(arguments)
    unknown = set(options.cases) - set(_NAMES)
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(_NAMES)}")
    return options


def _measured(name: str, folder: Path, *, quick: bool, turns: int) -> Iterator[Figure]:
    if name == _SOAK:
        yield from _soak(folder, turns=3_000 if quick else turns)
    elif name in _HAYSTACK:
        from benchmarks.haystack_cost import measure_haystack  # the others go without Haystack

        yield from measure_haystack(name, folder, rounds=3 if quick else 40)
    elif name == "imports":
        yield from _imports(rounds=3 if quick else 15)
    elif name == "storage":
        yield from _storage(folder, turns=20 if quick else 200)
    elif name in _LAGS:
        yield from _lag(name, folder, rounds=1 if quick else 7)
    else:
        case = next(case for case in CASES if case.name == name)()
        yield from _cost(case, folder, rounds=3 if quick else 40)


def _cost(case: Case, folder: Path, *, rounds: int) -> Iterator[Figure]:
    ways = variants(folder, with_flush=True)
    samples = measure(case, ways, rounds)
    none, no_op, eager = samples["none"], samples["no-op"], samples["ours, flushed"]
    for kind, what in (("cpu", "added CPU, all threads"), ("wall", "added wall")):
        floor, mine = getattr(none, kind), getattr(samples["ours"], kind)
        yield Figure(
            f"{case.name} {what}",
            "ms",
            judged=Spread.of_differences(mine, floor),
            ours=Spread.of(mine),
            none=Spread.of(floor),
            no_op=Spread.of(getattr(no_op, kind)),
            limit=case.limit_ms if kind == "cpu" else None,
            quiet=quiet_difference(mine, floor),
        )
    yield _of_tracer(case, samples)
    yield Figure(
        f"{case.name} flushed each turn",
        "ms",
        judged=Spread.of_differences(eager.cpu, none.cpu),
        ours=Spread.of(eager.cpu),
        quiet=quiet_difference(eager.cpu, none.cpu),
    )
    yield from _hooks(case, ways, max(3, rounds // 2))
    for way in ways:
        way.close()


def _of_tracer(case: Case, samples: dict[str, Samples]) -> Figure:
    """What ours adds, over what a tracer adds that keeps nothing: two machines can be compared."""
    none, tracer, mine = (samples[name].cpu for name in ("none", "tracer", "ours"))
    added, floor = (Spread.of_differences(cpu, none).median for cpu in (mine, tracer))
    return Figure(
        f"{case.name} added CPU, over langchain-core's tracer alone",
        "ratio",
        judged=Spread.of([added / floor]),
        ours=Spread.of(mine),
        none=Spread.of(tracer),
        quiet=quiet_difference(mine, none) / quiet_difference(tracer, none),
    )


def _hooks(case: Case, ways: list[Any], rounds: int) -> Iterator[Figure]:
    watched = [(way, TimedHooks(way.handler)) for way in ways if way.name in {"no-op", "ours"}]
    samples = measure_hooks(case, watched, rounds)
    mine, floor = samples["ours"], samples["no-op"]
    for kind, what in (("wall", "inside our hooks"), ("cpu", "inside our hooks, CPU")):
        spent, base = getattr(mine, kind), getattr(floor, kind)
        yield Figure(
            f"{case.name} {what}",
            "ms",
            judged=Spread.of_differences(spent, base),
            ours=Spread.of(spent),
            no_op=Spread.of(base),
            limit=case.hooks_limit_ms if kind == "wall" else None,
            quiet=quiet_difference(spent, base),
        )


def _lag(name: str, folder: Path, *, rounds: int) -> Iterator[Figure]:
    lags = measure_lag(folder / "lag.db", _LAGS[name], rounds=rounds)
    titles = {"ours": ""} | {other: f", {title}" for other, title in OTHERS.items()}
    for variant, title in titles.items():
        if variant in lags:
            pairs = zip(lags[variant], lags["none"], strict=True)
            yield Figure(
                f"{name} 99th percentile of the loop's lag{title}",
                "ms, ratio",
                judged=Spread.of([its / floor for its, floor in pairs]),
                ours=Spread.of(lags[variant]),
                none=Spread.of(lags["none"]),
                no_op=Spread.of(lags["no-op"]),
                limit=LAG_LIMIT if variant == "ours" else None,
            )


def _storage(folder: Path, *, turns: int) -> Iterator[Figure]:
    for stored in store_conversations(folder, turns):
        ratio = Spread.of([stored.ratio])
        yield Figure(
            f"stored, {turns} turns, {stored.title}",
            "ratio",
            judged=ratio,
            ours=Spread.of([stored.file_bytes / 1e3]),
            none=Spread.of([stored.said_bytes / 1e3]),
            limit=STORAGE_LIMIT if turns >= 200 else None,
            detail={"bytes by table": stored.by_table},
        )


def _soak(folder: Path, *, turns: int) -> Iterator[Figure]:
    marks = list(soak(folder / "soak.db", turns))
    warm, tenth, *_, end = marks
    megabytes = [mark.resident_bytes / 1e6 for mark in marks]
    since = {"1,000 turns": (warm, None), "a tenth of the turns": (tenth, GROWTH_LIMIT)}
    for when, (before, limit) in since.items():
        yield Figure(
            f"soak, {end.turns} turns, memory over that after {when}",
            "MB, ratio",
            judged=Spread.of([end.resident_bytes / before.resident_bytes]),
            ours=Spread.of(megabytes),
            limit=limit,
            detail={"marks": [asdict(mark) for mark in marks]},
        )
    for what in ("handles", "threads", "open_runs", "journals"):
        counts = [float(getattr(mark, what)) for mark in marks]
        yield Figure(
            f"soak, {what.replace('_', ' ')}, at most",
            "count",
            judged=Spread.of([max(counts)]),
            ours=Spread.of(counts),
            limit=counts[0],
        )


def _imports(*, rounds: int) -> Iterator[Figure]:
    found = measure_imports(rounds)
    yield Figure(
        "import threadline",
        "ms, ratio",
        judged=found.ratio,
        ours=found.threadline,
        none=found.floor,
        limit=RATIO_LIMIT,
        detail={"frameworks loaded": found.loaded},
    )
    yield Figure(
        "import threadline.langchain",
        "ms",
        judged=found.langchain,
        ours=found.langchain,
        limit=LANGCHAIN_LIMIT_MS,
    )


if __name__ == "__main__":
    sys.exit(main())
