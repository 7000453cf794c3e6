"""Where records can be shipped to: give these to `threadline.configure(destinations=[...])`."""

from __future__ import annotations

from threadline.ingest.context_api import ContextApi
from threadline.ingest.destination import (
    ConversationFacts,
    Delivered,
    Destination,
    Item,
    Later,
    Outcome,
    Rejected,
)
from threadline.ingest.freeplay import Freeplay
from threadline.ingest.json_lines import JsonLines
from threadline.ingest.otlp import Otlp

__all__ = [
    "ContextApi",
    "ConversationFacts",
    "Delivered",
    "Destination",
    "Freeplay",
    "Item",
    "JsonLines",
    "Later",
    "Otlp",
    "Outcome",
    "Rejected",
]
