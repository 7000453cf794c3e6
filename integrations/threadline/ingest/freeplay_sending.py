"""Sends what a record is made of, one request after the other, and goes on where it stopped."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from threadline.clock import SystemClock
from threadline.ingest.destination import Delivered, Later, Rejected
from threadline.ingest.freeplay_project import TOO_LONG
from threadline.ingest.freeplay_shortening import shortened
from threadline.ingest.http import Answer, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.ingest.destination import Item, Outcome
    from threadline.ingest.freeplay_project import FreeplayProject
    from threadline.ingest.freeplay_request import FreeplayRequest

_SHORTER: Final = (1_000_000, 100_000)
"""How long a body may be where a longer one was refused for its length."""

_REMEMBERED: Final = 64
_MOST_TRIES: Final = 12
_FIRST_WAIT_S: Final = 30.0
_LONGEST_WAIT_S: Final = 21_600.0
_monotonic: Final = SystemClock().monotonic


class ItemSender:
    """Sends records to a project.

    A record that was sent in part goes on with what was not acknowledged, so that a turn of many
    requests comes through where only a few are let through at a time. After a crash it is sent
    whole: ids are the same.
    """

    def __init__(self, project: FreeplayProject) -> None:
        self._project = project
        self._acknowledged: dict[str, set[bytes]] = {}

    def send_all(self, item: Item, requests: Iterable[FreeplayRequest], deadline: float) -> Outcome:
        """Send all that an item is; what is refused is told, and the rest goes all the same."""
        refused: Rejected | None = None
        done = self._done(item)
        for request in requests:
            body = _encoded(request)
            mark = blake2b(request.path.encode() + body, digest_size=16).digest()
            if mark in done:
                continue
            outcome = self._send(request, body, deadline)
            if outcome is None:  # it follows from what was refused before, or else is strange
                outcome = refused or self._unknown(item, deadline)
            if isinstance(outcome, Later):
                return outcome
            if isinstance(outcome, Rejected):
                refused = refused or Rejected(f"{request.what}: {outcome.reason}")
            else:
                done.add(mark)
        self._acknowledged.pop(item.id, None)
        return refused or Delivered()

    def send_one_of(
        self, item: Item, requests: Sequence[FreeplayRequest], deadline: float
    ) -> Outcome:
        """Send the first request whose object Freeplay knows."""
        for request in requests:
            outcome = self._send(request, _encoded(request), deadline)
            if outcome is not None:
                return outcome
        return self._unknown(item, deadline)

    def _send(self, request: FreeplayRequest, body: bytes, deadline: float) -> Outcome | None:
        answer = self._ask(request, body, deadline)
        for limit in _SHORTER:
            if isinstance(answer, Answer) and answer.status == TOO_LONG and len(body) > limit:
                body = shortened(request.body, limit)
                answer = self._ask(request, body, deadline)
        return self._project.meaning(answer, request) if isinstance(answer, Answer) else answer

    def _ask(self, request: FreeplayRequest, body: bytes, deadline: float) -> Answer | Later:
        left = deadline - _monotonic()
        if left <= 0:
            return Later("the time was over before it was all sent", 0.0, of_record=True)
        try:
            return self._project.ask(request, body, timeout_s=left)
        except UnreachableError as error:
            return Later(str(error))

    def _unknown(self, item: Item, deadline: float) -> Outcome:
        """Return what follows where what an item is about is not there: another host may bring it.

        For a day it is tried again, then put aside.
        """
        wrong = self._project.problem(timeout_s=max(0.0, deadline - _monotonic()))
        if wrong is not None:
            return Later(wrong)
        told = "Freeplay does not know what this is about"
        if item.tries >= _MOST_TRIES:
            return Rejected(told)
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**item.tries)
        return Later(f"{told} yet", wait_s, of_record=True)

    def _done(self, item: Item) -> set[bytes]:
        while len(self._acknowledged) >= _REMEMBERED and item.id not in self._acknowledged:
            del self._acknowledged[next(iter(self._acknowledged))]
        return self._acknowledged.setdefault(item.id, set())


def _encoded(request: FreeplayRequest) -> bytes:
    return msgspec.json.encode(request.body, enc_hook=str)
