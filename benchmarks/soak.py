"""Soak: very many turns in one process; memory, handles, threads and journals must stay flat."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from benchmarks.handlers import ours
from benchmarks.models import ScriptedModel, talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.handlers import Variant

GROWTH_LIMIT: Final = 1.1
"""Memory at the end over that after a tenth of the turns, when all caches are at their limits."""

WARM_TURNS: Final = 1_000
_CONVERSATIONS: Final = 1_000
_MARKS: Final = 10
_BATCH: Final = 100


@dataclass(frozen=True)
class Mark:
    """What the process holds after so many turns, with everything stored that was said."""

    turns: int
    resident_bytes: int
    blocks: int
    handles: int
    threads: int
    open_runs: int
    journals: int
    journal_bytes: int
    store_bytes: int


def soak(store: Path, turns: int, *, warm: int = WARM_TURNS) -> Iterator[Mark]:
    """Talk for so many turns in one process; yield a mark when warm, then ten on the way.

    Of a hundred turns eighty are calls, ten whole streams, five streams that are left, four
    coroutines that are left and one a cancelled call.
    """
    recorded = ours(store, "ours")
    talks = _Talks(recorded)
    rest = max(turns - warm, _MARKS * _BATCH)
    done = 0
    for goal in (warm, *(warm + rest * n // _MARKS for n in range(1, _MARKS + 1))):
        while done < goal:
            count = min(_BATCH, goal - done)
            talks.run(done, count)
            done += count
        recorded.flush()
        gc.collect()
        yield _mark(done, recorded, store)
    recorded.close()


class _Talks:
    """Turns that end in all ways; every word of them is said for the first time."""

    def __init__(self, recorded: Variant) -> None:
        self._callbacks = recorded.callbacks
        prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{question}")])
        self._chain = prompt | ScriptedModel(answer_size=200, tokens=12) | StrOutputParser()
        self._slow = prompt | ScriptedModel(wait_s=3600.0) | StrOutputParser()

    def run(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            given = {"question": talk(100, f"{number:012d}")}
            metadata = {"thread_id": f"soak-{number % _CONVERSATIONS}"}
            config: Any = {"callbacks": self._callbacks, "metadata": metadata}
            self._one(number % 100, given, config)

    def _one(self, kind: int, given: dict[str, str], config: Any) -> None:
        if kind < 80:
            self._chain.invoke(given, config)
        elif kind < 90:
            list(self._chain.stream(given, config))
        elif kind < 95:
            next(self._chain.stream(given, config))
        elif kind < 99:
            asyncio.run(self._leave_early(given, config))
        else:
            asyncio.run(self._cancel(given, config))

    async def _leave_early(self, given: dict[str, str], config: Any) -> None:
        async for _ in self._chain.astream(given, config):
            break

    async def _cancel(self, given: dict[str, str], config: Any) -> None:
        call = asyncio.create_task(self._slow.ainvoke(given, config))
        await asyncio.sleep(0.002)
        call.cancel()
        await asyncio.wait([call])


def _mark(turns: int, recorded: Variant, store: Path) -> Mark:
    client = recorded.client
    assert client is not None
    sizes = [path.stat().st_size for path in store.parent.rglob("*.journal")]
    return Mark(
        turns=turns,
        resident_bytes=_resident_bytes(),
        blocks=sys.getallocatedblocks(),
        handles=sum(1 for _ in Path("/dev/fd").iterdir()),
        threads=threading.active_count(),
        open_runs=len(client.recorder.runs),
        journals=len(sizes),
        journal_bytes=sum(sizes),
        store_bytes=sum(path.stat().st_size for path in store.parent.glob(store.name + "*")),
    )


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux: the most that was ever resident
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * os.sysconf("SC_PAGE_SIZE")
