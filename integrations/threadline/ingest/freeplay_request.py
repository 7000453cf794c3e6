"""One request to Freeplay: what is asked, of which record, before it is encoded."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class FreeplayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `path` is what follows the project's own address.

    `what` names it for people. What `refers` is about something that an earlier request brought:
    a 404 then means that Freeplay does not know that, and not that the address is wrong.
    """

    method: Literal["POST", "PATCH"] = "POST"
    path: str
    body: dict[str, Any]
    what: str
    refers: bool = False
