"""Ships to a file or a server and is killed at random moments, again and again.

Run as a program with the store, what is shipped to (`jsonl` and a file, `context` or `freeplay`
and a port), the number of kills and a seed. One warm process forks one sender for each death and
strikes at a random moment; whenever little waits, more is recorded. It prints how many turns it
recorded, and how many deaths left a turn behind of which nobody knew whether it had arrived.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx  # here, so that no sender spends its short life on importing it
from tests.faults import context_server, freeplay_server
from tests.shipping import QUICK, client_for, ingestion, say, say_at_length

from threadline.clock import SystemClock
from threadline.destinations import ContextApi, Freeplay, JsonLines
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from threadline.destinations import Destination

CLOCK = SystemClock()
SETTLE_S = 0.8
"""Longer than a server on a busy machine needs to take what a dead sender left on the wire."""


class Work(NamedTuple):
    """What is recorded at once, of how many conversations, and how long a sender lives."""

    turns: int
    conversations: int
    enough: int
    longest_life_s: float


WORK = {
    "jsonl": Work(60, 4, 1, 0.03),
    "context": Work(200, 100, 120, 0.1),
    "freeplay": Work(60, 4, 1, 0.2),
}


def main(store: Path, kind: str, where: str, kills: int, seed: int) -> None:
    """Kill senders, then let one live."""
    moments = random.Random(seed)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    outbox = open_outbox(store, CLOCK)
    work = WORK[kind]
    recorded = killed = uncertain = 0
    while killed < kills:
        if not recorded or outbox.counts([kind]).waiting < work.enough:
            recorded += record_more(store, kind, recorded)
        before = {row.record_id for row in outbox.plan(kind, 1_000) if row.tried_ns}
        outbox.close()  # before the fork, as a client does it
        killed += struck(store, kind, where, moments.uniform(0, work.longest_life_s))
        after = {row.record_id for row in outbox.plan(kind, 1_000) if row.tried_ns}
        uncertain += len(after - before)
    client = ingestion(store, target(kind, where), clock=CLOCK, pace=QUICK)
    client.flush(30)
    client.stop(1)
    assert outbox.counts([kind]).waiting == 0
    sys.stdout.write(f"{recorded} {uncertain}\n")


def record_more(store: Path, kind: str, recorded: int) -> int:
    """Record some turns of a few conversations."""
    work = WORK[kind]
    with client_for(store, [kind], ship=False) as client:
        turns = range(recorded, recorded + work.turns)
        told = [(f"t{n % work.conversations}", f"{n:06}") for n in turns]
        (say_at_length if kind == "freeplay" else say)(client, told)
    return work.turns


def struck(store: Path, kind: str, where: str, after_s: float) -> bool:
    """Let a sender live for so long; tell whether it was killed before it was done."""
    child = os.fork()
    if child == 0:
        client = ingestion(store, target(kind, where), clock=CLOCK, pace=QUICK)
        client.flush(30)
        os._exit(0)
    signal.sigtimedwait({signal.SIGCHLD}, after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    signal.sigtimedwait({signal.SIGCHLD}, 0)
    return os.WIFSIGNALED(status)


def target(kind: str, where: str) -> Destination:
    """Return the server, or the file as a destination that takes a few at a time and rotates."""
    if kind == "context":
        assert httpx.Client
        url = f"http://127.0.0.1:{where}"
        return ContextApi(url, context_server.TOKEN, settle_s=SETTLE_S)
    if kind == "freeplay":
        url = f"http://127.0.0.1:{where}/api"
        return Freeplay(url, freeplay_server.KEY, freeplay_server.PROJECT)
    lines = JsonLines(where, max_bytes=60_000, keep=500)
    lines.batch_items = 3
    return lines


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4]), int(sys.argv[5]))
