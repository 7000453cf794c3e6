"""What the first versions of langchain-core 1 do otherwise than today's; one that CI runs too."""

from __future__ import annotations

import uuid

from langchain_core.messages import HumanMessage

import threadline
from threadline.langchain import ThreadlineCallbackHandler


def test_a_streaming_root_is_known_by_its_placeholder() -> None:
    """Version 1.0 does not say that the input comes with the end; the placeholder tells."""
    root, call = uuid.uuid4(), uuid.uuid4()
    with threadline.Client(store="memory") as client:
        handler = ThreadlineCallbackHandler(client, thread_id="t-1")
        handler.on_chain_start({}, {"input": ""}, run_id=root, name="RunnableSequence")
        prompt = HumanMessage("Answer shortly: When do you open?")
        handler.on_chat_model_start({}, [[prompt]], run_id=call, parent_run_id=root)
        handler.on_llm_error(ConnectionError("gone"), run_id=call, parent_run_id=root)
        given = {"question": "When do you open?"}
        handler.on_chain_end("From nine.", run_id=root, inputs=given)
        [turn] = client.reader().turns()
    assert (turn.input, turn.output) == ("When do you open?", "From nine.")


def test_an_empty_input_is_no_error() -> None:
    """Who invokes with an empty text is taken for a stream, and nothing is lost by it."""
    root = uuid.uuid4()
    with threadline.Client(store="memory") as client:
        handler = ThreadlineCallbackHandler(client, thread_id="t-1")
        handler.on_chain_start({}, {"input": ""}, run_id=root, name="RunnableLambda")
        handler.on_chain_end({"output": "Say something."}, run_id=root)
        [turn] = client.reader().turns()
    assert (turn.input, turn.output) == ("", "Say something.")
