"""Joins starts and ends into turns. Runs on the writer's side only, so it needs no lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.capture.events import (
    CaptureEvent,
    FirstChunk,
    HeardSoFar,
    Noted,
    OfTurn,
    SpanEnded,
    SpanStarted,
    TurnLogged,
    TurnOpened,
    Updated,
)
from threadline.capture.open_turn import OpenTurn

if TYPE_CHECKING:
    from threadline.store.journal import Journal

MAX_OPEN_TURNS: Final = 10_000
GRACE_S: Final = 5.0
"""How long a turn whose root has ended waits for runs that have not."""

FAILED_GRACE_S: Final = 0.5
"""The same after an error or a cancellation, which leaves runs behind that never end."""

LONGEST_TURN_S: Final = 24 * 3600.0
"""A run that has been silent for this long is taken for one that will never end."""


class Joiner:
    """Open turns by key. Feed it events in order; take out what is whole."""

    def __init__(self) -> None:
        self.open: dict[bytes, OpenTurn] = {}
        self.notes: list[Noted | Updated] = []
        self._whole: list[OpenTurn] = []
        self._over_since: dict[bytes, float] = {}

    def feed(self, event: CaptureEvent, journal: Journal | None, now: float) -> None:
        """Take in one event.

        Args:
            event: What happened.
            journal: The journal that it stands in, which must stay until its turn is stored.
            now: Monotonic seconds.
        """
        if isinstance(event, _NOTES):
            self.notes.append(event)
            return
        turn = self.open.get(event.turn)
        if turn is None:
            turn = self._begin(event)
            if turn is None:
                return
        if journal is not None:
            journal.turns.add(event.turn)
        _apply(turn, event)
        if turn.is_over:
            if turn.is_whole:
                self._finish(turn)
            else:
                self._over_since.setdefault(turn.key, now)

    def take_whole(self, now: float, *, force: bool = False, close: bool = False) -> list[OpenTurn]:
        """Take out the turns that are whole, or have waited long enough.

        Args:
            now: Monotonic seconds.
            force: Take those whose root has ended even if other runs of theirs are open.
            close: Take all that there are; those whose root has not ended are abandoned.
        """
        for key, since in list(self._over_since.items()):
            turn = self.open[key]
            if force or close or now - since > (FAILED_GRACE_S if turn.has_failed else GRACE_S):
                self._finish(turn)
        if close:
            self.abandon(list(self.open.values()))
        elif len(self.open) > MAX_OPEN_TURNS:
            self.abandon(list(self.open.values())[: len(self.open) - MAX_OPEN_TURNS])
        whole, self._whole = self._whole, []
        return whole

    def over(self) -> list[OpenTurn]:
        """Return the turns whose root has ended and that wait for other runs of theirs."""
        return [self.open[key] for key in self._over_since]

    def abandon(self, turns: list[OpenTurn]) -> None:
        """End `turns` as ones whose process died or whose run never ends."""
        for turn in turns:
            turn.abandoned = True
            self._finish(turn)

    def sweep(self, now_ns: int) -> None:
        """Abandon turns that have been silent for too long."""
        limit = now_ns - int(LONGEST_TURN_S * 1e9)
        self.abandon([turn for turn in self.open.values() if turn.last_ns < limit])

    def _begin(self, event: OfTurn) -> OpenTurn | None:
        if not isinstance(event, SpanStarted | TurnOpened | TurnLogged):
            return None  # the end of something whose start was never seen, or came late
        turn = OpenTurn(event.turn, event.at_ns)
        self.open[event.turn] = turn
        return turn

    def _finish(self, turn: OpenTurn) -> None:
        self._over_since.pop(turn.key, None)
        if self.open.pop(turn.key, None) is not None:
            self._whole.append(turn)


_NOTES: Final = (Noted, Updated)  # a union would be made anew at every event
_OF_SPANS: Final = (SpanStarted, SpanEnded)


def _apply(turn: OpenTurn, event: OfTurn) -> None:
    if isinstance(event, _OF_SPANS):
        _apply_span(turn, event)
    elif isinstance(event, FirstChunk):
        turn.first_chunk(event)
    elif isinstance(event, HeardSoFar):
        turn.heard_so_far(event)
    elif isinstance(event, TurnOpened):
        turn.opened = event
    elif isinstance(event, TurnLogged):
        for tool in event.tools:
            _apply_span(turn, tool)
        turn.logged = event
        turn.last_ns = max(turn.last_ns, event.ended_ns)
    else:
        turn.closed = event
        turn.last_ns = max(turn.last_ns, event.at_ns)


def _apply_span(turn: OpenTurn, event: SpanStarted | SpanEnded) -> None:
    for earlier in event.before:
        _apply_span(turn, earlier)
    if isinstance(event, SpanStarted):
        turn.start(event)
    else:
        turn.end(event)
