"""The store in force and its outbox, as the commands about delivery need them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from threadline.cli.checks import settings_in_force
from threadline.errors import StoreNotFoundError
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.settings import Settings
    from threadline.store.outbox import Outbox


def store_in_force(session: Session) -> tuple[Settings, Path]:
    """Return the settings in force, and the store that they or the user name."""
    settings = settings_in_force(session)
    if not isinstance(settings.store, Path):
        wanted = "a store in memory is shipped only by its own process; name a file with --store"
        raise session.fail(wanted)
    return settings, settings.store


def outbox_in_force(session: Session) -> tuple[Settings, Path, Outbox]:
    """Return the same with the outbox of that store.

    Raises:
        StoreNotFoundError: if there is no store.
    """
    settings, path = store_in_force(session)
    if not path.exists():
        raise StoreNotFoundError(path)
    return settings, path, open_outbox(path, session.clock)
