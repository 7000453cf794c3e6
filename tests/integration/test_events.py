"""Events: of a span, of a conversation, and where an application need not say which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from haystack import Pipeline, component
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from tests.shipping import Scripted, client_for

import threadline
import threadline.langchain
from threadline.client.defaults import serving_as_default
from threadline.ingest.gen_ai import spans_of

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.model import Turn

MODEL = FakeListChatModel(responses=["Sold."])


def sell(question: str) -> str:
    """A node of a chain that tells of a checkout, then asks a model."""
    dispatch_custom_event("Checkout", {"product": "7"})
    return str(MODEL.invoke(question).content)


def talk(client: threadline.Client, node: Any = sell) -> None:
    RunnableLambda(node).invoke(
        "A tent?", threadline.langchain.config(thread_id="t-1", client=client)
    )


def only_turn(client: threadline.Client) -> Turn:
    with client.reader() as reader:
        [turn] = reader.turns(kind=None)
    return turn


def test_a_dispatched_event_is_one_of_its_span(tmp_path: Path) -> None:
    """It is shown there, goes out with the turn, and is no event of the conversation."""
    sink = Scripted()
    with client_for(tmp_path / "chat.db", [sink]) as client:
        talk(client)
        client.flush()
        turn = only_turn(client)
    [span] = [span for span in turn.spans if span.events]
    assert span.name == "sell"
    assert [(e.name, e.metadata) for e in span.events] == [("Checkout", {"product": "7"})]
    assert turn.events == ()
    assert [item.kind for item in sink.delivered] == ["turn"]
    [sent] = [span for span in sink.delivered[0].record.spans if span.events]
    assert sent.events == span.events


def test_a_listed_name_is_an_event_of_the_conversation(tmp_path: Path) -> None:
    """`conversation_events` names those that a destination is to see as such."""
    sink = Scripted()
    listed = {"conversation_events": ["Checkout"]}
    with client_for(tmp_path / "chat.db", [sink], **listed) as client:
        talk(client)
        client.flush()
        turn = only_turn(client)
    assert [event.name for event in turn.events] == ["Checkout"]
    assert not any(span.events for span in turn.spans)
    assert [item.kind for item in sink.delivered] == ["turn", "event"]


def test_otlp_sends_it_as_a_span_event(tmp_path: Path) -> None:
    with client_for(tmp_path / "chat.db", []) as client:
        talk(client)
        spans = spans_of(only_turn(client), None)
    assert [(s.name, e.name) for s in spans for e in s.events] == [
        ("invoke_workflow sell", "Checkout")
    ]
    [sold] = [event for span in spans for event in span.events]
    assert sold.attributes == {"threadline.metadata.product": "7"}


def test_an_event_in_a_tool_needs_no_id(tmp_path: Path) -> None:
    """Nor a scope: it belongs to the turn that the tool runs in, in that turn's store."""

    @tool
    def buy(product: str) -> str:
        """Buy something."""
        threadline.event("Checkout", metadata={"product": product})
        return "bought"

    def node(question: str) -> str:
        return f"{buy.invoke({'product': '7'})}: {MODEL.invoke(question).content}"

    with client_for(tmp_path / "chat.db", []) as client:
        talk(client, node)
        turn = only_turn(client)
    assert [(e.name, e.metadata) for e in turn.events] == [("Checkout", {"product": "7"})]


def test_an_event_in_a_component_needs_no_id(tmp_path: Path) -> None:
    @component
    class Till:
        @component.output_types(answer=str)
        def run(self, question: str) -> dict[str, str]:
            threadline.event("Checkout", metadata={"asked": question})
            return {"answer": "bought"}

    pipeline = Pipeline()
    pipeline.add_component("till", Till())
    with client_for(tmp_path / "chat.db", []) as client, serving_as_default(client):
        threadline.attach("haystack")
        try:
            with threadline.conversation("t-1"):
                pipeline.run({"till": {"question": "A tent?"}})
        finally:
            threadline.detach()
        with client.reader() as reader:
            conversation = reader.conversation("t-1")
    assert conversation is not None
    events = [e for one in (conversation, *conversation.turns) for e in one.events]
    assert [event.name for event in events] == ["Checkout"]


def test_an_event_in_a_turn_of_ones_own_id_finds_it(tmp_path: Path) -> None:
    """Also where that id is no UUID."""
    with (
        client_for(tmp_path / "chat.db", []) as client,
        threadline.turn(thread_id="t-1", turn_id="order-17", input="Hi", client=client) as turn,
    ):
        threadline.event("Checkout", client=client)
        turn.output = "Hello"
        RunnableLambda(sell).invoke("x", threadline.langchain.config(client=client))
    with client.reader() as reader:
        found = reader.turn("order-17")
    assert found is not None
    assert [event.name for event in found.events] == ["Checkout"]
    assert [e.name for span in found.spans for e in span.events] == ["Checkout"]


def test_names_must_be_a_list(tmp_path: Path) -> None:
    with pytest.raises(threadline.errors.SettingError, match="conversation_events"):
        client_for(tmp_path / "chat.db", [], conversation_events=7)
