"""The default client: what handlers, connectors and functions use that were given none."""

from __future__ import annotations

import contextlib
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from threadline.client.client import Client, living_clients
from threadline.errors import SettingError, ThreadlineError
from threadline.settings import MEMORY
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from threadline.store.reader import Reader

_default: Final[dict[str, Client]] = {}
_retired: Final[list[weakref.ref[Client]]] = []


def configure(**settings: Any) -> Client:
    """Make a client the default one and return it.

    Turns under way finish where they began; new ones follow. The client that was the default
    before is flushed, not closed.

    Raises:
        SettingError: if a setting does not exist or has a value that is not allowed.
    """
    client = Client(**settings)
    before = _default.get("client")
    _default["client"] = client
    if before is not None:
        _retired.append(weakref.ref(before))
        before.store_recorded()
    return client


def default_client() -> Client:
    """Return the default client; made from the environment when first asked for.

    Where a variable has a wrong value it records nothing, and says so: never into the application.
    """
    client = _default.get("client")
    if client is None:
        client = _default.setdefault("client", _from_environment())
    return client


def _from_environment() -> Client:
    try:
        return Client()
    except SettingError as error:
        return Client(refused=error)


@contextlib.contextmanager
def serving_as_default(client: Client) -> Generator[Client]:
    """Make `client` the default one inside; afterwards the one from before is it again."""
    before = _default.get("client")
    _default["client"] = client
    try:
        yield client
    finally:
        if before is None:
            _default.pop("client", None)
        else:
            _default["client"] = before


def following_clients() -> list[Client]:
    """Return the default client and those that were it before, which may have turns under way."""
    earlier = (ref() for ref in reversed(_retired))
    return [default_client(), *(client for client in earlier if client is not None)]


def open_store(path: str | os.PathLike[str] | None = None) -> Reader:
    """Open the read side of a store.

    What processes that are gone have left in journals is taken in first, where the store can be
    written; what this process has recorded into it is stored first.

    Args:
        path: The store's file; by default the default client's store.

    Raises:
        StoreNotFoundError: if there is no store.
        StoreNewerError: if a newer Threadline wrote it.
        StoreUnavailableError: if it cannot be read.
        SettingError: if an environment variable has a value that is not allowed.
    """
    client = default_client()
    if client.refused is not None:
        raise client.refused
    if path is None and client.settings.store == MEMORY:
        return client.reader()
    wanted = client.settings.store if path is None else Path(path).expanduser().absolute()
    for live in list(living_clients):
        if live.settings.store == wanted and live.has_started:
            return live.reader()
    return _open_cold(Path(wanted), client)


def _open_cold(path: Path, like: Client) -> Reader:
    if waiting_journals(journal_folder(path)):
        with contextlib.suppress(ThreadlineError, OSError):
            redact = list(like.settings.redact)
            with Client(store=path, redact=redact, min_free_bytes=0, ship=False) as taker:
                taker.take_in()
    from threadline.store.connections import FileDatabase  # recording needs no reader
    from threadline.store.reader import Reader

    database = FileDatabase(path)
    database.check()
    return Reader(database, path, tenant=like.settings.tenant)
