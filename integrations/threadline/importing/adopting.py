"""Takes conversations that were recorded elsewhere into a client's store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from threadline.capture.redacted_records import redacted_record
from threadline.capture.redaction import Redactor
from threadline.client.defaults import default_client
from threadline.errors import SettingError
from threadline.importing.adoption import Adoption, ImportReport
from threadline.render.well_formed import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from threadline.client.client import Client
    from threadline.model import Conversation
    from threadline.store.foreign_deletions import ForeignDeletions

_AT_ONCE: Final = 32


def adopt(
    conversations: Iterable[Conversation],
    *,
    ship: bool = False,
    client: Client | None = None,
    progress: Callable[[int], object] | None = None,
) -> ImportReport:
    """Take whole conversations in, as they were: times, ids, spans, ratings; each turn once.

    They pass this client's redaction rules. What was deleted here stays deleted.

    Args:
        conversations: The conversations; each is read when it is its turn.
        ship: Whether they also go to the client's destinations.
        client: Whose store takes them; the default client's by default.
        progress: Called with how many conversations have been looked at since it was last called.

    Returns:
        What is new, and what was there already.

    Raises:
        SettingError: if this client keeps no content.
        StoreError: if the store cannot be written now; groups before it are in.
    """
    client = client or default_client()
    if client.settings.content != "full":
        allowed = "'full', to take in what was said"
        raise SettingError(setting="content", value=client.settings.content, allowed=allowed)
    report = ImportReport()
    for group in _groups(conversations):
        report += _take(client, group, ship=ship)
        if progress is not None:
            progress(len(group))
    return report


def hold_to(deletions: ForeignDeletions, client: Client) -> int:
    """Delete what another store deleted from this client's too, and keep it out from now on.

    Returns:
        How many conversations were deleted, or lost turns.

    Raises:
        StoreError: if the store cannot be written now.
    """
    with client.parts.writer.working:
        client.parts.store.begin(now_ns=client.clock.now_ns())  # there may be no store yet
        client.parts.store.rollback()
        return deletions.apply(client.parts.database())


def _take(client: Client, group: Sequence[Conversation], *, ship: bool) -> ImportReport:
    parts, settings = client.parts, client.settings
    redactor = Redactor.compile(settings.redact, key=parts.store.key)
    adoption = Adoption(
        parts.store,
        parts.recorder.encoded_body,
        tenant=settings.tenant or "",
        destinations=settings.destination_names if ship else (),
    )
    clean = [_redacted(conversation, redactor) for conversation in group]
    with parts.writer.working:
        return adoption.take(clean, client.clock.now_ns())


def _redacted(conversation: Conversation, redactor: Redactor) -> Conversation:
    """Return it as this store may hold it; looking closely only where there may be something."""
    try:
        might_match = redactor.might_match(msgspec.msgpack.encode(conversation))
    except UnicodeEncodeError:
        conversation, might_match = well_formed(conversation), True
    except (TypeError, ValueError, OverflowError):  # no text at fault: numbers of any size
        might_match = True
    return redacted_record(conversation, redactor) if might_match else conversation


def _groups(conversations: Iterable[Conversation]) -> Iterator[list[Conversation]]:
    group: list[Conversation] = []
    for conversation in conversations:
        group.append(conversation)
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group
