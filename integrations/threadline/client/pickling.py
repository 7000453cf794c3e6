"""Clients that go to another process with what was pickled: their settings go, and open nothing."""

from __future__ import annotations

import dataclasses
import pickle

from threadline.client.client import Client, living_clients
from threadline.errors import SettingError
from threadline.settings import SETTING_NAMES, Settings


def pickled_client(client: Client | None) -> bytes | None:
    """Return the settings of `client`; None for the default one, which each process has itself.

    Where a rule or a destination cannot be pickled nothing is recorded by the copy, and that is
    said: to record without that rule would be worse.
    """
    if client is None:
        return None
    plain = dataclasses.replace(client.settings, sources={})
    try:
        return pickle.dumps(plain)
    except Exception as error:  # noqa: BLE001 (values of the application's own)
        client.losses.warn_once(
            "a handler was pickled whose client's settings cannot be; the copy records nothing",
            type(error).__name__,
        )
        return b""


def unpickled_client(data: bytes | None) -> Client | None:
    """Return the living client of these settings, or a new one."""
    if data is None:
        return None
    if not data:
        allowed = "functions of a module, and destinations that can be pickled"
        return Client(refused=SettingError("redact, or destinations", "not in the pickle", allowed))
    settings: Settings = pickle.loads(data)  # noqa: S301 (a part of the pickle that is being read)
    for client in list(living_clients):
        if client.settings == settings:
            return client
    return Client(**{name: getattr(settings, name) for name in SETTING_NAMES})
