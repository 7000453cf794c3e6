"""What a turn looked up, on a page: the question and the documents found, folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.render.chat import document_line
from threadline.render.notes import failure_text
from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.render.page.values import folded, value_block, words_block
from threadline.render.printable import one_line
from threadline.render.values import counted
from threadline.render.when import duration

if TYPE_CHECKING:
    from threadline.model import Document, Retrieval, Turn


def lookup_block(retrieval: Retrieval, turn: Turn) -> Markup:
    """Draw one retrieval."""
    span = next((span for span in turn.spans if span.id == retrieval.span_id), None)
    took = duration(span.duration_ns) if span else ""
    error = span.error if span else None
    asked = f"“{one_line(retrieval.query, width=120)}”" if retrieval.query else ""
    summary = joined(
        [
            element("span", "looked up", class_="kind"),
            element("bdi", asked),
            element("span", counted(len(retrieval.documents), "document"), class_="outcome"),
            element("span", took, class_="took"),
        ],
        Markup(" "),
    )
    return element(
        "details",
        element("summary", summary),
        element("p", failure_text(error), class_="note bad") if error else NOTHING,
        *(document_block(document) for document in retrieval.documents),
        class_="tool lookup",
    )


def document_block(document: Document) -> Markup:
    """Draw one document that was found: its name, all its words, what is known about it."""
    return folded(
        document_line(document, is_whole=True),
        words_block(document.text),
        value_block(document.metadata) if document.metadata else NOTHING,
        class_="document",
    )
