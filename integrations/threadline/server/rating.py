"""Takes a thumb or a comment in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from threadline.client.notes import feedback, rate
from threadline.server.access import FORM_KEY
from threadline.server.addresses import conversation_address
from threadline.server.rate_form import LONGEST_COMMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from threadline.server.viewer import Viewer

_LARGEST: Final = 64_000
_FORM: Final = "application/x-www-form-urlencoded"
_THUMBS: Final = {"1": 1, "-1": -1}
_REVIEWER: Final = "reviewer"
_PATIENCE_S: Final = 2.0


async def take_rating(viewer: Viewer, request: Request) -> Response:
    """Record what a form brought, and go back to where it was."""
    given = await _form(request)
    if not viewer.access.is_form_key(given.get(FORM_KEY, "")):
        raise HTTPException(403, "The form is not one of this viewer; load the page anew.")
    thread_id, turn_id = given.get("thread", ""), given.get("turn", "")
    turn = await run_in_threadpool(lambda: viewer.stores.reader().turn(turn_id))
    if turn is None or turn.thread_id != thread_id:
        raise HTTPException(404, "There is no such turn here.")
    await run_in_threadpool(_record, viewer, given)
    return RedirectResponse(conversation_address(thread_id, turn_id=turn_id), 303)


async def _form(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, "Only a form can be sent here.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST:
            raise HTTPException(413, "The comment is too long.")
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20))


def _record(viewer: Viewer, given: Mapping[str, str]) -> None:
    client = viewer.stores.client()
    thread_id, turn_id = given["thread"], given["turn"]
    comment = given.get("comment", "").strip()[:LONGEST_COMMENT] or None
    thumb = _THUMBS.get(given.get("value", ""))
    if thumb is not None:
        rate(
            thumb,
            turn_id=turn_id,
            thread_id=thread_id,
            comment=comment,
            source=_REVIEWER,
            client=client,
        )
    elif comment is not None:
        feedback(comment, turn_id=turn_id, thread_id=thread_id, client=client)
    client.flush(_PATIENCE_S)
