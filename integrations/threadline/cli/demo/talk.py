"""One turn of the demo on the screen, while it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import AIMessage, ToolMessage

from threadline.cli.paint import tone_sign
from threadline.render.cells import cut, padded, wrapped
from threadline.render.printable import one_line, printable
from threadline.render.values import call_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langchain_core.messages import BaseMessage

    from threadline.cli.session import Session
    from threadline.render.entries import Tone

_MARGIN: Final = len("assistant  ")
_READABLE: Final = 100
_LONG: Final = 1000


def reading_width(session: Session) -> int:
    """Return how wide text is written, so that it reads well on a wide screen too."""
    return min(session.width, _READABLE)


class Talk:
    """Draws a turn step by step, as the agent's graph reports them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._width = max(20, reading_width(session) - _MARGIN)
        self._calls: dict[str, str] = {}

    def asked(self, question: str) -> None:
        """Draw what the user says."""
        self._session.line()
        self._say("user", question)

    def went_on(self, step: Mapping[str, Any]) -> None:
        """Draw what one step of the graph has produced."""
        for message in _messages_of(step):
            if isinstance(message, ToolMessage):
                self._draw_result(message)
            elif isinstance(message, AIMessage):
                for call in message.tool_calls:
                    self._calls[str(call["id"])] = call_text(call["name"], call["args"])
                if message.text:
                    self._say("assistant", message.text)

    def gave_up(self, steps: int) -> None:
        """Draw that the turn came to no end."""
        self._margin("warn", f"! no answer after {steps} steps; the demo goes on")

    def _say(self, role: str, text: str) -> None:
        who = padded(role, width=_MARGIN)
        for line in wrapped(printable(text), width=self._width):
            self._session.line((who, role), (line, "plain"))
            who = " " * _MARGIN

    def _draw_result(self, message: ToolMessage) -> None:
        tone: Tone = "bad" if message.status == "error" else "good"
        call = self._calls.get(message.tool_call_id) or f"{message.name}()"
        result = one_line(message.text, width=_LONG)
        self._margin("tool", f"{tone_sign(tone)} {call}", sign=tone)
        self._margin("bad" if tone == "bad" else "dim", f"  {result}")

    def _margin(self, style: str, text: str, sign: Tone | None = None) -> None:
        shown = cut(text, width=self._width)
        head = 1 if sign else 0
        self._session.line(
            (" " * _MARGIN, "plain"), (shown[:head], sign or style), (shown[head:], style)
        )


def _messages_of(step: Mapping[str, Any]) -> Iterator[BaseMessage]:
    for update in step.values():
        changed: Mapping[str, Any] = update or {}
        yield from changed.get("messages", ())
