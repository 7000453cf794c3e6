"""What each operation of Haystack becomes: one reader for each kind of span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from threadline.haystack import names
from threadline.haystack.agents import AgentRuns, Steps, StepTools
from threadline.haystack.approvals import Hooks, Strategies
from threadline.haystack.components import ComponentRuns
from threadline.haystack.model_calls import InnerCalls, StepCalls
from threadline.haystack.pipelines import PipelineRuns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.haystack.answers import Answers
    from threadline.haystack.runs import LiveRun


class Family(Protocol):
    """Reads the spans of one operation."""

    def begin(self, run: LiveRun, tags: Mapping[str, Any]) -> None:
        """A span was opened; `tags` are those that it opened with."""
        ...

    def hear(self, run: LiveRun, key: str, value: Any) -> None:
        """A tag was set."""
        ...

    def end(self, run: LiveRun, at_ns: int, error: BaseException | None) -> None:
        """The span was left."""
        ...


def families(answers: Answers) -> Mapping[str, Family]:
    """Return the readers by the name of their operation."""
    return {
        names.PIPELINE: PipelineRuns(answers),
        names.COMPONENT: ComponentRuns(answers),
        names.AGENT: AgentRuns(answers),
        names.STEP: Steps(),
        names.STEP_LLM: StepCalls(answers),
        names.STEP_TOOL: StepTools(),
        names.HOOK: Hooks(),
        names.STRATEGY: Strategies(),
        names.INNER_MODEL: InnerCalls(answers),
    }


HEARD: Final = frozenset(
    {
        names.PIPELINE_OUTPUT,
        names.COMPONENT_INPUT,
        names.COMPONENT_OUTPUT,
        names.AGENT_INPUT,
        names.AGENT_OUTPUT,
        names.STEP_LLM_INPUT,
        names.STEP_LLM_OUTPUT,
        names.STEP_TOOL_INPUT,
        names.STEP_TOOL_OUTPUT,
        names.STRATEGY_OUTPUT,
        names.STRATEGY_DECISION,
        names.TOOL_ERROR,
    }
)
"""Tags that are read; all others are dropped on arrival: some are big, and made for every run."""
