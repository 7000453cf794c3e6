"""Finding what an id, or the beginning of one, stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from threadline.cli.reader import Reader
    from threadline.model import Conversation, ConversationSummary, Page, Turn

_PAGE: Final = 1000
_NEWEST: Final = 20_000
_SHOWN: Final = 8


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
        What was found, or all that could be meant: nothing, or more than one. Beginnings are
        looked for among the newest of a very large store.
    """
    found = store.conversation(ident, tenant=tenant) or store.turn(ident)
    if found is not None:
        return found
    candidates = _named_so(store, ident, tenant) or _beginning_so(store, ident, tenant)
    if len(candidates) == 1:
        return _fetch(store, candidates[0]) or []
    return candidates


def _named_so(store: Reader, ident: str, tenant: str | None) -> list[Candidate]:
    page = store.conversations(thread_id=ident, tenant=tenant, limit=_SHOWN)
    return [_of_summary(summary) for summary in page]


def _beginning_so(store: Reader, ident: str, tenant: str | None) -> list[Candidate]:
    conversations = [
        _of_summary(summary)
        for summary in _all(store.conversations, tenant)
        if summary.thread_id.startswith(ident)
    ]
    turns = [
        Candidate("turn", turn.id, turn.tenant)
        for turn in _all(store.turns, tenant)
        if turn.id.startswith(ident)
    ]
    return conversations + turns


def _all(read: Callable[..., Page[Any]], tenant: str | None) -> Iterator[Any]:
    cursor: str | None = None
    for _ in range(_NEWEST // _PAGE):
        page = read(limit=_PAGE, cursor=cursor, tenant=tenant)
        yield from page
        cursor = page.cursor
        if cursor is None:
            return


def _of_summary(summary: ConversationSummary) -> Candidate:
    return Candidate("conversation", summary.thread_id, summary.tenant)


def _fetch(store: Reader, candidate: Candidate) -> Conversation | Turn | None:
    if candidate.kind == "turn":
        return store.turn(candidate.id)
    return store.conversation(candidate.id, tenant=candidate.tenant)
