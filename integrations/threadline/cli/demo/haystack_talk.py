"""The demo with Haystack: an agent with a tool talks for two turns, then the record of it."""

from __future__ import annotations

import secrets
import shlex
from typing import TYPE_CHECKING, Any, Final

from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.tools.tool import Tool
from haystack.tracing.tracer import NullTracer, tracer

from threadline.cli.chat_view import draw_chat
from threadline.cli.program import program_name
from threadline.cli.session import Session
from threadline.client import Client
from threadline.client.scopes import conversation
from threadline.haystack import ThreadlineTracer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_QUESTIONS: Final = ("When does the museum open on Sunday?", "And is that so every week?")
_CALL: Final = ToolCall("opening_hours", {"place": "museum", "day": "Sunday"}, id="call_1")
_SCRIPT: Final = (
    ChatMessage.from_assistant("Let me look that up.", tool_calls=[_CALL]),
    ChatMessage.from_assistant("It opens at ten and closes at six."),
    ChatMessage.from_assistant("Yes, every Sunday but the first of January."),
)


def play_haystack(console: Console, store_path: Path | None) -> None:
    """Run the demo with Haystack, whose model is a scripted one.

    Raises:
        StoreError: if the store cannot be used.
    """
    session = Session(store_path=store_path, out=console)
    session.line(("Threadline demo", "strong"))
    session.line()
    session.line(("A Haystack agent with a tool; its model is a scripted one.", "plain"))
    session.line()
    thread_id = f"demo-{secrets.token_hex(3)}"
    settings: dict[str, Any] = {"enabled": True, "sample": 1.0, "destinations": ()}
    with Client(store=store_path, min_free_bytes=0, **settings) as client:
        before = tracer.actual_tracer
        tracer.actual_tracer = ThreadlineTracer(client)
        try:
            with conversation(thread_id, user_id="ada", client=client):
                _talk()
        finally:
            tracer.actual_tracer = before or NullTracer()
        recorded = client.reader().conversation(thread_id)
    if recorded is not None:
        draw_chat(session, recorded, full=False, prelude=False)
    named = "" if store_path is None else f" --store {shlex.quote(str(store_path))}"
    session.line()
    session.line(("This is what Threadline recorded; it is shown again by", "plain"))
    session.line((f"  {program_name()} show {thread_id}{named}", "strong"))


def _talk() -> None:
    agent = Agent(chat_generator=MockChatGenerator(list(_SCRIPT)), tools=[_opening_hours()])
    history: list[ChatMessage] = []
    for question in _QUESTIONS:
        history = agent.run([*history, ChatMessage.from_user(question)])["messages"]


def _opening_hours() -> Tool:
    texts = {"place": {"type": "string"}, "day": {"type": "string"}}
    return Tool(
        name="opening_hours",
        description="Look up when a place is open.",
        parameters={"type": "object", "properties": texts, "required": list(texts)},
        function=_look_up,
    )


def _look_up(place: str, day: str) -> str:
    return f"The {place} is open on {day} from 10:00 to 18:00."
