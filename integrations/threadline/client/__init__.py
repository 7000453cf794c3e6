"""Wires the pieces: clients, the default one, scopes, notes, and opening a store to read."""

from threadline.client.client import Client, FlushReport
from threadline.client.defaults import configure, default_client, following_clients, open_store
from threadline.client.lifetime import close_all, register

__all__ = [
    "Client",
    "FlushReport",
    "close_all",
    "configure",
    "default_client",
    "following_clients",
    "open_store",
]

register()
