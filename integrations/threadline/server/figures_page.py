"""Figures over time, drawn as charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.render.page.markup import element
from threadline.server.addresses import FIGURES
from threadline.server.frame import framed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.server.viewer import Viewer


def figures_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw the figures of a stretch of time."""
    del viewer, query
    return framed(element("h1", "Figures"), title="Figures", here=FIGURES)
