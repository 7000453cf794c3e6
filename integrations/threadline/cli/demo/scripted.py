"""A model that knows its lines: it needs no account, no key and no network."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.callbacks import CallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool

NAME: Final = "scripted"

Line = tuple[str, tuple[tuple[str, dict[str, Any]], ...]]
"""What the model says, and the tools that it calls."""

_BOOKING: Final = ("book_seats", {"train": "NJ 427", "seats": 2, "name": "Ada Lovelace"})

SCRIPT: Final[tuple[tuple[Line, ...], ...]] = (
    (
        (
            "I'll look at both.",
            (("weather", {"city": "Nice"}), ("weather", {"city": "Lisbon"})),
        ),
        ("Go to Nice: it will be sunny and 24 °C there, while Lisbon gets showers and wind.", ()),
    ),
    (
        ("", (("find_trains", {"origin": "Paris", "destination": "Nice", "day": "Friday"}),)),
        (
            (
                "There are two. NJ 421 leaves at 20:52 and arrives at 08:37, for 79 € a seat. "
                "NJ 427 leaves at 22:10 and arrives at 10:05, for 59 €."
            ),
            (),
        ),
    ),
    (
        ("", (_BOOKING,)),
        ("The booking desk did not answer. I'll try once more.", (_BOOKING,)),
        (
            (
                "Done: two seats on NJ 427 on Friday for Ada Lovelace, 118 € in all. "
                "Your reference is TL-7Q4K."
            ),
            (),
        ),
    ),
    (
        (
            (
                "Be there by 21:50, since NJ 427 leaves at 22:10 on Friday. "
                "And yes, pack sunglasses: Nice will be sunny."
            ),
            (),
        ),
    ),
)


class ScriptedModel(BaseChatModel):
    """Says the next line of the script; which one that is, the messages so far tell.

    Its tokens are words.
    """

    model_name: str = NAME
    pace: float = 1.0

    @property
    def _llm_type(self) -> str:
        return NAME

    def bind_tools(
        self, tools: Sequence[BaseTool | Any], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Offer tools to the model."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        asked = [n for n, message in enumerate(messages) if isinstance(message, HumanMessage)]
        answered = sum(isinstance(message, AIMessage) for message in messages[asked[-1] :])
        text, calls = SCRIPT[len(asked) - 1][answered]
        threading.Event().wait(self.pace * (0.15 + 0.003 * len(text)))
        message = AIMessage(
            text,
            tool_calls=[
                ToolCall(type="tool_call", id=f"call_{len(messages)}_{n}", name=name, args=args)
                for n, (name, args) in enumerate(calls)
            ],
            response_metadata={
                "model_name": NAME,
                "finish_reason": "tool_calls" if calls else "stop",
            },
            usage_metadata=_counted(messages, text, calls),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])


def _counted(messages: list[BaseMessage], text: str, calls: Sequence[object]) -> Any:
    told = sum(len(message.text.split()) for message in messages)
    said = len(text.split()) + sum(len(str(call).split()) for call in calls)
    return {"input_tokens": told, "output_tokens": said, "total_tokens": told + said}
