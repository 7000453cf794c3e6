"""Clients that go to another process with what was pickled: their settings go, and open nothing."""

from __future__ import annotations

import dataclasses
import pickle

from threadline.client.client import Client, living_clients
from threadline.settings import SETTING_NAMES, Settings


def pickled_client(client: Client | None) -> bytes | None:
    """Return the settings of `client`; None for the default one, which each process has itself.

    A rule or destination that cannot be pickled leaves only the default client, which is said: to
    record without that rule would be worse.
    """
    if client is None or client.refused is not None:
        return None
    plain = dataclasses.replace(client.settings, sources={})
    try:
        return pickle.dumps(plain)
    except Exception as error:  # noqa: BLE001 (values of the application's own)
        client.losses.warn_once(
            "a handler was pickled without its client, whose settings cannot be; where it is "
            "unpickled it records by the default client",
            type(error).__name__,
        )
        return None


def unpickled_client(data: bytes | None) -> Client | None:
    """Return the living client of these settings, or a new one."""
    if data is None:
        return None
    settings: Settings = pickle.loads(data)  # noqa: S301 (a part of the pickle that is being read)
    for client in list(living_clients):
        if client.settings == settings and client.refused is None:
            return client
    return Client(**{name: getattr(settings, name) for name in SETTING_NAMES})
