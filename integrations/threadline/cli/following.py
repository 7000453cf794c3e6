"""What `ship --follow` tells while it runs: where to it ships, and who does not answer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from threadline.cli.session import quoted
from threadline.errors import ThreadlineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from threadline.cli.session import Session
    from threadline.store.outbox import DestinationState, Outbox


class FollowLog:
    """Tells once when a destination begins to fail, and once when it answers again.

    Args:
        session: Where to tell it.
        outbox: What all processes that send write down how a destination stands.
        names: The destinations.
    """

    def __init__(self, session: Session, outbox: Outbox, names: Sequence[str]) -> None:
        self._session = session
        self._outbox = outbox
        self._names: Final = names
        self._began_ns = session.clock.now_ns()
        self._failing: set[str] = set()

    def begin(self, path: Path) -> None:
        """Tell what is shipped, and where to."""
        whither = quoted(", ".join(self._names))
        told = f"Shipping from {quoted(str(path))} to {whither}; SIGTERM or Ctrl-C ends it."
        self._session.say(told, "dim")

    def look(self) -> None:
        """Tell what has changed."""
        with contextlib.suppress(ThreadlineError):  # there is no store yet, or it is in use
            states = self._outbox.states()
            for name in self._names:
                if name in states:
                    self._look_at(name, states[name])

    def _look_at(self, name: str, state: DestinationState) -> None:
        if name in self._failing:
            if not state.failures:
                self._failing.remove(name)
                self._session.say(quoted(f"{name} answers again"))
        elif state.failures and self._is_new(state):
            self._failing.add(name)
            self._session.say(quoted(f"{name} fails: {state.error}"), "warn")

    def _is_new(self, state: DestinationState) -> bool:
        """Tell whether it failed since, or failed before and is still left alone for it."""
        failed_since = (state.error_ns or 0) >= self._began_ns
        return failed_since or state.until_ns > self._session.clock.now_ns()
