"""The viewer on a port, in this process, and a page of a browser that has entered it."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

from threadline.server.access import Access
from threadline.server.app import application
from threadline.server.running import entrance, listening
from threadline.server.stores import Stores
from threadline.server.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page


class Served:
    """A viewer that answers: its address, with the token and without."""

    def __init__(self, viewer: Viewer, address: str) -> None:
        self.viewer = viewer
        self.entrance = address
        self.base = address.partition("/?")[0]


@contextlib.contextmanager
def serving(path: Path | None, *, stores: Any = None, clock: Any = None) -> Iterator[Served]:
    """Serve a store, or whatever answers in its place."""
    listener = listening("127.0.0.1", 0)
    viewer = Viewer(
        stores=stores or Stores(path, clock=clock),
        access=Access(cookie=f"threadline-{listener.getsockname()[1]}"),
        zone=dt.UTC,
    )
    config = uvicorn.Config(
        application(viewer), log_config=None, log_level="critical", lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Served(viewer, entrance(viewer.access, listener))
    finally:
        viewer.ending.set()
        server.should_exit = True
        thread.join(20)
        listener.close()
        viewer.stores.close()


class Watched:
    """A page of a browser that has entered a viewer, and what happened that should not have."""

    def __init__(self, context: BrowserContext, served: Served) -> None:
        self.page: Page = context.new_page()
        self.happened: list[str] = []
        self.served = served
        self.page.on("dialog", self._dismiss)
        self.page.on("console", lambda message: self.happened.append(message.text))
        self.page.on("pageerror", lambda error: self.happened.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(served.entrance)

    def open(self, path: str) -> Page:
        """Go to a page of the viewer."""
        self.page.goto(self.served.base + path)
        return self.page

    def _dismiss(self, dialog: Any) -> None:
        self.happened.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.served.base, "data:")):
            self.happened.append(f"request {request.url}")
