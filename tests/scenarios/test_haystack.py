"""Every scenario that Haystack has the means for, driven through it: the same conversations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenarios import (
    haystack_agents,
    haystack_histories,
    haystack_loops,
    haystack_pipelines,
    haystack_scopes,
)
from tests.scenarios.checking import check, span_trees
from tests.scenarios.haystack_agent_spans import AGENT_TREES, TOLD_SINCE_3_1
from tests.scenarios.haystack_first_version import IS_FIRST
from tests.scenarios.haystack_left_out import NO_MEANS, UNHEARD
from tests.scenarios.haystack_spans import PIPELINE_TREES
from tests.scenarios.haystack_stage import WAYS, Stage
from tests.scenarios.scenarios import SCENARIOS
from tests.scenarios.script import Starts

import threadline.haystack
from threadline import Client
from threadline.client.defaults import serving_as_default

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.script import Chat, Scenario

_SHAPES = {
    **haystack_pipelines.SHAPES,
    **haystack_agents.SHAPES,
    **haystack_loops.SHAPES,
    **haystack_histories.SHAPES,
    **haystack_scopes.SHAPES,
}

_TREES = {**PIPELINE_TREES, **AGENT_TREES}
_MANY = 10
# Calls without a span of their own: attempts, of which the generator that falls back speaks, and
# calls of a generator in the application's own code.
_UNTOLD = {
    "fallback": 1,
    "fallback in a chain": 1,
    "model that middleware tries again": 1,
    "summarising middleware": 1,
}
# No list of messages outlives a pipeline that fails: nobody got what its model said last.
_NOT_GOT = {"recursion limit": "c"}
# What the model is told where no tool could answer is in each framework's own words.
_WORDS = {
    "Error: no such place": "Failed to invoke Tool `weather` with parameters",
    "Error invoking tool 'add' with kwargs {'a': 'one'}": "Failed to invoke Tool `add`",
    "ValidationError: ": "TypeError: add() missing",
    "one ": "one ",  # a stream may be a chunk ahead of whoever leaves it
    "Error: multiply is not a valid tool": "Tool 'multiply' not found. Available tools: add",
}
_CASES = [
    pytest.param(scenario, way, id=f"{scenario.name}-{way}".replace(" ", "_"))
    for scenario in SCENARIOS
    if scenario.shape in _SHAPES
    for way in scenario.ways
    if way in WAYS and (scenario.name, way) not in UNHEARD
]


def _scenario_of(case: Any) -> Scenario:
    return case.values[0]


def test_what_is_not_played_is_left_out_by_name() -> None:
    """A shape of the list is played, or the list of those that cannot be says why."""
    shapes = {scenario.shape for scenario in SCENARIOS}
    assert shapes - set(_SHAPES) == NO_MEANS.keys()
    assert {(one.name, way) for one in SCENARIOS for way in one.ways} >= UNHEARD
    played = map(_scenario_of, _CASES)
    # of the others nobody would read so many turns
    few = {one.name for one in played if sum(len(chat.turns) for chat in one.chats) < _MANY}
    assert few == _TREES.keys()
    ways = {way for s in SCENARIOS if s.shape in _SHAPES for way in s.ways}
    assert ways - set(WAYS) == {"close"}, "closing a synchronous stream early, which it has not"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(store=tmp_path / "store.db", min_free_bytes=0)
    with serving_as_default(client):
        threadline.haystack.attach()
        yield client
        threadline.haystack.detach()
    client.close()


@pytest.mark.parametrize(("scenario", "way"), _CASES)
def test_a_scenario_is_recorded_as_through_langchain(
    scenario: Scenario, way: str, client: Client
) -> None:
    """Transcript, tool observations, endings and model calls are what the scenario says."""
    turns = _played(scenario, way, client, _SHAPES[scenario.shape])
    if scenario.name in _TREES:
        assert span_trees(turns) == [_told(tree) for tree in _TREES[scenario.name]]


@pytest.mark.parametrize(
    ("scenario", "way"),
    [c for c in _CASES if _scenario_of(c).shape in haystack_agents.AS_COMPONENTS],
)
def test_an_agent_says_the_same_inside_a_pipeline(
    scenario: Scenario, way: str, client: Client
) -> None:
    """As a component, named by the connector of its pipeline, an agent makes the same turns."""
    turns = _played(scenario, way, client, haystack_agents.AS_COMPONENTS[scenario.shape])
    assert all(tree.startswith("workflow pipeline") for tree in span_trees(turns))


def _played(scenario: Scenario, way: str, client: Client, shape: Any) -> list[Any]:
    """Play a scenario and compare what was recorded; return its turns, the oldest first."""
    stage = Stage(scenario, way, client)
    shape(stage)
    report = client.flush()
    assert (report.pending, report.dropped) == (0, {})
    unseen = max(0, scenario.unseen) + _UNTOLD.get(scenario.name, 0)
    expected = [_in_its_words(chat, _NOT_GOT.get(scenario.name)) for chat in scenario.chats]
    unmet = max(0, -scenario.unseen)
    return check(client.reader(), expected, stage.tapes, unseen=unseen, unmet=unmet)


def _told(tree: str) -> str:
    """What this version of Haystack tells of these spans."""
    lines = tree.strip("\n").split("\n")
    untold = TOLD_SINCE_3_1 if IS_FIRST else ()
    return "\n".join(line for line in lines if not line.lstrip().startswith(untold))


def _in_its_words(chat: Chat, not_got: str | None) -> Chat:
    turns = (
        replace(
            turn,
            said=tuple(
                line._replace(
                    text=_translated(line.text), partial=line.partial or line.text == not_got
                )
                for line in turn.said
            ),
            observed=tuple(one._replace(result=_translated(one.result)) for one in turn.observed),
        )
        for turn in chat.turns
    )
    return replace(chat, turns=tuple(turns))


def _translated(text: Any) -> Any:
    return Starts(_WORDS[str(text)]) if str(text) in _WORDS else text
