"""`threadline.log`: conversations that were had elsewhere, with their own times, each turn once."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from haystack.dataclasses import ChatMessage, ToolCall
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from tests.shipping import Scripted, client_for, ingestion, say

import threadline
from threadline.client.defaults import serving_as_default
from threadline.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.model import Conversation

WHEN = dt.datetime(2024, 5, 2, 18, tzinfo=dt.UTC)
WHEN_NS = int(WHEN.timestamp()) * 1_000_000_000
CALL = {"id": "c1", "type": "function", "function": {"name": "rain", "arguments": '{"in": "Oslo"}'}}
OPENAI: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": "Does it rain?"}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "yes"},
    {"role": "assistant", "content": "It rains."},
    {"role": "user", "content": "And now?"},
    {"role": "assistant", "content": "Still."},
]
CONTEXT: dict[str, Any] = {
    "id": "t-1",
    "metadata": {"user_id": "ada", "plan": "pro"},
    "feedback": "It helped",
    "messages": [
        {"role": "user", "message": "A tent?", "event_timestamp": "2024-05-02T18:00:00Z"},
        {
            "type": "tool",
            "name": "search",
            "thought": "They camp",
            "input": {"q": "tent"},
            "observation": "three tents",
            "event_timestamp": "2024-05-02T18:00:01Z",
        },
        {"type": "event", "name": "Checkout", "metadata": {"product": "7"}},
        {
            "role": "assistant",
            "message": "This one.",
            "rating": 1,
            "event_timestamp": "2024-05-02T18:00:03Z",
        },
    ],
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[threadline.Client]:
    with client_for(tmp_path / "chat.db", []) as client:
        yield client


def stored(client: threadline.Client, thread_id: str = "t-1") -> Conversation:
    with client.reader() as reader:
        found = reader.conversation(thread_id)
    assert found is not None
    return found


def words(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in conversation.messages]


def test_openai_dicts_become_turns_with_their_tools(client: threadline.Client) -> None:
    """Each user message begins a turn; a tool's answer is joined to the call that asked for it."""
    ids = threadline.log(thread_id="t-1", messages=OPENAI, at=WHEN, client=client)
    told = stored(client)
    assert [turn.id for turn in told.turns] == list(ids)
    assert [len(turn.messages) for turn in told.turns] == [5, 2]
    assert words(told)[1:5] == [
        ("user", "Does it rain?"),
        ("assistant", ""),
        ("tool", "yes"),
        ("assistant", "It rains."),
    ]
    [rain] = told.tool_observations
    assert (rain.name, rain.outcome, rain.arguments, rain.result) == (
        "rain", "ok", {"in": "Oslo"}, "yes",
    )  # fmt: skip
    assert told.created_ns == WHEN_NS
    assert {message.at_ns for message in told.messages} == {WHEN_NS}


def test_context_ai_keeps_times_thoughts_ratings_events_and_feedback(
    client: threadline.Client,
) -> None:
    """A Context.ai conversation comes back as it was given."""
    threadline.log(CONTEXT, client=client)
    told = stored(client)
    assert words(told) == [("user", "A tent?"), ("assistant", "This one.")]
    assert [m.at_ns for m in told.messages] == [WHEN_NS, WHEN_NS + 3_000_000_000]
    assert (told.user_id, told.metadata) == ("ada", CONTEXT["metadata"])
    [search] = told.tool_observations
    assert (search.thought, search.arguments, search.result) == (
        "They camp", {"q": "tent"}, "three tents",
    )  # fmt: skip
    assert search.started_ns == WHEN_NS + 1_000_000_000
    assert told.messages[-1].rating == 1
    [turn] = told.turns
    assert [(e.name, e.metadata) for e in turn.events] == [("Checkout", {"product": "7"})]
    assert [feedback.text for feedback in told.feedback] == ["It helped"]


def test_langchain_messages_are_recognised(client: threadline.Client) -> None:
    """A tool that failed is told by its message."""
    said = [
        SystemMessage("Be kind."),
        HumanMessage("Does it rain?"),
        AIMessage("", tool_calls=[{"id": "c1", "name": "rain", "args": {"in": "Oslo"}}]),
        ToolMessage("no such place", tool_call_id="c1", status="error"),
        AIMessage("I cannot tell."),
    ]
    threadline.log(said, thread_id="t-1", client=client)
    told = stored(client)
    assert words(told)[-1] == ("assistant", "I cannot tell.")
    [rain] = told.tool_observations
    assert (rain.name, rain.outcome, rain.arguments) == ("rain", "error", {"in": "Oslo"})


def test_haystack_messages_are_recognised(client: threadline.Client) -> None:
    call = ToolCall("rain", {"in": "Oslo"}, id="c1")
    said = [
        ChatMessage.from_user("Does it rain?"),
        ChatMessage.from_assistant(tool_calls=[call]),
        ChatMessage.from_tool("yes", call),
        ChatMessage.from_assistant("It rains."),
    ]
    threadline.log(said, thread_id="t-1", client=client)
    told = stored(client)
    assert [message.role for message in told.messages] == ["user", "assistant", "tool", "assistant"]
    assert [(o.name, o.result) for o in told.tool_observations] == [("rain", "yes")]


def test_a_stored_conversation_goes_into_another_store_under_its_own_ids(
    client: threadline.Client, tmp_path: Path
) -> None:
    """What another store has of a conversation, its notes too, is read there as it is here."""
    turn_ids = say(client, [("t-1", "one"), ("t-1", "two")])
    threadline.rate(-1, turn_id=turn_ids[0], comment="no", client=client)
    threadline.feedback("hm", thread_id="t-1", client=client)
    threadline.update("t-1", title="Numbers", tags=["beta"], metadata={"a": 1}, client=client)
    first = stored(client)
    with client_for(tmp_path / "other.db", []) as other:
        assert threadline.log(first, client=other) == tuple(turn_ids)
        second = stored(other)
    assert second.to_dict() == first.to_dict()


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(OPENAI, id="openai"),
        pytest.param(CONTEXT["messages"], id="context"),
        pytest.param([HumanMessage("a"), AIMessage("b")], id="langchain"),
    ],
)
def test_logging_again_adds_nothing(client: threadline.Client, given: list[Any]) -> None:
    """The same words at the same time in the same conversation are the same turn."""
    first = threadline.log(given, thread_id="t-1", client=client)
    before = stored(client).to_dict()
    assert threadline.log(given, thread_id="t-1", client=client) == first
    assert stored(client).to_dict() == before


def test_a_longer_list_adds_only_its_new_turns(client: threadline.Client) -> None:
    """Who logs the whole history after every turn stores each turn once."""
    threadline.log(OPENAI[:5], thread_id="t-1", client=client)
    threadline.log(OPENAI, thread_id="t-1", client=client)
    assert [len(turn.messages) for turn in stored(client).turns] == [5, 2]


def test_the_same_words_twice_in_a_list_are_two_turns(client: threadline.Client) -> None:
    said = [{"role": "user", "content": "again"}, {"role": "assistant", "content": "ok"}] * 2
    assert len(set(threadline.log(said, thread_id="t-1", client=client))) == 2
    assert len(stored(client).turns) == 2


def test_what_was_recorded_as_it_happened_is_not_logged_again(client: threadline.Client) -> None:
    """A checkpoint's messages carry the ids under which a handler recorded them."""
    from langchain_core.language_models import FakeMessagesListChatModel

    from threadline.langchain import ThreadlineCallbackHandler

    model = FakeMessagesListChatModel(responses=[AIMessage("Hello", id="a-1")])
    question = HumanMessage("Hi", id="q-1")
    config: Any = {
        "callbacks": [ThreadlineCallbackHandler(client=client)],
        "metadata": {"thread_id": "t-1"},
    }
    answer = model.invoke([question], config)
    more = [HumanMessage("More?", id="q-2"), AIMessage("No.", id="a-2")]
    threadline.log([question, answer, *more], thread_id="t-1", client=client)
    assert [text for _, text in words(stored(client))] == ["Hi", "Hello", "More?", "No."]


def test_nothing_is_shipped_unless_asked(tmp_path: Path) -> None:
    """Turns and notes stay here; with `ship=True` they are delivered as all else."""
    sink = Scripted()
    path = tmp_path / "chat.db"
    with client_for(path, [sink], ship=False) as client:
        threadline.log(CONTEXT, client=client)
        [asked] = threadline.log(OPENAI[-2:], thread_id="t-2", ship=True, client=client)
    ingestion(path, sink).flush(5.0)
    assert [item.id for item in sink.delivered] == [asked]


def test_a_killed_journal_holds_whole_turns(tmp_path: Path) -> None:
    """A logged turn is one event: a process that dies right after has logged all of it."""
    import subprocess
    import sys

    path = tmp_path / "chat.db"
    program = (
        "import os, signal, threadline\n"
        f"threadline.configure(store={str(path)!r}, min_free_bytes=0)\n"
        f"threadline.log({OPENAI!r}, thread_id='t-1')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    with threadline.open(path) as reader:
        found = reader.conversation("t-1")
    assert found is not None
    assert [(turn.status, len(turn.messages)) for turn in found.turns] == [("ok", 5), ("ok", 2)]


def test_the_scope_around_names_the_conversation(client: threadline.Client) -> None:
    with threadline.conversation("t-1"):
        threadline.log(OPENAI, client=client)
    assert len(stored(client).turns) == 2


def test_nothing_is_logged_in_a_pause(client: threadline.Client) -> None:
    with threadline.paused():
        assert threadline.log(OPENAI, thread_id="t-1", client=client) == ()
    assert client.flush().stored == 0


def test_secrets_are_replaced(client: threadline.Client, tmp_path: Path) -> None:
    """A logged turn passes the one place of redaction as all else."""
    secret = "sk-proj-" + "a1B2" * 12
    said = [
        {"role": "user", "content": secret},
        {"type": "tool", "name": "t", "input": {"key": secret}, "observation": secret},
        {"role": "assistant", "content": "ok"},
    ]
    threadline.log(said, thread_id="t-1", metadata={"k": secret}, client=client)
    assert stored(client).tool_observations[0].name == "t"
    client.close()
    for file in tmp_path.iterdir():
        assert not file.is_file() or secret.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param("Hello", "messages", id="a-text"),
        pytest.param({"role": "user"}, "messages", id="one-message"),
        pytest.param([{"content": "secret words"}], "messages[0].role", id="no-role"),
        pytest.param([{"role": "user", "content": 7}], "messages[0].content", id="a-number"),
        pytest.param([object()], "messages[0]", id="an-object"),
        pytest.param([{"type": "tool"}], "messages[0].name", id="a-tool-without-a-name"),
        pytest.param(
            [{"role": "assistant", "tool_calls": [{"secret words": 1}]}],
            "messages[0].tool_calls[0]",
            id="a-call-without-a-name",
        ),
    ],
)
def test_what_is_no_message_is_refused(client: threadline.Client, given: Any, named: str) -> None:
    """The error names the place and what is allowed there, and repeats nobody's words."""
    with pytest.raises(ArgumentError) as refused:
        threadline.log(given, thread_id="t-1", client=client)
    assert refused.value.argument == named
    assert "secret words" not in str(refused.value)


def test_a_conversation_must_be_named(client: threadline.Client) -> None:
    with pytest.raises(ArgumentError, match="thread_id"):
        threadline.log(OPENAI, client=client)


@pytest.mark.parametrize("at", [True, "soon", float("nan"), 1e12, object()])
def test_a_time_must_be_one(client: threadline.Client, at: Any) -> None:
    with pytest.raises(ArgumentError, match="at"):
        threadline.log(OPENAI, thread_id="t-1", at=at, client=client)


def test_the_documented_example_runs(client: threadline.Client) -> None:
    """As `docs/recorded.md` shows it."""
    page = (Path(__file__).parents[2] / "docs" / "recorded.md").read_text()
    [example] = [b for b in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if ".log(" in b]
    with serving_as_default(client):
        exec(example, {})  # noqa: S102 (our own page)
    told = stored(client, "t-7")
    assert words(told) == [("user", "When are you open?"), ("assistant", "From nine to six.")]
    assert told.user_id == "u-1"
