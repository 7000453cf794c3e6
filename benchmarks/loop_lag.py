"""A1: how late an event loop is while 100 conversations run on it, in one or four processes.

Run as a module, with the store and the name of a pace, it is one of those processes: it reads the
name of a variant from each line of its standard input, lets the conversations talk, and answers
with every lag that it saw.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from benchmarks.handlers import NoOperation, TracerAlone, Variant, committing, ours
from benchmarks.models import ScriptedModel, talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIMIT: Final = 1.2
NAMES: Final = ("none", "no-op", "ours")
OTHERS: Final = {
    "tracer": "langchain-core's tracer alone",
    "committing": "a hook that waits for its commit",
}
"""What a crowd may be compared with besides, as tables call it."""

_CONVERSATIONS: Final = 100
_BEAT_S: Final = 0.002


class Pace(NamedTuple):
    """How fast each of the hundred users talks; `turns` is how often in a round."""

    thinks_s: float
    model_takes_s: float = 0.05
    turns: int = 3


PACES: Final = {
    "brisk": Pace(0.75),  # 125 turns a second and process
    "calm": Pace(2.45),  # 40
    "people": Pace(9.0, model_takes_s=1.0, turns=2),  # 10
}


class Crowd(NamedTuple):
    """How many processes talk, and how fast.

    In a round every one of them has its variant; where they are `beside` the first one, only that
    one has, and is looked at: the others record into the same store throughout. Where it is
    `compared`, it has the handlers in `OTHERS` too.
    """

    processes: int
    pace: str
    beside: bool = False
    compared: bool = False

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of what it has in turn."""
        return (*NAMES, *OTHERS) if self.compared else NAMES


def measure_lag(store: Path, crowd: Crowd, *, rounds: int) -> dict[str, list[float]]:
    """Return the 99th percentile of the lag, in milliseconds, of each variant in each round."""
    command = [sys.executable, "-m", "benchmarks.loop_lag", str(store), crowd.pace]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(crowd.processes)
    ]
    found: dict[str, list[float]] = {name: [] for name in crowd.variants}
    try:
        for number in range(-1, rounds):
            for name in crowd.variants:
                others = "ours" if crowd.beside else name
                first, *rest = _together(children, [name] + [others] * (len(children) - 1))
                lags = first if crowd.beside else sum(rest, first)
                if number >= 0:
                    found[name].append(_percentile(lags, 0.99) * 1e3)
    finally:
        for child in children:
            child.communicate(timeout=60)
    return found


def _together(children: Sequence[subprocess.Popen[str]], names: Sequence[str]) -> list[list[float]]:
    for child, name in zip(children, names, strict=True):
        assert child.stdin is not None
        child.stdin.write(name + "\n")
        child.stdin.flush()
    return [json.loads(_line_of(child)) for child in children]


def _line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def _percentile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def _lags(talk_all: Callable[[], Any]) -> list[float]:
    lags: list[float] = []

    async def beat() -> None:
        while True:
            due = time.perf_counter() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            lags.append(max(0.0, time.perf_counter() - due))

    heart = asyncio.create_task(beat())
    await talk_all()
    heart.cancel()
    return lags


class _Conversations:
    """A hundred chats whose turns are spread evenly over time."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{question}")])
        model = ScriptedModel(wait_s=pace.model_takes_s)
        self._chain = prompt | model | StrOutputParser()
        self._asked = 0

    async def talk_all(self, variant: Variant) -> None:
        await asyncio.gather(*(self._talk(n, variant) for n in range(_CONVERSATIONS)))

    async def _talk(self, number: int, variant: Variant) -> None:
        pace = self._pace
        await asyncio.sleep(number * (pace.thinks_s + pace.model_takes_s) / _CONVERSATIONS)
        metadata = {"thread_id": f"lag-{number}"}
        for _ in range(pace.turns):
            self._asked += 1
            question = talk(200, f"{self._asked:08d}")
            config: Any = {"callbacks": variant.callbacks, "metadata": metadata}
            await self._chain.ainvoke({"question": question}, config)
            await asyncio.sleep(pace.thinks_s)


def main(store: str, pace: str) -> None:
    """Serve one variant after another until standard input ends."""
    ways = {
        "none": Variant("none", None),
        "no-op": Variant("no-op", NoOperation()),
        "ours": ours(Path(store), "ours"),
        "tracer": Variant("tracer", TracerAlone()),
        "committing": Variant("committing", committing(Path(store + ".committing"))),
    }
    conversations = _Conversations(PACES[pace])
    for line in sys.stdin:
        way = ways[line.strip()]
        gc.collect()
        lags = asyncio.run(_lags(lambda way=way: conversations.talk_all(way)))
        way.flush()
        print(json.dumps(lags), flush=True)
    for way in ways.values():
        way.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
