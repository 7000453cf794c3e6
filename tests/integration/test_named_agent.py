"""An agent with a name: LangGraph names its messages only after the model has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain.agents import create_agent
from langchain_core.tools import tool
from tests.scenarios.langchain_fakes import ScriptedModel, Tape
from tests.scenarios.script import Call, Say

if TYPE_CHECKING:
    from threadline.testing.recorder import ThreadlineRecorder


@tool
def find_trains(origin: str, destination: str, day: str) -> str:
    """Find trains."""
    return f"{origin} to {destination} on {day}: 21:04"


def test_a_named_agents_answers_and_tools_are_there_once(
    threadline_recorder: ThreadlineRecorder,
) -> None:
    """The name changes neither how often a message is stored nor how often a tool is observed."""
    asked = {"origin": "Oslo", "destination": "Bergen", "day": "Friday"}
    call = Call("find_trains", "c1", asked)
    tape = Tape([Say("Let me look.", (call,)), Say("At 21:04.")])
    model = ScriptedModel(model_name="scripted", tape=tape)
    agent = create_agent(model, [find_trains], name="travel_agent")
    question = {"messages": [("user", "When?")]}
    agent.invoke(question, threadline_recorder.config(thread_id="t"))

    [turn] = threadline_recorder.turns
    assert [message.text for message in turn.messages if message.role == "assistant"] == [
        "Let me look.",
        "At 21:04.",
    ]
    [observation] = turn.tool_observations
    assert list(observation.arguments) == ["origin", "destination", "day"]
    said = {message.id for message in turn.messages}
    assert {m.id for c in turn.llm_calls for m in c.output_messages} <= said
