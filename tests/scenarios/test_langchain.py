"""Every scenario, driven through LangChain and LangGraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.scenarios import (
    langchain_agents,
    langchain_branches,
    langchain_chains,
    langchain_chats,
    langchain_graphs,
    langchain_humans,
    langchain_prompts,
    langchain_scopes,
    langchain_turns,
)
from tests.scenarios.checking import check, span_trees
from tests.scenarios.first_versions import (
    ARE_FIRST,
    LEFT_OUT,
    NOT_THERE_YET,
    RECORDED_OTHERWISE,
)
from tests.scenarios.langchain_branch_spans import BRANCH_TREES
from tests.scenarios.langchain_graph_spans import GRAPH_TREES
from tests.scenarios.langchain_human_spans import HUMAN_TREES
from tests.scenarios.langchain_spans import TREES as FIRST_TREES
from tests.scenarios.langchain_stage import Stage
from tests.scenarios.langchain_turn_spans import TURN_TREES
from tests.scenarios.scenarios import SCENARIOS
from tests.views import compare_views

from threadline import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.script import Scenario

_SHAPES = {
    **langchain_chains.SHAPES,
    **langchain_chats.SHAPES,
    **langchain_agents.SHAPES,
    **langchain_scopes.SHAPES,
    **langchain_prompts.SHAPES,
    **langchain_turns.SHAPES,
    **langchain_graphs.SHAPES,
    **langchain_humans.SHAPES,
    **langchain_branches.SHAPES,
}
TREES = {**FIRST_TREES, **TURN_TREES, **HUMAN_TREES, **BRANCH_TREES, **GRAPH_TREES}
_CASES = [
    pytest.param(scenario, way, id=f"{scenario.name}-{way}".replace(" ", "_"))
    for scenario in SCENARIOS
    if scenario.name not in LEFT_OUT
    for way in scenario.ways
]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(store=tmp_path / "store.db", min_free_bytes=0)
    yield client
    client.close()


# Deprecated, and still what many applications keep their history with.
@pytest.mark.filterwarnings(
    "ignore:RunnableWithMessageHistory is deprecated",
    "ignore:The class `InMemoryChatMessageHistory` was deprecated",
)
@pytest.mark.parametrize(("scenario", "way"), _CASES)
def test_a_scenario_is_recorded_as_it_was(
    scenario: Scenario, way: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Transcript, tool observations, endings and model calls are what the scenario says."""
    stage = Stage(scenario, way, client)
    _SHAPES[scenario.shape](stage)
    if not scenario.chats:
        assert not client.has_started or client.flush().stored == 0
        return
    report = client.flush()
    assert (report.pending, report.dropped) == (0, {})
    reader = client.reader()
    unseen, unmet = max(0, scenario.unseen), max(0, -scenario.unseen)
    turns = check(reader, scenario.chats, stage.tapes, unseen=unseen, unmet=unmet)
    # of the scenarios without a tree nobody would read so many turns
    if scenario.name in TREES and not ARE_FIRST:
        assert span_trees(turns) == [tree.strip("\n") for tree in TREES[scenario.name]]
    assert [r.message for r in caplog.records if r.name.startswith("langchain")] == []
    compare_views(reader)


def test_every_scenario_has_a_name_and_spans() -> None:
    """Names are unique, and each tree belongs to a scenario."""
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
    assert set(TREES) <= set(names)
    assert set(NOT_THERE_YET | RECORDED_OTHERWISE) <= set(names)
    few = {s.name for s in SCENARIOS if 0 < sum(len(chat.turns) for chat in s.chats) < 10}
    assert few <= set(TREES)
