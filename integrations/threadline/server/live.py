"""News for open pages: which turns are new or have changed, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from threadline.errors import StoreError
from threadline.render.page.shape import turn_anchor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from threadline.model import Turn
    from threadline.server.viewer import Viewer
    from threadline.store.following import Following

_LOOK_S: Final = 0.5
_LOOKS_PER_SIGN: Final = 20
"""How many looks without news come on one sign of life, so that who is gone is noticed."""

_SIGN: Final = ": still here\n\n"


async def events(viewer: Viewer, request: Request) -> Response:
    """Answer with a stream that lasts as long as somebody listens."""
    del request
    return StreamingResponse(_told(viewer), media_type="text/event-stream")


async def _told(viewer: Viewer) -> AsyncIterator[str]:
    following: Following | None = None
    yield "retry: 2000\n\n"
    looks = 0
    while not viewer.ending.is_set():
        turns: tuple[Turn, ...] = ()
        with contextlib.suppress(StoreError):
            if following is None:
                following = await run_in_threadpool(lambda: viewer.stores.reader().follow())
            turns = await run_in_threadpool(following.changes)
        if turns:
            yield f"event: turns\ndata: {_news(turns)}\n\n"
        looks += 1
        if looks % _LOOKS_PER_SIGN == 0:
            yield _SIGN
        await asyncio.sleep(_LOOK_S)


def _news(turns: tuple[Turn, ...]) -> str:
    told = [
        {"thread": turn.thread_id, "turn": turn.id, "anchor": turn_anchor(turn.id)}
        for turn in turns
    ]
    return msgspec.json.encode(told).decode()
