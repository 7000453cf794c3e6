"""A real browser without a network: Debian's `chromium`, or any other Chromium on the path."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Return a browser; the parser's audit in `tests/pages` holds on machines that have none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None and "CI" in os.environ:
        pytest.fail("CI looks at the pages in a browser, and there is none; see .ci/run")
    if program is None:
        pytest.skip("no Chromium here; `apt-get install chromium` brings one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()
