"""The viewer as an ASGI application: its pages, what goes wrong with them, and the guard before."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route

from threadline.errors import ArgumentError, StoreError, StoreNotFoundError
from threadline.server.addresses import (
    CONVERSATION,
    CONVERSATIONS,
    DELIVERY,
    EVENTS,
    FIGURES,
    RATE,
    SEARCH,
    TURN,
)
from threadline.server.conversation_page import conversation_page
from threadline.server.delivery_page import delivery_page
from threadline.server.figures_page import figures_page
from threadline.server.frame import told_page
from threadline.server.guard import Guard
from threadline.server.list_page import list_page
from threadline.server.live import events
from threadline.server.rating import take_rating
from threadline.server.search_page import search_page
from threadline.server.statics import static_file
from threadline.server.turn_page import turn_page
from threadline.server.viewer import NotThereError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from threadline.server.viewer import Viewer

    Page = Callable[[Viewer, Mapping[str, str]], str]

_PAGES: Final[dict[str, Page]] = {
    CONVERSATIONS: list_page,
    SEARCH: search_page,
    CONVERSATION: conversation_page,
    TURN: turn_page,
    FIGURES: figures_page,
    DELIVERY: delivery_page,
}
_NO_STORE: Final = "It is made when something is recorded, and shows up here by itself."


def application(viewer: Viewer) -> ASGIApp:
    """Return the viewer as an application that any ASGI server runs."""
    routes = [Route(path, partial(_answer, viewer, page)) for path, page in _PAGES.items()]
    routes += [
        Route(EVENTS, partial(events, viewer)),
        Route(RATE, partial(take_rating, viewer), methods=["POST"]),
        Route("/static/{name}", static_file),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, access=viewer.access)],
        exception_handlers={HTTPException: _told},
    )


async def _answer(viewer: Viewer, page: Page, request: Request) -> Response:
    """Draw a page; what cannot be drawn is told as one."""
    try:
        return HTMLResponse(await run_in_threadpool(page, viewer, request.query_params))
    except NotThereError as error:
        return HTMLResponse(told_page("Not there", str(error)), 404)
    except ArgumentError as error:
        told = f"“{error.argument}” cannot be {error.value!r}; allowed: {error.allowed}."
        return HTMLResponse(told_page("That cannot be looked for", told), 400)
    except StoreNotFoundError as error:
        told = f"There is no store at {error.path}. {_NO_STORE}"
        return HTMLResponse(told_page("Nothing is recorded yet", told, here=CONVERSATIONS), 404)
    except StoreError as error:
        return HTMLResponse(told_page("The store cannot be read", f"{error}."), 503)


async def _told(request: Request, error: Exception) -> Response:
    del request
    code, detail = (
        (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    )
    heading = "Not there" if code == _NOT_FOUND else "That did not work"
    return HTMLResponse(told_page(heading, f"{detail.rstrip('.')}."), code)


_NOT_FOUND: Final = 404
