"""Agents of Haystack: how each shape of scenario is built and called."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from haystack.components.agents import Agent
from haystack.components.agents.state import State
from haystack.components.generators.chat import FallbackChatGenerator
from haystack.dataclasses import ChatMessage, ChatRole
from haystack.hooks import hook
from haystack.tools import Tool, create_tool_from_function, tool
from tests.scenarios.langchain_fakes import hang

import threadline

if TYPE_CHECKING:
    from tests.scenarios.haystack_stage import Stage


def agent(stage: "Stage") -> None:
    """An agent whose caller holds the messages of a conversation that it names."""
    _ask(stage, _one_agent(stage))


def agent_in_a_pipeline(stage: "Stage") -> None:
    """The same agent as a component."""
    app = stage.pipeline(agent=_one_agent(stage))
    history: list[ChatMessage] = []
    for ask in stage.scenario.asks:
        given = {"messages": [*history, ChatMessage.from_user(ask.text)]}
        result = stage.call(app, {"agent": given}, ask)
        history = [] if result is None else result["agent"]["messages"]


def _one_agent(stage: "Stage") -> Agent:
    return Agent(
        chat_generator=stage.model(),
        tools=stage.tools,
        system_prompt="Help.",
        raise_on_tool_invocation_failure=any(ask.raises for ask in stage.scenario.asks),
    )


def _ask(stage: "Stage", app: Agent) -> None:
    history: list[ChatMessage] = []
    for ask in stage.scenario.asks:
        given = {"messages": [*history, ChatMessage.from_user(ask.text)]}
        result = stage.call(app, given, ask)
        history = [] if result is None else result["messages"]


def agent_with_a_sub_agent(stage: "Stage") -> None:
    """An agent with a tool that is another agent, which has a tool of its own."""

    @tool
    def look_up(word: Annotated[str, "a word"]) -> str:
        """Look up a word."""
        return f"{word}: a hot drink"

    inner = Agent(chat_generator=stage.model("inner"), tools=[look_up], system_prompt="Research.")

    @tool
    def research(topic: Annotated[str, "a topic"]) -> str:
        """Find out about a topic."""
        found = inner.run([ChatMessage.from_user(f"Research {topic}")])
        return str(found["last_message"].text)

    stage.tools = [research]
    agent(stage)


def agents_in_a_row(stage: "Stage") -> None:
    """A pipeline of two agents."""
    app = stage.pipeline(
        (("writer.messages", "critic.messages"),),
        writer=Agent(chat_generator=stage.model("writer")),
        critic=Agent(chat_generator=stage.model("critic")),
    )
    history: list[ChatMessage] = []
    for ask in stage.scenario.asks:
        given = {"messages": [*history, ChatMessage.from_user(ask.text)]}
        history = stage.call(app, {"writer": given}, ask)["critic"]["messages"]


def agent_that_falls_back(stage: "Stage") -> None:
    """An agent with another model for when the first one fails."""
    both = FallbackChatGenerator([stage.model(), stage.model("second")])
    _ask(stage, Agent(chat_generator=both))


def agent_with_words_of_its_own(stage: "Stage") -> None:
    """A hook that puts its own words in place of what the model said."""

    @hook
    def say(state: State) -> None:
        messages = list(state.data["messages"])
        messages[-1] = ChatMessage.from_assistant(f"Bot: {messages[-1].text}")
        state.set("messages", messages, handler_override=_in_its_place)

    _ask(stage, Agent(chat_generator=stage.model(), hooks={"after_run": [say]}))


def agent_with_a_slow_tool(stage: "Stage") -> None:
    """An agent whose tool never returns."""

    async def wait() -> str:
        """Wait."""
        await hang()
        return "never"

    _ask(stage, Agent(chat_generator=stage.model(), tools=[create_tool_from_function(wait)]))


def agent_in_a_turn(stage: "Stage") -> None:
    """An agent inside a turn whose input and output the application gives."""
    app = Agent(chat_generator=stage.model(), tools=stage.tools)
    for ask in stage.scenario.asks:
        with threadline.turn(thread_id=ask.thread, input=ask.text, client=stage.client) as turn:
            given = {"messages": [ChatMessage.from_user(f"Please: {ask.text}")]}
            stage.call(app, given, ask, named=False)
            turn.output = "Three!"


def agent_that_retries(stage: "Stage") -> None:
    """An agent whose tool works at the third attempt, and tries by itself."""
    attempts: list[int] = []

    def flaky() -> str:
        """Do what fails at first."""
        attempts.append(1)
        return flaky() if len(attempts) < _ENOUGH else "worked"

    stage.tools = [create_tool_from_function(flaky)]
    agent(stage)


_ENOUGH = 3


def agent_that_rewrites(stage: "Stage") -> None:
    """An agent whose hook hides numbers before the model sees them."""

    @hook
    def hide(state: State) -> None:
        messages = [
            ChatMessage.from_user(re.sub(r"\d+", "****", one.text or ""))
            if one.is_from(ChatRole.USER) and re.search(r"\d", one.text or "")
            else one
            for one in state.data["messages"]
        ]
        state.set("messages", messages, handler_override=_in_its_place)

    _ask(stage, Agent(chat_generator=stage.model(), hooks={"before_run": [hide]}))


def summarising_agent(stage: "Stage") -> None:
    """An agent whose hook replaces old messages by a summary."""
    summariser = stage.model("summariser")

    @hook
    def shorten(state: State) -> None:
        messages = state.data["messages"]
        if len(messages) >= _LONG:
            told = ChatMessage.from_user(f"Sum up: {messages[0].text}")
            [reply] = summariser.run([told])["replies"]
            summary = ChatMessage.from_user(f"Until now: {reply.text}")
            state.set("messages", [summary, *messages[-2:]], handler_override=_in_its_place)

    _ask(stage, Agent(chat_generator=stage.model(), hooks={"before_llm": [shorten]}))


_LONG = 5


def _in_its_place(_: Any, new: Any) -> Any:
    return new


def structured_agent(stage: "Stage") -> None:
    """An agent that answers in a schema, by calling a tool named after it, and ends with that."""

    def place(city: Annotated[str, "its name"]) -> dict[str, str]:
        """Say where it is."""
        return {"city": city}

    answer = create_tool_from_function(
        place,
        name="Place",
        outputs_to_state={"structured_response": {"handler": _in_its_place}},
        outputs_to_string={"handler": lambda found: f"Returning structured response: {found}"},
    )
    schema = {"structured_response": {"type": dict}}
    model = stage.model()
    _ask(
        stage,
        Agent(chat_generator=model, tools=[answer], exit_conditions=["Place"], state_schema=schema),
    )


def supervisor(stage: "Stage") -> None:
    """An agent whose tool is an agent."""
    maths = Agent(chat_generator=stage.model("maths"))
    task = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}

    def ask_maths(task: str) -> str:
        messages = [ChatMessage.from_user(task)]
        return str(maths.run(messages)["last_message"].text)

    tool = Tool("ask_maths", "Ask somebody who can count.", task, ask_maths)
    _ask(stage, Agent(chat_generator=stage.model("boss"), tools=[tool]))


SHAPES: dict[str, Any] = {
    "agent that retries": agent_that_retries,
    "agent that rewrites": agent_that_rewrites,
    "summarising agent": summarising_agent,
    "structured agent": structured_agent,
    "supervisor": supervisor,
    "agent": agent,
    "agent that handles errors": agent,
    "held agent": agent,
    "attached agent": agent,
    "agent with a sub-agent": agent_with_a_sub_agent,
    "agents in a row": agents_in_a_row,
    "agent that falls back": agent_that_falls_back,
    "graph with words of its own": agent_with_words_of_its_own,
    "agent with a slow tool": agent_with_a_slow_tool,
    "agent in a turn": agent_in_a_turn,
}

AS_COMPONENTS: dict[str, Any] = dict.fromkeys(
    ("agent", "agent that handles errors", "held agent", "attached agent"), agent_in_a_pipeline
)
"""What is played a second time with the agent inside a pipeline."""
