"""The neutral model: conversations, turns, messages, spans. Immutable, framework-free."""

from threadline.model.codec import RECORD_SCHEMA, Record, decode, encode
from threadline.model.conversation import Conversation
from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.listing import ConversationSummary, Page, SearchHit
from threadline.model.message import Body, Message
from threadline.model.parts import (
    BlobPart,
    FilePart,
    GenericPart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)
from threadline.model.span import Document, Failure, Prompt, Span, Usage
from threadline.model.turn import Decision, Retrieval, Status, ToolObservation, Turn

__all__ = [
    "RECORD_SCHEMA",
    "BlobPart",
    "Body",
    "Conversation",
    "ConversationSummary",
    "Decision",
    "Document",
    "Event",
    "Failure",
    "Feedback",
    "FilePart",
    "GenericPart",
    "Message",
    "Page",
    "Part",
    "Prompt",
    "Rating",
    "ReasoningPart",
    "Record",
    "Retrieval",
    "SearchHit",
    "Span",
    "Status",
    "TextPart",
    "ToolCallPart",
    "ToolCallResponsePart",
    "ToolObservation",
    "Turn",
    "UriPart",
    "Usage",
    "decode",
    "encode",
]
