"""The same chat as a LangChain agent, recorded by the callback handler and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import StructuredTool
from tests.freeplay.chat import (
    ENVIRONMENT,
    INSTRUCTION,
    METADATA,
    MODEL,
    PARAMETERS,
    PROVIDER,
    REPLIES,
    TEMPLATE,
    TEST_CASE,
    TEST_RUN,
    TOOLS,
    TURNS,
    VARIABLES,
    VERSION,
    weather,
)

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator


class ScriptedOpenAI(BaseChatModel):
    """A model that says what is to be said, and tells of itself what ChatOpenAI tells."""

    replies: Any

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    def _get_ls_params(self, *args: Any, **kwargs: Any) -> Any:
        return {"ls_provider": PROVIDER, "ls_model_name": MODEL, "ls_model_type": "chat"}

    def _get_invocation_params(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return PARAMETERS | kwargs

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=TOOLS)

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_message(next(self.replies)))])


def have_chat(client: threadline.Client) -> None:
    """Have the whole conversation, then say what the user thinks of it."""
    replies: Iterator[dict[str, Any]] = iter(REPLIES)
    tools = [StructuredTool.from_function(weather)]
    model = ScriptedOpenAI(replies=replies)
    agent = create_agent(model, tools, system_prompt=INSTRUCTION, name="weather_agent")
    handler = ThreadlineCallbackHandler(client=client)
    thread_id, user_id = str(METADATA["thread_id"]), str(METADATA["user_id"])
    said: list[Any] = []
    with threadline.conversation(
        thread_id, user_id=user_id, metadata={"plan": "pro"}, client=client
    ) as scope:
        for question in TURNS:
            state = agent.invoke(
                {"messages": [*said, ("user", question)]},
                config={"callbacks": [handler], "metadata": {"channel": "web"}},
            )
            said = state["messages"]
        version = {"prompt_version": VERSION, "prompt_environment": ENVIRONMENT}
        test = {"freeplay.test_run.id": TEST_RUN, "freeplay.test_case.id": TEST_CASE}
        prompted = ChatPromptTemplate.from_messages([("human", TEMPLATE)]) | model
        prompted.invoke(
            VARIABLES,
            config={
                "callbacks": [handler],
                "metadata": {"channel": "web", **version, **test},
                "run_name": "prompted",
            },
        )
        first, second, _ = scope.turn_ids
    threadline.rate(1, turn_id=first, client=client)
    threadline.feedback("It did not help", thread_id=thread_id, client=client)
    client.store_recorded()
    asked = threadline.open(client.settings.store).turn(second)
    assert asked is not None
    threadline.rate(-1, message_id=asked.messages[-1].id, comment="too short", client=client)


def _message(reply: dict[str, Any]) -> AIMessage:
    read, written = reply["tokens"]
    return AIMessage(
        reply["content"] or "",
        tool_calls=[
            {
                "id": call["id"],
                "name": call["function"]["name"],
                "args": json.loads(call["function"]["arguments"]),
            }
            for call in reply.get("tool_calls", ())
        ],
        usage_metadata={
            "input_tokens": read,
            "output_tokens": written,
            "total_tokens": read + written,
        },
    )
