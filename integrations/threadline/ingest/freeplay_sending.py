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


class Time:
    """The time that a try may take.

    After half of it nothing is begun any more, so that what is under way then can come to its end:
    of what is broken off nobody knows whether it arrived.
    """

    def __init__(self, timeout_s: float) -> None:
        self._begin_by = _monotonic() + timeout_s / 2
        self._end = self._begin_by + timeout_s / 2

    def is_over(self) -> bool:
        """Tell whether nothing more may be begun."""
        return _monotonic() >= self._begin_by

    def left_s(self) -> float:
        """Return how long something that begins now may take."""
        return max(0.0, self._end - _monotonic())


class Acknowledged:
    """What was acknowledged of records that have not arrived whole yet; any thread may ask.

    Such a record goes on with the rest, so that a turn of many requests comes through where only a
    few are let through at a time. After a crash it is sent whole: ids are the same. No lock: each
    step is one of the interpreter's own, and a lock may be held for ever in a forked child.
    """

    def __init__(self) -> None:
        self._marks: dict[str, set[bytes]] = {}

    def of(self, record_id: str) -> set[bytes]:
        """Return marks of what need not be sent again, to be added to."""
        for oldest in list(self._marks)[:-_REMEMBERED]:
            self._marks.pop(oldest, None)
        return self._marks.setdefault(record_id, set())

    def forget(self, record_id: str) -> None:
        """Let go of a record that is done with."""
        self._marks.pop(record_id, None)


class ItemSender:
    """Sends records to a project, one at a time."""

    def __init__(self, project: FreeplayProject, acknowledged: Acknowledged) -> None:
        self._project = project
        self._acknowledged = acknowledged

    def send_all(self, item: Item, requests: Iterable[FreeplayRequest], time: Time) -> Outcome:
        """Send all that an item is; what is refused is told, and the rest goes all the same."""
        refused: Rejected | None = None
        done = self._acknowledged.of(item.id)
        for request in requests:
            body = _encoded(request)
            mark = blake2b(request.path.encode() + body, digest_size=16).digest()
            if mark in done:
                continue
            outcome = self._send(request, body, time)
            if outcome is None:  # it follows from what was refused before, or else is strange
                outcome = refused or self._unknown(item, time)
            if isinstance(outcome, Later):
                return outcome
            if isinstance(outcome, Rejected):
                refused = refused or Rejected(f"{request.what}: {outcome.reason}")
            else:
                done.add(mark)
        self._acknowledged.forget(item.id)
        return refused or Delivered()

    def send_one_of(self, item: Item, requests: Sequence[FreeplayRequest], time: Time) -> Outcome:
        """Send the first request whose object Freeplay knows."""
        for request in requests:
            outcome = self._send(request, _encoded(request), time)
            if outcome is not None:
                return outcome
        return self._unknown(item, time)

    def _send(self, request: FreeplayRequest, body: bytes, time: Time) -> Outcome | None:
        answer = self._ask(request, body, time)
        for limit in _SHORTER:
            if isinstance(answer, Answer) and answer.status == TOO_LONG and len(body) > limit:
                body = shortened(request.body, limit)
                answer = self._ask(request, body, time)
        return self._project.meaning(answer, request) if isinstance(answer, Answer) else answer

    def _ask(self, request: FreeplayRequest, body: bytes, time: Time) -> Answer | Later:
        if time.is_over():
            return Later("the time was over before it was all sent", 0.0, of_record=True)
        try:
            return self._project.ask(request, body, timeout_s=time.left_s())
        except UnreachableError as error:
            return Later(str(error))

    def _unknown(self, item: Item, time: Time) -> Outcome:
        """Return what follows where what an item is about is not there: another host may bring it.

        For a day it is tried again, then put aside.
        """
        wrong = self._project.problem(timeout_s=time.left_s())
        if wrong is not None:
            return Later(wrong)
        told = "Freeplay does not know what this is about"
        if item.tries >= _MOST_TRIES:
            return Rejected(told)
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**item.tries)
        return Later(f"{told} yet", wait_s, of_record=True)


def _encoded(request: FreeplayRequest) -> bytes:
    return msgspec.json.encode(request.body, enc_hook=str)
