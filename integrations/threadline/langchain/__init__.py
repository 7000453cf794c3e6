"""The LangChain and LangGraph adapter: a callback handler, and a config for streaming endpoints."""

from threadline.langchain.config import config
from threadline.langchain.handler import ThreadlineCallbackHandler

__all__ = ["ThreadlineCallbackHandler", "config"]
