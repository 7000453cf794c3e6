"""Threadline records what LangChain, LangGraph and Haystack applications say, as conversations.

Attach a callback to a chain, talk to it, read the conversation back::

    from threadline.langchain import ThreadlineCallbackHandler

    chain.invoke(question, config={"callbacks": [ThreadlineCallbackHandler()],
                                   "metadata": {"thread_id": "t-1"}})
    threadline.open().conversation("t-1")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from threadline.actions import offer

if TYPE_CHECKING:
    from threadline.client import Client, FlushReport, configure
    from threadline.client import open_store as open  # noqa: A004 (the public name)
    from threadline.client.attaching import attach, detach
    from threadline.client.coroutines import aclose, aflush, arate
    from threadline.client.log import log
    from threadline.client.notes import event, feedback, rate, update
    from threadline.client.scopes import conversation, turn
    from threadline.client.scopes import pausing as paused
    from threadline.client.shortcuts import close, flush, last

_WHERE = {
    "Client": ("threadline.client", "Client"),
    "FlushReport": ("threadline.client", "FlushReport"),
    "aclose": ("threadline.client.coroutines", "aclose"),
    "aflush": ("threadline.client.coroutines", "aflush"),
    "arate": ("threadline.client.coroutines", "arate"),
    "attach": ("threadline.client.attaching", "attach"),
    "close": ("threadline.client.shortcuts", "close"),
    "configure": ("threadline.client", "configure"),
    "conversation": ("threadline.client.scopes", "conversation"),
    "detach": ("threadline.client.attaching", "detach"),
    "event": ("threadline.client.notes", "event"),
    "feedback": ("threadline.client.notes", "feedback"),
    "flush": ("threadline.client.shortcuts", "flush"),
    "last": ("threadline.client.shortcuts", "last"),
    "log": ("threadline.client.log", "log"),
    "open": ("threadline.client", "open_store"),
    "paused": ("threadline.client.scopes", "pausing"),
    "rate": ("threadline.client.notes", "rate"),
    "turn": ("threadline.client.scopes", "turn"),
    "update": ("threadline.client.notes", "update"),
}

__all__ = [
    "Client",
    "FlushReport",
    "aclose",
    "aflush",
    "arate",
    "attach",
    "close",
    "configure",
    "conversation",
    "detach",
    "event",
    "feedback",
    "flush",
    "last",
    "log",
    "open",
    "paused",
    "rate",
    "turn",
    "update",
]

offer("compare", "threadline.render.comparing", "compared")
offer("diff_spans", "threadline.render.differing", "compared_spans")
offer("diff_turns", "threadline.render.differing", "compared_turns")
offer("fragment", "threadline.render.page.pages", "fragment_of")
offer("rate", "threadline.client.rating", "rate_turn")
offer("text", "threadline.render.plain", "text_of")
offer("to_arrow", "threadline.render.frames", "to_arrow")
offer("to_html", "threadline.render.page.saving", "save_html")
offer("to_pandas", "threadline.render.frames", "to_pandas")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("threadline")
    try:
        module, attribute = _WHERE[name]
    except KeyError:
        msg = f"module 'threadline' has no attribute {name!r}"
        raise AttributeError(msg) from None
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
