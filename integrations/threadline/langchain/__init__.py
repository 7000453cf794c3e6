"""The LangChain and LangGraph adapter: a callback handler, and a config for streaming endpoints."""

from typing import TYPE_CHECKING, Any

from threadline.langchain.config import config
from threadline.langchain.handler import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from threadline.langchain.backfilling import backfill

__all__ = ["ThreadlineCallbackHandler", "backfill", "config"]


def __getattr__(name: str) -> Any:
    """Load `backfill` when it is first asked for: recording needs nothing of it."""
    if name != "backfill":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from threadline.langchain.backfilling import backfill

    return backfill
