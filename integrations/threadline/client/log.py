"""Conversations that were had elsewhere: backfill, and turns of the application's own code."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from threadline.capture.events import CaptureEvent, Noted, Updated
from threadline.capture.guard import never_raises
from threadline.capture.scope import paused
from threadline.client.defaults import default_client
from threadline.client.logged_notes import notes_of_conversation, notes_of_turn
from threadline.client.logged_turns import TurnIds, logged_turn
from threadline.client.scopes import checked_id
from threadline.client.told_messages import told_conversation
from threadline.errors import ArgumentError
from threadline.store.times import moment_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from threadline.client.client import Client
    from threadline.model.conversation import Conversation
    from threadline.model.feedback import Event, Feedback, Rating

_AT: Final = "a datetime, an ISO date or time, or seconds since 1970; the years 1678 to 2262"
_NS_LIMIT: Final = 2**63
_GROUP: Final = 256
"""After so many turns the writer is let to catch up: who logs a million must not fill memory."""


def log(
    messages: Conversation | Mapping[str, Any] | Iterable[object],
    *,
    thread_id: str | None = None,
    at: dt.datetime | str | float | None = None,
    ship: bool = False,
    user_id: str | None = None,
    tags: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    client: Client | None = None,
) -> tuple[str, ...]:
    """Record a conversation that was had elsewhere, with its own times.

    Each user message begins a turn; what stands before the first one belongs to it. What was
    logged before, or recorded as it happened, is not added again. A turn is one that was logged
    before if its id says so, or, where it came without ids, if the same was said at the same
    times in the same conversation.

    Args:
        messages: A list of messages: of LangChain, of Haystack, or dicts in the shape of OpenAI
            (`role`, `content`, `tool_calls`) or Context.ai (`role`, `message`; `type` of `tool` or
            `event`); a dict with `messages` and what else Context.ai has; or a `Conversation`,
            whose ids are kept. Spans other than tools' are not taken over.
        thread_id: The conversation; by default what `messages` names, or the scope around.
        at: When it was said, where the messages do not tell; now by default. Seconds since 1970,
            a datetime, or an ISO time, which is local time if it names no zone.
        ship: Whether destinations learn of it.
        user_id: Whose conversation it is.
        tags: Added to the conversation's tags.
        metadata: Added to the conversation's metadata.
        client: The client to record by; the default one by default.

    Returns:
        The ids of the turns, whether or not they are new. None where nothing is recorded.

    Raises:
        ArgumentError: if a message is of no known shape, or no conversation is named.

    Example:
        >>> said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
        >>> len(log(said, thread_id="t-1", at="2024-05-02T18:00:00Z"))
        1
    """
    client = client or default_client()
    when_ns = None if at is None else _at_ns(at, client.clock.now_ns())
    told = told_conversation(messages, thread_id)
    if not client.settings.enabled or paused.get() or client.recorder.is_stopped():
        return ()
    conversation = _with_given(told.conversation, user_id, tags, metadata)
    ids = None if told.has_ids else TurnIds(client.recorder, conversation.thread_id, when_ns)
    turns = [turn for turn in conversation.turns if turn.messages or turn.tool_observations]
    if ids is not None:
        turns = [replace(turn, id=ids.id_of(turn)) for turn in turns]
    at_ns = client.clock.now_ns() if when_ns is None else when_ns
    told_turns = replace(conversation, turns=tuple(turns))
    _Logging(client, told_turns, at_ns=at_ns, ship=ship, has_ids=told.has_ids).run()
    return tuple(turn.id for turn in turns)


class _Logging:
    """Hands one conversation over, turn by turn."""

    def __init__(
        self,
        client: Client,
        conversation: Conversation,
        *,
        at_ns: int,
        ship: bool,
        has_ids: bool,
    ) -> None:
        self._losses = client.losses
        self._client = client
        self._conversation = conversation
        self._at_ns = at_ns
        self._ship = ship
        self._has_ids = has_ids

    @never_raises
    def run(self) -> None:
        told, at_ns = self._conversation, self._at_ns
        for number, turn in enumerate(told.turns, start=1):
            with self._client.recorder.draft() as draft:
                event = logged_turn(turn, told, draft, at_ns=at_ns, ship=self._ship)
                draft.record(event, last=True)
            self._note(
                notes_of_turn(turn, told.thread_id, at_ns=event.ended_ns, has_ids=self._has_ids)
            )
            if number % _GROUP == 0:
                self._client.store_recorded()
        self._note(notes_of_conversation(told, at_ns=at_ns, has_ids=self._has_ids))
        if told.title is not None:
            self._record(Updated(told.thread_id, told.updated_ns, title=told.title))

    def _note(self, notes: Iterable[Rating | Feedback | Event]) -> None:
        for note in notes:
            self._record(Noted(note, self._ship))

    def _record(self, event: CaptureEvent) -> None:
        with self._client.recorder.draft() as draft:
            draft.record(event, last=True)


def _with_given(
    conversation: Conversation,
    user_id: str | None,
    tags: Sequence[str],
    metadata: Mapping[str, Any] | None,
) -> Conversation:
    who = conversation.user_id if user_id is None else checked_id("user_id", user_id)
    return replace(
        conversation,
        user_id=who,
        tags=(*conversation.tags, *(str(tag) for tag in tags)),
        metadata={**conversation.metadata, **(metadata or {})},
    )


def _at_ns(at: object, now_ns: int) -> int:
    if isinstance(at, int | float) and not isinstance(at, bool):
        at_ns = round(at * 1e9) if math.isfinite(at) else _NS_LIMIT
    elif isinstance(at, str | dt.date):
        at_ns = moment_ns("at", at, now_ns=now_ns)
    else:
        raise ArgumentError(argument="at", value=type(at).__name__, allowed=_AT)
    if not -_NS_LIMIT <= at_ns < _NS_LIMIT:
        raise ArgumentError(argument="at", value=at, allowed=_AT)
    return at_ns
