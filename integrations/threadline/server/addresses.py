"""Addresses of the viewer's pages; ids stand in the query, where nothing in them is a path."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from threadline.render.page.shape import turn_anchor

CONVERSATIONS: Final = "/"
CONVERSATION: Final = "/conversation"
TURN: Final = "/turn"
TRACE: Final = "/part/trace"
ONE_TURN: Final = "/part/turn"
SEARCH: Final = "/search"
FIGURES: Final = "/figures"
DELIVERY: Final = "/delivery"
RATE: Final = "/rate"
EVENTS: Final = "/events"


def address(path: str, **query: str | int | None) -> str:
    """Return a path with a query; what is None or empty is left out.

    Example:
        >>> address("/conversation", id="../a&b", first=None)
        '/conversation?id=..%2Fa%26b'
    """
    given = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(given, errors='replace')}" if given else path


def conversation_address(thread_id: str, *, turn_id: str | None = None) -> str:
    """Return the address of a conversation, at one of its turns."""
    if turn_id is None:
        return address(CONVERSATION, id=thread_id)
    return f"{address(CONVERSATION, id=thread_id, turn=turn_id)}#{turn_anchor(turn_id)}"
