"""Instructions of an agent's turn (L1), which no other load on the machine changes.

    python -m benchmarks.instructions          # needs valgrind; about five minutes

Each variant runs in a process of its own, once with few turns and once with more; the difference
is what a turn takes. The writer's work is done by a flush at the end, on the same thread.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.cases import AgentTurn
from benchmarks.handlers import variants
from threadline.capture.writer_thread import WriterThread

_NAMES: Final = ("none", "no-op", "ours")
_FEW, _MORE, _WARM_UP = 10, 40, 20
_COUNT: Final = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def main(arguments: list[str]) -> None:
    """Count every variant, or run the one that is named for so many turns."""
    if arguments:
        _run(arguments[0], int(arguments[1]), Path(arguments[2]))
    for name in _NAMES:
        more, few = (_counted(name, turns) for turns in (_MORE, _FEW))
        print(f"{name:6} {(more - few) / (_MORE - _FEW) / 1e6:6.2f} million instructions a turn")


def _counted(name: str, turns: int) -> int:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as folder:
        run = [*_COUNT, sys.executable, "-m", "benchmarks.instructions", name, str(turns), folder]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def _run(name: str, turns: int, folder: Path) -> None:
    WriterThread.wake = WriterThread.stir = lambda _: None  # it works when it is asked to flush
    way = next(way for way in variants(folder) if way.name == name)
    case = AgentTurn()
    for given in case.prepare(0, _WARM_UP):
        case.run(given, way)
    way.flush()
    gc.collect()
    gc.disable()
    for given in case.prepare(_WARM_UP, turns):
        case.run(given, way)
    way.flush()
    os._exit(0)  # what ends an interpreter is no part of a turn


if __name__ == "__main__":
    main(sys.argv[1:])
