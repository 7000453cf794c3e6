"""What stands before every page: access is checked, and the browser is told what it must not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from threadline.server.access import TOKEN
from threadline.server.frame import refusal_page

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from threadline.server.access import Access

_STATIC: Final = "/static/"
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # with no referrer at all a browser would hide where a form of our own comes from
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Lets through what `Access` allows; answers everything else itself."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._answer(Request(scope))
        await (answer or self._app)(scope, receive, guarded)

    def _answer(self, request: Request) -> Response | None:
        """Return what a request is told that does not reach a page."""
        access = self._access
        if not access.answers_to(request.headers.get("host", "")):
            return _refused("This viewer answers only to its own address.", 403)
        if not access.is_own(request.headers, method=request.method):
            return _refused("This viewer answers only to its own pages.", 403)
        if request.url.path.startswith(_STATIC):
            return None
        given = request.query_params.get(TOKEN)
        if given is not None:
            return self._entered(request, given)
        if access.is_session(request.cookies.get(access.cookie, "")):
            return None
        told = (
            "Open the address that “threadline serve” printed; it has the token in it. If you have"
            " just done so,"
        )
        return _refused(told, 401, again=request.url.path)

    def _entered(self, request: Request, given: str) -> Response:
        """Keep the token of the address in a cookie, and take it out of the address."""
        if not self._access.is_token(given):
            return _refused("The token in the address is not the one of this viewer.", 403)
        query = [
            pair
            for pair in parse_qsl(request.url.query, keep_blank_values=True)
            if pair[0] != TOKEN
        ]
        # two slashes at the beginning would name another host
        path = "/" + request.url.path.lstrip("/\\")
        answer = RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)
        answer.set_cookie(
            self._access.cookie, self._access.session, httponly=True, samesite="strict", path="/"
        )
        return answer


def _refused(told: str, code: int, *, again: str | None = None) -> Response:
    return HTMLResponse(refusal_page(told, again=again), code)
