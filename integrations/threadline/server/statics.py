"""The viewer's own files: a fixed few, read once; no path of a request ever reaches the disk."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from threadline.render.page.document import style_sheet

if TYPE_CHECKING:
    from starlette.requests import Request

_FOLDER: Final = Path(__file__).with_name("static")
_CSS: Final = "text/css"
_KINDS: Final = {
    "page.css": _CSS,
    "viewer.css": _CSS,
    "viewer.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


async def static_file(request: Request) -> Response:
    """Answer with one of the files."""
    name = request.path_params["name"]
    if name not in _KINDS:
        raise HTTPException(404)
    headers = {"cache-control": "no-cache"}
    return Response(_read(name), media_type=_KINDS[name], headers=headers)


@functools.cache
def _read(name: str) -> str:
    if name == "page.css":
        return style_sheet()
    return (_FOLDER / name).read_text(encoding="utf-8")
