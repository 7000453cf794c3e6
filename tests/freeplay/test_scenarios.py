"""Every scenario arrives at Freeplay whole: what was said, who asked for what, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import freeplay_server
from tests.faults.loopbacks import FreeplayLoopback
from tests.scenarios import haystack_stage, test_haystack
from tests.scenarios.langchain_stage import Stage
from tests.scenarios.scenarios import SCENARIOS
from tests.scenarios.test_langchain import _SHAPES
from tests.shipping import client_for, ingestion

import threadline.haystack
from threadline.client.defaults import serving_as_default
from threadline.ingest.freeplay_ids import FreeplayIds
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.scenarios.script import Scenario

    from threadline.model import Message, Span, Turn

IDS = FreeplayIds(freeplay_server.PROJECT)
CASES = [pytest.param(s, id=s.name.replace(" ", "_")) for s in SCENARIOS if s.chats]

HAYSTACK = {case.values[0].name: case.values for case in reversed(test_haystack._CASES)}
"""Each of Haystack's scenarios with its first way."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeplayLoopback]:
    with FreeplayLoopback(tmp_path_factory.mktemp("project")) as loopback:
        yield loopback


# Deprecated, and still what many applications keep their history with.
@pytest.mark.filterwarnings(
    "ignore:RunnableWithMessageHistory is deprecated",
    "ignore:The class `InMemoryChatMessageHistory` was deprecated",
)
@pytest.mark.parametrize("scenario", CASES)
def test_a_scenario_arrives_whole(
    scenario: Scenario, project: FreeplayLoopback, tmp_path: Path
) -> None:
    """A strict server takes all of it, and finds each turn, call and tool at its place."""
    client = client_for(tmp_path / "chat.db", ["freeplay"], ship=False)
    _SHAPES[scenario.shape](Stage(scenario, scenario.ways[0], client))
    check_shipped(client, project)


@pytest.mark.parametrize(("scenario", "way"), HAYSTACK.values(), ids=HAYSTACK)
def test_a_scenario_of_haystack_arrives_whole(
    scenario: Scenario, way: str, project: FreeplayLoopback, tmp_path: Path
) -> None:
    """What pipelines and agents of Haystack did is the same objects."""
    client = client_for(tmp_path / "chat.db", ["freeplay"], ship=False)
    with serving_as_default(client):
        threadline.haystack.attach()
        test_haystack._SHAPES[scenario.shape](haystack_stage.Stage(scenario, way, client))
        threadline.haystack.detach()
    check_shipped(client, project)


def check_shipped(client: threadline.Client, project: FreeplayLoopback) -> None:
    """Ship all there is, and look for each of its parts."""
    client.close()
    path = client.settings.store
    open_outbox(path, client.clock).backfill("freeplay")  # of any process, any way
    sender = ingestion(path, project.target())
    sender.flush(40)
    sender.stop(1)
    turns = client.reader().turns(limit=10_000)
    delivered, waiting, refused = sender.deliveries()
    assert (waiting, refused) == (0, 0)
    assert delivered >= len(turns)
    objects = {ident: bodies[0] for ident, bodies in project.objects().items()}
    for turn in turns:
        check_turn(turn, objects)


def check_turn(turn: Turn, objects: dict[str, dict[str, Any]]) -> None:
    told = objects[IDS.turn(turn.id)]
    assert ("agent_name" in told) == (turn.kind == "turn")
    assert told["custom_metadata"]["turn_status"] == turn.status
    assert told["input"] == turn.input
    assert told["output"] == turn.output or turn.error is not None
    for call in turn.llm_calls:
        check_call(call, objects)
    for span in turn.spans:
        if span.kind in {"tool", "retriever"}:
            assert objects[IDS.span(span.id)]["parent_id"] in objects
    for seen in turn.tool_observations:
        for ident in seen.span_ids or (seen.id,):
            check_tool(turn, seen.call_id, objects[IDS.span(ident)], objects)


def check_call(call: Span, objects: dict[str, dict[str, Any]]) -> None:
    body = objects[IDS.span(call.id)]
    assert body["parent_id"] in objects
    prompt, answer = lines(call.input_messages), lines(call.output_messages)
    assert [(m["role"], words(m["content"])) for m in body["messages"]][: len(prompt)] == prompt
    assert body["messages"][-1]["role"] == "assistant"
    if answer:
        assert len(body["messages"]) == len(prompt) + len(answer)
    assert ("eval_results" in body) == (call.error is not None)


def check_tool(
    turn: Turn, call_id: str | None, tool: dict[str, Any], objects: dict[str, dict[str, Any]]
) -> None:
    asked = {c.id for call in turn.llm_calls for m in call.output_messages for c in m.tool_calls}
    if call_id not in asked:
        return
    assert tool["custom_metadata"]["tool_call_id"] == call_id
    parent = objects[tool["parent_id"]]
    assert call_id in {c["id"] for c in parent["messages"][-1]["tool_calls"]}


def words(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def lines(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Return who said what; each tool result is a message of its own there."""
    return [
        (message.role, message.text)
        for message in messages
        for _ in [p for p in message.parts if message.role == "tool"] or [message]
    ]
