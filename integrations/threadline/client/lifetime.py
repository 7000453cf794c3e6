"""Exits and forks: what every client of this process does when one comes."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

from threadline.client.client import living_clients
from threadline.store.connections import parked_databases
from threadline.store.forking import PATIENCE_S, leave_to_parent

if TYPE_CHECKING:
    from collections.abc import Generator


def close_all() -> None:
    """Close every client of this process, each within its own `shutdown_timeout`."""
    for client in list(living_clients):
        with contextlib.suppress(Exception):  # one that fails keeps no other from closing
            client.close()


@contextlib.contextmanager
def _parked() -> Generator[None]:
    with contextlib.ExitStack() as stack:
        for client in list(living_clients):
            with contextlib.suppress(Exception):  # one that fails leaves the others parked
                stack.enter_context(client.parked(PATIENCE_S))
        with contextlib.suppress(Exception):  # the fork is the application's: it goes on
            stack.enter_context(parked_databases(PATIENCE_S))
        yield


class _ForkGuard:
    """Closes every connection before a fork; parent and child open their own again, lazily.

    Several threads may fork at once, so each has its own entry.
    """

    def __init__(self) -> None:
        self._parked: dict[int, contextlib.ExitStack] = {}
        self._others: list[contextlib.ExitStack] = []

    def before(self) -> None:
        stack = self._parked[threading.get_ident()] = contextlib.ExitStack()
        with contextlib.suppress(Exception):  # the fork is the application's: it goes on
            stack.enter_context(_parked())

    def in_parent(self) -> None:
        stack = self._parked.pop(threading.get_ident(), None)
        if stack is not None:
            with contextlib.suppress(Exception):  # what is not opened now is when it is needed
                stack.close()

    def in_child(self) -> None:
        leave_to_parent()
        self.in_parent()
        # threads that were about to fork do not exist here; what they hold is theirs
        self._others.extend(self._parked.values())
        self._parked.clear()
        for client in list(living_clients):
            client.begin_anew()


_fork_guard: Final = _ForkGuard()


def register() -> None:
    """Ask the interpreter to tell of forks and of its end; once per process tree."""
    atexit.register(close_all)
    os.register_at_fork(
        before=_fork_guard.before,
        after_in_parent=_fork_guard.in_parent,
        after_in_child=_fork_guard.in_child,
    )
