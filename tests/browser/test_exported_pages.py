"""What is exported to be opened elsewhere: from disk, without a network, it looks the same."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.notebooks.rendering import PAGES
from tests.samples import all_samples

from threadline import Client
from threadline.cli.app import app
from threadline.cli.session import Session
from threadline.importing.adopting import adopt

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A page with every kind of conversation there is, as the command writes it."""
    store, page = tmp_path / "store.db", tmp_path / "all.html"
    with Client(store=store, min_free_bytes=0) as client:
        adopt(all_samples(), client=client)
    arguments = ["export", "--store", str(store), "--format", "html", "-o", str(page)]
    done = CliRunner().invoke(app, arguments, obj=Session())
    assert done.exit_code == 0, done.output
    return page


@pytest.fixture
def served(exported: Path) -> Iterator[str]:
    """The address of that page on a loopback port."""
    handler = functools.partial(Quiet, directory=str(exported.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{exported.name}"
        server.shutdown()


@pytest.fixture
def offline_page(browser: Browser) -> Generator[Page]:
    """A page whose network is off."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, offline=True)
    yield context.new_page()
    context.close()


def looked_at(page: Page, address: str) -> tuple[list[bytes], list[str]]:
    """Open an address; returns how it looks, folded and unfolded, and what it asked for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    folded = page.screenshot(full_page=True)
    page.evaluate(OPEN_ALL)
    unfolded = page.screenshot(full_page=True)
    return [folded, unfolded], [url for url in asked if not url.startswith("data:")]


def test_an_export_looks_the_same_from_disk(
    browser: Browser, offline_page: Page, exported: Path, served: str
) -> None:
    """Pixel by pixel as it looks where it is served, and nothing is asked for but itself."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    there, _ = looked_at(context.new_page(), served)
    context.close()
    here, asked = looked_at(offline_page, exported.as_uri())
    assert asked == [exported.as_uri()]
    assert here == there
    assert here[0] != here[1]


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.html")), ids=lambda path: path.stem)
def test_a_notebook_in_the_docs_needs_no_network(offline_page: Page, path: Path) -> None:
    """Its page asks for nothing, and on a phone one scrolls down only."""
    _, asked = looked_at(offline_page, path.as_uri())
    assert asked == [path.as_uri()]
    offline_page.set_viewport_size({"width": 390, "height": 800})
    assert offline_page.evaluate("document.documentElement.scrollWidth") <= 390
