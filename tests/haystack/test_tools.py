"""Tools of every kind that comes with Haystack, and of servers: each is observed the same.

Annotations are not postponed: Haystack 3.0 could not read those of tools.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import haystack.tools
import pytest
from haystack import Pipeline, component
from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.skill_stores.file_system import FileSystemSkillStore
from haystack.tools import (
    ComponentTool,
    PipelineTool,
    SearchableToolset,
    Tool,
    Toolset,
    create_tool_from_function,
    tool,
)
from haystack.tools.skills import SkillToolset
from haystack_integrations.tools.mcp import MCPTool, MCPToolset, StdioServerInfo
from tests.haystack.applications import ask
from tests.scenarios.haystack_first_version import IS_FIRST

import threadline
from threadline import Client
from threadline.model import Turn

_ANSWER = "rain in Oslo"
_AGENT_TOOL: Any = getattr(haystack.tools, "AgentTool", ComponentTool)  # 3.0 has no such class
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_SERVER = StdioServerInfo(
    command=sys.executable, args=[str(Path(__file__).with_name("mcp_server.py"))]
)


def forecast(city: Annotated[str, "a city"]) -> str:
    """Say what the weather is like in a city."""
    return f"rain in {city}"


@component
class Forecast:
    """Says what the weather is like in a city."""

    @component.output_types(said=str)
    def run(self, city: str) -> dict[str, Any]:
        return {"said": f"rain in {city}"}


def _of_a_component() -> Any:
    return ComponentTool(
        Forecast(), name="forecast", outputs_to_string={"source": "said"}, description="Weather."
    )


def _of_a_pipeline() -> Any:
    pipeline = Pipeline()
    pipeline.add_component("forecast", Forecast())
    return PipelineTool(
        pipeline,
        name="forecast",
        description="Weather.",
        input_mapping={"city": ["forecast.city"]},
        output_mapping={"forecast.said": "said"},
        outputs_to_string={"source": "said"},
    )


_KINDS: dict[str, Callable[[], Any]] = {
    "Tool": lambda: [Tool("forecast", "Weather.", _SCHEMA, forecast)],
    "tool": lambda: [tool(forecast)],
    "create_tool_from_function": lambda: [create_tool_from_function(forecast)],
    "ComponentTool": lambda: [_of_a_component()],
    "PipelineTool": lambda: [_of_a_pipeline()],
    "Toolset": lambda: Toolset([create_tool_from_function(forecast)]),
    "MCPTool": lambda: [MCPTool(name="forecast", server_info=_SERVER)],
    "MCPToolset": lambda: MCPToolset(_SERVER, eager_connect=True),
}
"""What an agent can be given that has one tool named `forecast`."""

_SHOWN_ELSEWHERE = {
    "AgentTool": "an agent that is a tool speaks in spans of its own",
    "SearchableToolset": "its tools are looked for first",
    "SkillToolset": "its tools read texts",
}


def test_every_kind_of_tool_is_shown() -> None:
    """Whatever Haystack calls a tool is played by a test of this file."""
    public = {name: getattr(haystack.tools, name) for name in haystack.tools.__all__}
    kinds = {n for n, c in public.items() if isinstance(c, type) and issubclass(c, (Tool, Toolset))}
    assert kinds >= {"Tool", "Toolset"}
    assert kinds - _KINDS.keys() - _SHOWN_ELSEWHERE.keys() == set()


def _agent(tools: Any, *calls: ToolCall) -> Agent:
    asked = [ChatMessage.from_assistant("Let me see.", tool_calls=[call]) for call in calls]
    return Agent(chat_generator=MockChatGenerator([*asked, "It rains."]), tools=tools)


def _turn(client: Client, tools: Any, *calls: ToolCall) -> Turn:
    helper = _agent(tools, *calls)
    with threadline.conversation("t-1"):
        assert ask(helper, "Oslo?") == "It rains."
    for one in tools:
        if hasattr(one, "close"):
            one.close()
    if hasattr(tools, "close"):
        tools.close()
    [turn] = client.reader().turns(kind=None)
    return turn


@pytest.mark.parametrize("kind", _KINDS)
def test_a_tool_of_any_kind_is_observed_the_same(kind: str, client: Client) -> None:
    """Call, arguments, result and thought; one message of the tool; offered by its name."""
    turn = _turn(client, _KINDS[kind](), ToolCall("forecast", {"city": "Oslo"}, "call-1"))
    assert [message.role for message in turn.messages] == ["user", "assistant", "tool", "assistant"]
    [observation] = turn.tool_observations
    assert (observation.name, observation.arguments) == ("forecast", {"city": "Oslo"})
    assert (observation.outcome, observation.call_id) == ("ok", "call-1")
    assert observation.thought == "Let me see."
    assert _ANSWER in str(observation.result)
    assert _ANSWER in turn.messages[2].text
    assert _offered(turn) == [["forecast"], ["forecast"]]


def _offered(turn: Turn) -> list[list[str]]:
    """The names of the tools that each model call was offered, in their order."""
    return [sorted(one["name"] for one in call.tools) for call in turn.llm_calls]


def test_tools_that_are_looked_for_are_offered_when_they_were_found(client: Client) -> None:
    """The search is a tool like any other; what it found is offered to the next model call."""
    others = [
        create_tool_from_function(forecast, name=name, description=f"About {name}.")
        for name in ("forecast", "tides")
    ]
    turn = _turn(
        client,
        SearchableToolset(others, search_threshold=1, top_k=1),
        ToolCall("search_tools", {"tool_keywords": "forecast"}, "call-1"),
        ToolCall("forecast", {"city": "Oslo"}, "call-2"),
    )
    observed = [(one.name, one.outcome, one.call_id) for one in turn.tool_observations]
    assert observed == [("search_tools", "ok", "call-1"), ("forecast", "ok", "call-2")]
    found = ["forecast", "search_tools"]
    assert _offered(turn) == [["search_tools"], found, found]


def test_a_skill_that_is_loaded_is_a_tools_result(client: Client, tmp_path: Path) -> None:
    """What a skill tells the model is the tool's message, not anybody's words."""
    (tmp_path / "weather").mkdir()
    skill = "---\nname: weather\ndescription: About the weather.\n---\nLook out of the window.\n"
    (tmp_path / "weather" / "SKILL.md").write_text(skill)
    skills = SkillToolset(FileSystemSkillStore(str(tmp_path)))
    turn = _turn(client, skills, ToolCall("load_skill", {"name": "weather"}, "call-1"))
    [observation] = turn.tool_observations
    assert (observation.name, observation.outcome) == ("load_skill", "ok")
    assert "Look out of the window." in turn.messages[2].text


def test_an_agent_tool_speaks_in_spans_only(client: Client) -> None:
    """Its task is the call's arguments, its last words are the result, the rest is spans."""
    inner = Agent(chat_generator=MockChatGenerator("rain in Oslo"))
    tools = [_AGENT_TOOL(inner, name="forecast", description="Weather.")]
    asked = {"messages": [{"role": "user", "content": [{"text": "Oslo?"}]}]}
    turn = _turn(client, tools, ToolCall("forecast", asked, "call-1"))
    assert [message.role for message in turn.messages] == ["user", "assistant", "tool", "assistant"]
    [observation] = turn.tool_observations
    assert observation.outcome == "ok"
    # 3.0 shows a tracer all that the agent returned, as one text
    assert _ANSWER in observation.result if IS_FIRST else observation.result == _ANSWER
    assert len(turn.llm_calls) == 3


def test_a_servers_tool_that_fails_is_told_by_its_error(client: Client) -> None:
    """What goes wrong at a server of the Model Context Protocol is the observation's outcome."""
    tools = [MCPTool(name="forecast", server_info=_SERVER)]
    turn = _turn(client, tools, ToolCall("forecast", {"city": "Atlantis"}, "call-1"))
    [observation] = turn.tool_observations
    assert (observation.outcome, observation.call_id) == ("error", "call-1")
    assert observation.error is not None
    assert "Error executing tool forecast" in turn.messages[2].text
