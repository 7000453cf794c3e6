"""The demo's small world: what the weather is like, which trains run, and a desk that books."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypedDict

from langchain.agents.middleware import wrap_tool_call
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from langchain_core.tools import BaseTool
    from langgraph.prebuilt.tool_node import ToolCallRequest
    from langgraph.types import Command

INSTRUCTIONS: Final = (
    "You help people to travel by night train. Use the tools; never guess what they can tell. "
    "If a tool fails, try it once more. Answer in one or two sentences of plain text."
)

QUESTIONS: Final = (
    "It is grey in Paris. How is the weather in Nice and in Lisbon this weekend?",
    "Nice, then! Which night trains from Paris are there on Friday?",
    "Two seats on the later one, please. The name is Ada Lovelace.",
    "When do I have to be at the station, and shall I pack sunglasses?",
)


class Train(TypedDict):
    """A night train."""

    train: str
    leaves: str
    arrives: str
    euros: int


_WEATHER: Final = {
    "Nice": "sunny, 24 °C, light wind",
    "Lisbon": "showers, 17 °C, strong wind",
    "Paris": "grey, 9 °C, drizzle",
    "Vienna": "snow, -2 °C, calm",
}
_TRAINS: Final[dict[tuple[str, str], list[Train]]] = {
    ("Paris", "Nice"): [
        {"train": "NJ 421", "leaves": "20:52", "arrives": "08:37", "euros": 79},
        {"train": "NJ 427", "leaves": "22:10", "arrives": "10:05", "euros": 59},
    ],
    ("Paris", "Vienna"): [
        {"train": "NJ 469", "leaves": "19:12", "arrives": "10:10", "euros": 89},
    ],
}


def travel_tools(*, pace: float = 1.0) -> list[BaseTool]:
    """Make the agent's tools; the desk that books fails the first time it is asked.

    Args:
        pace: How long they take; 0 for no time at all.
    """

    @tool
    def weather(city: str) -> str:
        """Say what the weather will be like in a city this weekend."""
        _take(pace * (0.12 + 0.02 * len(city)))
        return _WEATHER.get(_plain(city), "no forecast for this city")

    @tool
    def find_trains(origin: str, destination: str, day: str) -> list[Train]:
        """List the night trains between two cities on a day of the week."""
        _take(pace * 0.18)
        return _TRAINS.get((_plain(origin), _plain(destination)), []) if day else []

    return [weather, find_trains, _booking_desk(pace)]


def _booking_desk(pace: float) -> BaseTool:
    asked: list[str] = []

    @tool
    def book_seats(train: str, seats: int, name: str) -> dict[str, str]:
        """Book seats on a train for a passenger; returns the reference of the booking."""
        asked.append(train)
        if len(asked) == 1:
            _take(pace * 0.4)
            message = "the booking desk did not answer within 2 s"
            raise TimeoutError(message)
        _take(pace * 0.25)
        total = _euros(train) * seats
        return {"reference": "TL-7Q4K", "seats": f"{seats} for {name}", "price": f"{total} €"}

    return book_seats


def _take(seconds: float) -> None:
    threading.Event().wait(seconds)  # nobody sets it: it only takes its time


def _plain(city: str) -> str:
    """Read a city as models write it, such as "nice, France"."""
    return city.partition(",")[0].strip().title()


def _euros(name: str) -> int:
    for train in (train for trains in _TRAINS.values() for train in trains):
        if train["train"] == name.strip():
            return train["euros"]
    message = f"there is no train {name!r}"
    raise LookupError(message)


@wrap_tool_call
def tell_the_model_what_failed(
    request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
) -> ToolMessage | Command[Any]:
    """Answer the model's call with what went wrong, so that it can do something about it."""
    try:
        return handler(request)
    except (TimeoutError, LookupError) as error:
        content = f"{type(error).__name__}: {error}"
        return ToolMessage(content, tool_call_id=request.tool_call["id"], status="error")
