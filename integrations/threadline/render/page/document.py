"""Pages and fragments: the frame around what is drawn, with its style and its own prohibitions."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Final

from threadline.render.page.markup import Markup, element, joined

_STYLE_FILE: Final = "page.css"
_DOCTYPE: Final = Markup("<!doctype html>\n")


def fragment(*body: str) -> Markup:
    """Return what a notebook shows: the drawn thing and its style, without a page around it."""
    style = Markup(f"<style>{style_sheet()}</style>")
    return element("div", style, *body, class_="threadline")


def page(*body: str, title: str) -> Markup:
    """Return a whole page. It forbids everything but its own style and pictures within itself."""
    head = joined(
        [
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_policy()),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="referrer", content="no-referrer"),
            element("meta", name="generator", content="threadline"),
            element("title", title),
            Markup(f"<style>{style_sheet()}</style>"),
        ],
        Markup("\n"),
    )
    main = element("main", *body, class_="threadline page")
    parts = [element("head", head), element("body", main)]
    return joined([_DOCTYPE, element("html", *parts, lang="en"), Markup("\n")])


@functools.cache
def style_sheet() -> str:
    """Return the style of all that this package draws."""
    return Path(__file__).with_name(_STYLE_FILE).read_text(encoding="utf-8")


@functools.cache
def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
