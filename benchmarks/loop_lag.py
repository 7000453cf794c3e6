"""A1: how late an event loop is while 100 conversations run on it, in one or four processes.

Run as a module it is one of those processes: it reads the name of a variant from each line of its
standard input, lets the conversations talk, and answers with every lag that it saw.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from benchmarks.handlers import NoOperation, Variant, ours
from benchmarks.models import ScriptedModel, talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIMIT: Final = 1.2
NAMES: Final = ("none", "no-op", "ours")
_CONVERSATIONS: Final = 100
_TURNS: Final = 3
BRISK_S: Final = 0.75
"""How long each user thinks: 125 turns a second and process."""
CALM_S: Final = 2.45
"""The same for 40 turns a second and process."""
_MODEL_TAKES_S: Final = 0.05
_BEAT_S: Final = 0.002


def measure_lag(
    store: Path, *, processes: int, rounds: int, thinks_s: float = BRISK_S
) -> dict[str, list[float]]:
    """Return the 99th percentile of the lag, in milliseconds, of each variant in each round."""
    command = [sys.executable, "-m", "benchmarks.loop_lag", str(store), str(thinks_s)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    try:
        for number in range(-1, rounds):
            for name in NAMES:
                lags = _together(children, name)
                if number >= 0:
                    found[name].append(_percentile(lags, 0.99) * 1e3)
    finally:
        for child in children:
            child.communicate(timeout=60)
    return found


def _together(children: Sequence[subprocess.Popen[str]], name: str) -> list[float]:
    for child in children:
        assert child.stdin is not None
        child.stdin.write(name + "\n")
        child.stdin.flush()
    return [lag for child in children for lag in json.loads(_line_of(child))]


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

    def __init__(self, thinks_s: float) -> None:
        self._thinks_s = thinks_s
        prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{question}")])
        model = ScriptedModel(wait_s=_MODEL_TAKES_S)
        self._chain = prompt | model | StrOutputParser()
        self._asked = 0

    async def talk_all(self, variant: Variant) -> None:
        await asyncio.gather(*(self._talk(n, variant) for n in range(_CONVERSATIONS)))

    async def _talk(self, number: int, variant: Variant) -> None:
        await asyncio.sleep(number * (self._thinks_s + _MODEL_TAKES_S) / _CONVERSATIONS)
        metadata = {"thread_id": f"lag-{number}"}
        for _ in range(_TURNS):
            self._asked += 1
            question = talk(200, f"{self._asked:08d}")
            config: Any = {"callbacks": variant.callbacks, "metadata": metadata}
            await self._chain.ainvoke({"question": question}, config)
            await asyncio.sleep(self._thinks_s)


def main(store: str, thinks_s: str) -> None:
    """Serve one variant after another until standard input ends."""
    ways = {
        "none": Variant("none", None),
        "no-op": Variant("no-op", NoOperation()),
        "ours": ours(Path(store), "ours"),
    }
    conversations = _Conversations(float(thinks_s))
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
