"""What is said in the chat that is logged in two ways: with Freeplay's SDK, and by Threadline."""

from __future__ import annotations

from typing import Any

INSTRUCTION = "You know the weather."
MODEL = "gpt-4o-mini"
PROVIDER = "openai"
PARAMETERS = {"temperature": 0.2}
VERSION, ENVIRONMENT = "8a1c8c52-0a6d-4d5f-9a53-0f3f3a7f9b11", "production"
TEST_RUN, TEST_CASE = "2c1e6f0a-5a3e-4f5e-8f55-0d1c2b3a4f5e", "9f8e7d6c-5b4a-4938-8271-6a5b4c3d2e1f"
TEMPLATE = "Say in {tone} words: {question}"
VARIABLES = {"tone": "kind", "question": "Is it warm?"}
METADATA: dict[str, str | int | float | bool] = {
    "plan": "pro",
    "thread_id": "web-8841",
    "user_id": "u-17",
}
TURNS = ["Where does it rain?", "And in Oslo?"]
"""What an agent with tools is asked. Then a template is filled, without any history."""

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Say what the weather is like.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def call(ident: str, city: str) -> dict[str, Any]:
    """Return a tool call as OpenAI has it."""
    function = {"name": "weather", "arguments": f'{{"city":"{city}"}}'}
    return {"id": ident, "type": "function", "function": function}


REPLIES: list[dict[str, Any]] = [
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [call("call_1", "Paris"), call("call_2", "Rome")],
        "tokens": (31, 17),
    },
    {"role": "assistant", "content": "In Paris, not in Rome.", "tokens": (60, 9)},
    {"role": "assistant", "content": "I cannot tell.", "tokens": (72, 5)},
    {"role": "assistant", "content": "Quite.", "tokens": (12, 1)},
]
"""What the model says, each time that it is asked; `tokens` are those of prompt and answer."""


def weather(city: str) -> str:
    """Say what the weather is like."""
    return {"Paris": "rain", "Rome": "sun"}[city]
