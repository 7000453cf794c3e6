"""Finding what an id, or the beginning of one, stands for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from threadline.cli.reader import Reader
    from threadline.model import Conversation, ConversationSummary, Page, Turn

_CONVERSATIONS: Final = 20_000
_CONVERSATION_PAGE: Final = 1000
_TURNS: Final = 2_000
_TURN_PAGE: Final = 200
_SHOWN: Final = 8
_LEAST_DIGITS: Final = 8
_UUID_START: Final = re.compile(rf"[0-9a-f]{{{_LEAST_DIGITS}}}[0-9a-f-]*")


class Candidate(NamedTuple):
    """A conversation or a turn that could be meant."""

    kind: str
    id: str
    tenant: str | None


def find_by_id(
    store: Reader, ident: str, tenant: str | None
) -> Conversation | Turn | list[Candidate]:
    """Return the conversation or the turn with this id, or with an id that begins so.

    Returns:
        What was found, or all that could be meant: nothing, or more than one. `looked_at` tells
        how far beginnings are looked for.
    """
    found = store.conversation(ident, tenant=tenant) or store.turn(ident)
    if found is not None:
        return found
    candidates = _named_so(store, ident, tenant) or _beginning_so(store, ident, tenant)
    if len(candidates) == 1:
        return _fetch(store, candidates[0]) or []
    return candidates


def looked_at(ident: str) -> str:
    """Say where `find_by_id` looked for ids that begin with `ident`."""
    conversations = f"the newest {_CONVERSATIONS:,} conversations"
    if _is_uuid_start(ident):
        turns = f"the newest {_TURNS:,} turns"
        return f"none of {conversations} and of {turns} has an id that begins so"
    hint = f"the beginning of a turn's id takes {_LEAST_DIGITS} hex digits or more"
    return f"none of {conversations} has an id that begins so; {hint}"


def _named_so(store: Reader, ident: str, tenant: str | None) -> list[Candidate]:
    page = store.conversations(thread_id=ident, tenant=tenant, limit=_SHOWN)
    return [_of_summary(summary) for summary in page]


def _beginning_so(store: Reader, ident: str, tenant: str | None) -> list[Candidate]:
    conversations = [
        _of_summary(summary)
        for summary in _newest(store.conversations, _CONVERSATIONS, _CONVERSATION_PAGE, tenant)
        if summary.thread_id.startswith(ident)
    ]
    if not _is_uuid_start(ident):
        return conversations
    turns = [
        Candidate("turn", turn.id, turn.tenant)
        for turn in _newest(store.turns, _TURNS, _TURN_PAGE, tenant, kind=None)
        if turn.id.startswith(ident.lower())
    ]
    return conversations + turns


def _newest(
    read: Callable[..., Page[Any]], count: int, page_size: int, tenant: str | None, **more: Any
) -> Iterator[Any]:
    cursor: str | None = None
    for _ in range(count // page_size):
        page = read(limit=page_size, cursor=cursor, tenant=tenant, **more)
        yield from page
        cursor = page.cursor
        if cursor is None:
            return


def _is_uuid_start(ident: str) -> bool:
    return _UUID_START.fullmatch(ident.lower()) is not None


def _of_summary(summary: ConversationSummary) -> Candidate:
    return Candidate("conversation", summary.thread_id, summary.tenant)


def _fetch(store: Reader, candidate: Candidate) -> Conversation | Turn | None:
    if candidate.kind == "turn":
        return store.turn(candidate.id)
    return store.conversation(candidate.id, tenant=candidate.tenant)
