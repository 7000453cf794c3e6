"""Records many quick turns while its destination is down, and tells what memory it took at most.

Run as a program: store, number of turns.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import threadline
from threadline.destinations import Later

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.destinations import Item, Outcome

THREADS = 200


class Down:
    """A destination that is down for as long as the program runs."""

    name = "out"
    batch_items = 64

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        del timeout_s
        return [Later("it is down")] * len(items)

    def check(self, *, timeout_s: float) -> str | None:
        del timeout_s
        return "it is down"

    def close(self) -> None:
        """Nothing is open."""


def main(store: Path, turns: int) -> None:
    with threadline.Client(store=store, destinations=[Down()], min_free_bytes=0) as client:
        for number in range(turns):
            thread_id, words = f"t-{number % THREADS}", f"question {number} {'x' * 200}"
            with threadline.turn(thread_id=thread_id, input=words, client=client) as turn:
                turn.output = f"answer {number} {'y' * 200}"
        recorded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        client.store_recorded(timeout=500.0)
        settled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stored = client.flush(0.0).stored
    told = {"recorded_kb": recorded, "settled_kb": settled, "stored": stored}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
