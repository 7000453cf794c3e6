"""A page in a real browser: nothing on it acts, and people can read and reach all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.pages.attacks import ATTACKS, attacked
from tests.samples import all_samples

from threadline.render.page.pages import fragment_of, page_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

SAMPLES = {one.thread_id: one for one in all_samples()}
TRIP = SAMPLES["trip-0412"]

# What may not be in the document, whatever made it: other elements, handlers, styles, addresses.
FOREIGN = r"""() => {
  const ours = new Set(('HTML HEAD META TITLE STYLE BODY MAIN DIV ARTICLE HEADER FOOTER SECTION '
    + 'DETAILS SUMMARY P SPAN STRONG B EM S I BDI CODE PRE A H1 H2 H3 H4 H5 H6 UL OL LI BLOCKQUOTE '
    + 'HR BR TABLE THEAD TBODY TR TH TD DL DT DD TIME FIGURE FIGCAPTION IMG svg rect').split(' '));
  const harmless = /^(https?:|mailto:|#m|data:image\/(png|jpeg|gif|webp|avif);)/i;
  const found = [];
  for (const one of document.querySelectorAll('*')) {
    if (!ours.has(one.tagName)) found.push(one.tagName);
    for (const {name, value} of one.attributes) {
      const bad = name.startsWith('on') || name === 'style'
        || (['href', 'src', 'action', 'srcdoc'].includes(name) && !harmless.test(value));
      if (bad) found.push(`${one.tagName} ${name}=${value.slice(0, 60)}`);
    }
  }
  return found;
}"""
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"


class Watched:
    """A page of a browser, and what happened on it that should not have."""

    def __init__(self, context: BrowserContext, folder: Path) -> None:
        self.page: Page = context.new_page()
        self.happened: list[str] = []
        self._file = folder / "page.html"
        self.page.on("dialog", self._dismiss)
        self.page.on("console", lambda message: self.happened.append(message.text))
        self.page.on("request", self._asked)

    def open(self, html: str) -> Page:
        self._file.write_text(html, encoding="utf-8")
        self.page.goto(self._file.as_uri())
        self.page.evaluate(OPEN_ALL)
        return self.page

    def _dismiss(self, dialog: Any) -> None:
        self.happened.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if request.url != self._file.as_uri() and not request.url.startswith("data:"):
            self.happened.append(f"request {request.url}")


@pytest.fixture(scope="module")
def context(browser: Browser) -> Generator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1000, "height": 800})
    yield made
    made.close()


@pytest.fixture
def watched(context: BrowserContext, tmp_path: Path) -> Generator[Watched]:
    made = Watched(context, tmp_path)
    yield made
    made.page.close()


QUICK = {name: attack for name, attack in ATTACKS.items() if len(attack) < 5_000}


@pytest.mark.parametrize("attack", QUICK.values(), ids=list(QUICK))
def test_no_attack_acts_in_a_browser(watched: Watched, attack: str) -> None:
    """No script runs, nothing is loaded, no dialog opens, no foreign element is there."""
    one = attacked(TRIP, attack)
    notebook = f"<!doctype html><meta charset=utf-8><title>x</title>{fragment_of(one)}"
    for html in (page_of(one), notebook):
        page = watched.open(html)
        title = page.title()
        page.keyboard.press("Tab")
        page.mouse.move(400, 400)
        assert page.evaluate(FOREIGN) == []
        assert page.title() == title
    assert watched.happened == []


@pytest.mark.parametrize("thread_id", SAMPLES, ids=lambda one: one.encode().hex())
@pytest.mark.parametrize("width", [360, 1000])
def test_nothing_hangs_over_the_edge(watched: Watched, thread_id: str, width: int) -> None:
    """On a phone and on a desk one scrolls down only, with everything opened."""
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = watched.open(page_of(SAMPLES[thread_id]))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.happened == []


def test_the_sides_of_a_chat_are_clear(watched: Watched) -> None:
    """The user's words stand at the right, the assistant's at the left."""
    page = watched.open(page_of(TRIP))
    user = page.locator(".said.user").first.bounding_box()
    assistant = page.locator(".said.assistant").first.bounding_box()
    assert user is not None
    assert assistant is not None
    assert user["x"] > assistant["x"] + 100
    assert user["x"] + user["width"] > assistant["x"] + assistant["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["page", "notebook"])
def test_words_can_be_read_in_light_and_dark(watched: Watched, scheme: Any, kind: str) -> None:
    """Every text keeps a contrast of 4.5 to what lies behind it (WCAG AA)."""
    watched.page.emulate_media(color_scheme=scheme)
    theme = "true" if scheme == "dark" else "false"  # a notebook's own theme comes first
    notebook = f'<body data-jp-theme-light="{theme}">{fragment_of(TRIP)}'
    page = watched.open(page_of(TRIP) if kind == "page" else f"<!doctype html>{notebook}")
    assert page.evaluate(CONTRASTS) == []


def test_all_that_is_folded_is_reached_by_the_keyboard(watched: Watched) -> None:
    """Tab walks through what can be opened, Enter opens it; everything has a name."""
    page = watched.open(page_of(TRIP))
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True
    names = page.evaluate(
        "[...document.querySelectorAll('summary')].map(o => o.textContent.trim())"
    )
    assert all(names)


def test_on_paper_it_is_light_and_whole(watched: Watched) -> None:
    """A dark screen prints black on white, and no long result is cut by a scroll bar."""
    watched.page.emulate_media(media="print", color_scheme="dark")
    page = watched.open(page_of(SAMPLES["library-5"]))
    colour = page.evaluate("getComputedStyle(document.querySelector('.said')).color")
    assert max(int(part) for part in colour.strip("rgb()").split(",")[:3]) < 100
    assert page.evaluate("getComputedStyle(document.querySelector('pre')).maxHeight") == "none"


# Of each element that holds words of its own: those whose colour is too near to what is behind.
CONTRASTS = r"""() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = one => {
    for (let at = one; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || one.tagName === 'STYLE' || !one.getClientRects().length) continue;
    const pair = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
    pair.sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) found.push(`${one.tagName}.${one.className} ${ratio.toFixed(2)}`);
  }
  return found;
}"""
