"""Reads a page as a parser does and says what of it could act, load or mislead."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from threadline.render.printable import printable

_ELEMENTS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "div",
    "article",
    "header",
    "footer",
    "section",
    "details",
    "summary",
    "p",
    "span",
    "strong",
    "b",
    "em",
    "s",
    "i",
    "bdi",
    "code",
    "pre",
    "a",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "hr",
    "br",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "dl",
    "dt",
    "dd",
    "time",
    "figure",
    "figcaption",
    "img",
    "svg",
    "rect",
    "ins",
    "del",
}
_ATTRIBUTES = {
    "*": {"class", "dir", "id"},
    "a": {"href", "title", "rel", "target"},
    "details": {"open"},
    "html": {"lang"},
    "img": {"src", "alt"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "rect": {"x", "y", "width", "height", "rx"},
    "svg": {"viewbox", "preserveaspectratio", "aria-hidden"},
    "th": {"scope"},
    "time": {"datetime"},
}
_ADDRESS = re.compile(r"(https?://|mailto:|#m[0-9a-f]{8}-\d+$)", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=]*")
_CLASS = re.compile(r"[a-z0-9 ]*")


class Audit(HTMLParser):
    """What was found: `wrong`, the `text` that is read, the `styles`, the elements in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.elements: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self.is_style = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.is_style = tag == "style"
        if tag not in _ELEMENTS:
            self.wrong.append(f"element {tag}")
        for name, value in attrs:
            if name not in _ATTRIBUTES["*"] | _ATTRIBUTES.get(tag, set()):
                self.wrong.append(f"attribute {tag} {name}")
            self._check_value(name, value or "")

    def handle_endtag(self, tag: str) -> None:
        self.is_style = False

    def handle_data(self, data: str) -> None:
        if self.is_style:
            self.styles.append(data)
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.wrong.append("comment")

    def handle_pi(self, data: str) -> None:
        self.wrong.append("processing instruction")

    def _check_value(self, name: str, value: str) -> None:
        if name == "href":
            self.links.append(value)
        allowed = {"href": _ADDRESS.match, "src": _PICTURE.fullmatch, "class": _CLASS.fullmatch}
        if name in allowed and not allowed[name](value):
            self.wrong.append(f"{name}={value[:60]}")
        if printable(value) != value:
            self.wrong.append(f"{name} is not printable")


def audited(page: str) -> Audit:
    """Read a page; what was recorded may not have left anything in it that acts or misleads."""
    audit = Audit(page)
    if printable(audit.text) != audit.text:
        audit.wrong.append("text is not printable")
    return audit
