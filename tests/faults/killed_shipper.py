"""Ships to a file and is killed at random moments, again and again.

Run as a program with the store, the file, the number of kills and a seed. One warm process forks
one sender for each death and strikes at a random moment; whenever nothing waits any more, more is
recorded. It prints how many turns it recorded.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from tests.shipping import QUICK, client_for, ingestion, say

from threadline.clock import SystemClock
from threadline.destinations import JsonLines
from threadline.ingest.shipping import open_outbox

LONGEST_LIFE_S = 0.03
TURNS_AT_ONCE = 60


def main(store: Path, file: Path, kills: int, seed: int) -> None:
    """Kill senders, then let one live."""
    moments = random.Random(seed)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    outbox = open_outbox(store, SystemClock())
    recorded = killed = 0
    while killed < kills:
        if not recorded or not outbox.counts(["jsonl"]).waiting:
            recorded += record_more(store, recorded)
        outbox.close()  # before the fork, as a client does it
        killed += struck(store, file, moments.uniform(0, LONGEST_LIFE_S))
    client = ingestion(store, target(file), pace=QUICK)
    client.flush(30)
    client.stop(1)
    assert outbox.counts(["jsonl"]).waiting == 0
    sys.stdout.write(f"{recorded}\n")


def record_more(store: Path, recorded: int) -> int:
    """Record some turns of a few conversations."""
    with client_for(store, ["jsonl"], ship=False) as client:
        turns = range(recorded, recorded + TURNS_AT_ONCE)
        say(client, [(f"t{n % 4}", f"{n:06}") for n in turns])
    return TURNS_AT_ONCE


def struck(store: Path, file: Path, after_s: float) -> bool:
    """Let a sender live for so long; tell whether it was killed before it was done."""
    child = os.fork()
    if child == 0:
        client = ingestion(store, target(file), pace=QUICK)
        client.flush(30)
        os._exit(0)
    signal.sigtimedwait({signal.SIGCHLD}, after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    signal.sigtimedwait({signal.SIGCHLD}, 0)
    return os.WIFSIGNALED(status)


def target(file: Path) -> JsonLines:
    """Return the file as a destination that takes a few records at a time, and rotates."""
    lines = JsonLines(file, max_bytes=60_000, keep=500)
    lines.batch_items = 3
    return lines


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
