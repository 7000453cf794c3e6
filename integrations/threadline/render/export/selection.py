"""The conversations that an export is of: some by their ids, or all that fit the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from threadline.capture.redacted_records import redacted_record, redactor_of
from threadline.render.reading import Store, pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from threadline.model import Conversation


class Source(Store, Protocol):
    """A store of which conversations can be had whole."""

    def conversation(self, thread_id: str, tenant: str | None = None) -> Conversation | None:
        """Return everything of a conversation."""
        ...


def selected(
    store: Source, *, redact: Sequence[str] = (), limit: int | None = None, **filters: Any
) -> Iterator[Conversation]:
    """Yield whole conversations, newest first, each read when it is asked for.

    Args:
        store: Where to read.
        redact: More rules for what is exported; what is stored stays.
        limit: At most so many; None for all.
        **filters: Those of the store's lists; a conversation fits if one of its turns does.
    """
    redactor = redactor_of(redact)
    for page in pages(store.conversations, limit=limit, **filters):
        for summary in page:
            found = store.conversation(summary.thread_id, tenant=summary.tenant)
            if found is not None:  # it may have been deleted meanwhile
                yield found if redactor is None else redacted_record(found, redactor)


def whole(
    store: Source, threads: Iterable[tuple[str, str]], *, redact: Sequence[str] = ()
) -> Iterator[Conversation]:
    """Yield what is listed, then what no list shows: other tenants', side calls alone, ratings.

    Args:
        store: Where to read.
        threads: Tenant and thread id of every conversation.
        redact: More rules for what is exported.
    """
    listed: set[tuple[str, str]] = set()
    for page in pages(store.conversations):
        listed.update((summary.tenant or "", summary.thread_id) for summary in page)
    yield from selected(store, redact=redact)
    redactor = redactor_of(redact)
    for tenant, thread_id in threads:
        found = store.conversation(thread_id, tenant=tenant or None)
        if found is not None and (tenant, thread_id) not in listed:
            yield found if redactor is None else redacted_record(found, redactor)
