"""What a turn takes the application while its destination hangs, beside one without a destination.

    python -m benchmarks.hanging_destination [--rounds N]

A server accepts every connection and never answers. The variants take turns, round by round, so
that what else the machine does falls on all of them alike; so does the way from one to the other,
which is why the variant without a destination stands there twice.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cases import AgentTurn, Case, Stream
from benchmarks.handlers import Variant
from benchmarks.measuring import Samples, Spread, measure
from threadline import Client
from threadline.destinations import Otlp
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

_NONE, _AGAIN, _HANGING = "no destination", "no destination, again", "a hanging one"


class _Recording(Variant):
    """One client of its own; what it records is left to the background, as elsewhere."""

    def __init__(self, name: str, client: Client) -> None:
        super().__init__(name, ThreadlineCallbackHandler(client), client)

    def flush(self) -> None:
        """Store what was recorded; delivery goes on hanging."""
        if self.client is not None:
            self.client.store_recorded()


@contextlib.contextmanager
def hanging_server() -> Iterator[str]:
    """Serve on a loopback port: take every connection, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"
        for connection in held:
            connection.close()


def compare(case: Case, rounds: int, folder: Path) -> dict[str, Samples]:
    """Measure a case in all variants."""
    with hanging_server() as endpoint, contextlib.ExitStack() as clients:
        ways: list[_Recording] = []
        for n, name in enumerate((_NONE, _AGAIN, _HANGING)):
            destinations = [Otlp(endpoint)] if name == _HANGING else []
            store = folder / f"{n}.db"
            client = Client(
                store=store, destinations=destinations, min_free_bytes=0, shutdown_timeout=0.2
            )
            ways.append(_Recording(name, clients.enter_context(client)))
        return measure(case, ways, rounds)


def main() -> None:
    """Print the figures, each as the median of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hanging_destination")
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    for title, case in (("agent turn", AgentTurn()), ("stream", Stream())):
        with tempfile.TemporaryDirectory() as folder:
            samples = compare(case, rounds, Path(folder))
        floor = samples[_NONE]
        for name, taken in samples.items():
            added = Spread.of_differences(taken.wall, floor.wall).median
            sys.stdout.write(
                f"{title:12} {name:24} wall {Spread.of(taken.wall).median:7.2f} ms"
                f" ({added:+.2f})  CPU {Spread.of(taken.cpu).median:7.2f} ms\n"
            )


if __name__ == "__main__":
    main()
