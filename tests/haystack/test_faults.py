"""Whatever fails in the tracer, the pipeline does not notice, and the loss is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from haystack.components.agents import Agent
from haystack.components.generators.chat import FallbackChatGenerator, MockChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.hooks.human_in_the_loop import ConfirmationUIResult
from tests.haystack.applications import RAG_INPUT, agent, ask, rag, reviewed_agent
from tests.scenarios.haystack_first_version import IS_FIRST

import threadline
from haystack_integrations.components.connectors.threadline import ThreadlineConnector
from threadline.capture import recorder
from threadline.capture.guard import hook_failures
from threadline.haystack import (
    agents,
    approvals,
    attaching,
    components,
    connecting,
    families,
    model_calls,
    pipelines,
    runs,
    tracer,
)

if TYPE_CHECKING:
    from threadline import Client

_PLACES: list[tuple[Any, str]] = [
    (tracer, "now_ns"),
    (tracer, "open_root"),
    (tracer, "open_child"),
    (tracer, "_run_above"),
    (tracer, "_live_span"),
    (pipelines.PipelineRuns, "begin"),
    (pipelines.PipelineRuns, "hear"),
    (pipelines.PipelineRuns, "end"),
    (components.ComponentRuns, "begin"),
    (components.ComponentRuns, "hear"),
    (components.ComponentRuns, "end"),
    (agents.AgentRuns, "begin"),
    (agents.AgentRuns, "hear"),
    (agents.AgentRuns, "end"),
    (agents.Steps, "begin"),
    (agents.Steps, "end"),
    (agents.StepTools, "begin"),
    (agents.StepTools, "hear"),
    (agents.StepTools, "end"),
    (model_calls.StepCalls, "begin"),
    (model_calls.StepCalls, "hear"),
    (model_calls.StepCalls, "end"),
    (model_calls.InnerCalls, "begin"),
    (model_calls.InnerCalls, "hear"),
    (model_calls.InnerCalls, "end"),
    (approvals.Hooks, "begin"),
    (approvals.Hooks, "end"),
    (approvals.Strategies, "begin"),
    (approvals.Strategies, "hear"),
    (approvals.Strategies, "end"),
    (connecting, "attach"),
    (connecting, "announce"),
    (connecting, "current_run"),
    (runs.LiveRun, "become_plumbing"),
    (recorder.Recorder, "draft"),
    (recorder.Recorder, "hand_over"),
]

# Haystack 3.0 tells a pipeline's output at the start, and nothing of hooks and inner calls.
_UNTOLD_AT_FIRST = (approvals.Hooks, approvals.Strategies, model_calls.InnerCalls)


def _is_unused(owner: Any, name: str) -> bool:
    return IS_FIRST and (
        owner in _UNTOLD_AT_FIRST or (owner, name) == (pipelines.PipelineRuns, "hear")
    )


def _work() -> list[str]:
    """Run agents and pipelines of every kind; return their answers."""
    connected = rag()
    connected.add_component("helper", agent())
    connected.add_component("threadline", ThreadlineConnector())
    asked = {"messages": [ChatMessage.from_user("1+2?")]}
    result = connected.run({**RAG_INPUT, "helper": asked, "threadline": {"thread_id": "t-1"}})
    falling_back = FallbackChatGenerator([MockChatGenerator("Yes.")])
    return [
        result["llm"]["replies"][0].text,
        result["helper"]["last_message"].text,
        ask(agent()),
        ask(reviewed_agent(ConfirmationUIResult("confirm"))),
        ask(Agent(chat_generator=falling_back)),
    ]


_ANSWERS = ["Jean does.", "It is 3.", "It is 3.", "It is 3.", "Yes."]


class _Fault(Exception):  # noqa: N818 (not an error of ours)
    """What the tests put into our code."""


@pytest.mark.parametrize(
    ("owner", "name"), [pytest.param(o, n, id=f"{o.__name__}.{n}") for o, n in _PLACES]
)
def test_a_fault_in_the_tracer_changes_no_result(
    owner: Any, name: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agent and pipeline return what they return without a tracer, whichever method fails."""
    before = hook_failures.losses.total
    with monkeypatch.context() as broken:

        def fail(*args: Any, **kwargs: Any) -> Any:
            fired.append(1)
            raise _Fault

        fired: list[int] = []
        broken.setattr(owner, name, fail)
        assert _work() == _ANSWERS
    if fired:
        assert hook_failures.losses.total > before
    else:
        assert _is_unused(owner, name)
    assert ask(agent(), "And again?") == "It is 3."
    assert client.reader().turns()[0].input == "And again?"


def test_what_the_tracer_lost_is_added_to_what_the_client_lost(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Haystack's hooks belong to no client; a client's own losses hide none of theirs."""

    class Wordless:
        def __str__(self) -> str:
            raise _Fault

    with threadline.turn(thread_id="t-1", input=Wordless()):
        pass
    monkeypatch.setattr(pipelines.PipelineRuns, "begin", None)
    rag().run(RAG_INPUT)
    assert (client.losses.total, hook_failures.losses.total) == (1, 1)
    assert list(client.flush().dropped.values()) == [2]


def test_no_test_reports_to_anybody() -> None:
    """Haystack's own telemetry is off, however the tests were started."""
    from haystack.telemetry import _telemetry

    assert _telemetry.telemetry is None


@pytest.mark.parametrize("name", ["set_tag", "set_content_tag"])
def test_hostile_values_change_no_result(name: str, client: Client) -> None:
    """A tag whose value fails at every touch is lost, and nothing else."""
    from haystack.tracing.tracer import tracer as holder

    class Hostile(dict[str, Any]):
        def get(self, *args: Any) -> Any:
            raise _Fault

        def items(self) -> Any:
            raise _Fault

    for operation in families.families(tracer.Answers()):
        with holder.trace(operation, tags=Hostile()) as span:
            for key in families.HEARD:
                getattr(span, name)(key, Hostile())
                getattr(span, name)(key=key, value=object())


def test_the_tracer_beside_may_fail_as_it_would_without_us(client: Client) -> None:
    """What another tracer raises is its own affair: it is not swallowed, and our span ends."""

    class Failing(attaching.NullTracer):
        def trace(self, *args: Any, **kwargs: Any) -> Any:
            raise _Fault

    from haystack.tracing.tracer import enable_tracing

    enable_tracing(Failing())
    with pytest.raises(_Fault):
        ask(agent())
    assert client.flush().pending == 0
