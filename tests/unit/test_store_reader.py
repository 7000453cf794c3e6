"""What the reader makes of the rows of a store."""

from __future__ import annotations

import re
import sqlite3
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.stored import KEY, NOW, SECOND, START, StoppedClock, Stored, counted, turn_id

from threadline.errors import ArgumentError, StoreNotFoundError, StoreUnavailableError
from threadline.ids import redacted_id
from threadline.model import (
    BlobPart,
    Document,
    Event,
    Failure,
    Feedback,
    Prompt,
    Rating,
    ReasoningPart,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    Usage,
)
from threadline.store.reader import FileDatabase, Reader, SharedDatabase
from threadline.store.values import BlobShelf, pack_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.model import Conversation, Message, Turn

CALL = ToolCallPart("weather", {"city": "Paris"}, "call_1")
ASKED = (TextPart("Let me look."), CALL)
ANSWERED = (ToolCallResponsePart({"sky": "rain"}, "call_1"),)


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    store = Stored(tmp_path / "s.db")
    yield store
    store.close()


def found(reader: Reader, thread_id: str = "t", tenant: str | None = None) -> Conversation:
    conversation = reader.conversation(thread_id, tenant=tenant)
    assert conversation is not None
    return conversation


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [message.text for message in messages]


def test_a_conversation_is_its_turns_by_start_with_their_messages(stored: Stored) -> None:
    """Turns stand in the order in which they began, however late they were stored."""
    later = stored.turn("t", ("user", "and now?"), ("assistant", "still rain"), at=60)
    first = stored.turn("t", ("user", "weather?"), ("assistant", "rain"), at=5)
    stored.conversation(
        "t", user_id="u-1", title="Rain", tags=["beta"], metadata={"plan": "pro"}, generated=1
    )
    conversation = found(stored.reader())
    assert [turn.id for turn in conversation.turns] == [first, later]
    assert texts(conversation.messages) == ["weather?", "rain", "and now?", "still rain"]
    assert (conversation.user_id, conversation.title, conversation.tags) == (
        "u-1",
        "Rain",
        ("beta",),
    )
    assert (conversation.metadata, conversation.id_source) == ({"plan": "pro"}, "generated")
    assert (conversation.created_ns, conversation.updated_ns) == (START, START + 61 * SECOND)
    assert conversation.tenant is None


def test_a_message_is_rebuilt_whole(stored: Stored) -> None:
    """Id, parts, name, framework id, time, flags and metadata come back as they were."""
    stored.turn("t", ("user", "hello"))
    framework_id = "lc_run--0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f-0"
    stored.message(
        "t",
        "assistant",
        (ReasoningPart("hm"), *ASKED),
        kind="said",
        name="bot",
        framework_id=framework_id,
        at_ns=START + 7,
        partial=1,
        metadata='{"guessed":true}',
    )
    message = found(stored.reader()).messages[-1]
    assert message.id == f"{turn_id(1)}:1"
    assert message.parts == (ReasoningPart("hm"), *ASKED)
    assert (message.role, message.name, message.kind) == ("assistant", "bot", "said")
    assert (message.framework_id, message.turn_id) == (framework_id, turn_id(1))
    assert (message.at_ns, message.partial) == (START + 7, True)
    assert message.metadata == {"guessed": True}


def test_an_unknown_role_is_kept(stored: Stored) -> None:
    stored.turn("t")
    stored.message("t", "user", "be brief", kind="said")
    stored.connection.execute("UPDATE message SET role = 'developer'")
    assert found(stored.reader()).messages[0].role == "developer"


def test_prelude_is_apart_and_has_ids_of_its_own(stored: Stored) -> None:
    """Ids of a turn's messages count from where the turn begins, its prelude included."""
    stored.turn("t", ("user", "next"), prelude=(("user", "before"), ("assistant", "long ago")))
    conversation = found(stored.reader())
    assert [(m.id, m.text, m.kind) for m in conversation.prelude] == [
        ("t:p0", "before", "prelude"),
        ("t:p1", "long ago", "prelude"),
    ]
    assert [m.id for m in conversation.messages] == [f"{turn_id(1)}:2"]
    assert conversation.prelude[0].turn_id is None


def test_large_values_come_back_from_their_blobs(stored: Stored) -> None:
    long, picture = "x" * 20_000, bytes(range(256)) * 100
    parts = (TextPart(long), BlobPart(picture, "image/png"))
    shelf = BlobShelf(KEY)
    packed = pack_value(parts, shelf)
    stored.turn("t", ("user", "look"))
    stored.message("t", "user", (), kind="said")
    stored.connection.execute("UPDATE message SET parts = ? WHERE parts = '[]'", (packed,))
    for digest, data in shelf.blobs.items():
        stored.insert("blob", conversation=1, digest=digest, data=data)
    assert len(shelf.blobs) == 2
    assert found(stored.reader()).messages[-1].parts == parts


def inputs_store(stored: Stored) -> None:
    """Three turns; the last one's model saw a context row of the first, prelude and history."""
    stored.turn("t", ("user", "one"), ("assistant", "two"), prelude=(("user", "zero"),), at=1)
    stored.message("t", "system", "be kind")
    stored.turn("t", ("user", "three"), ("assistant", "four"), at=2)
    stored.turn("t", ("user", "five"), ("assistant", "six"), at=3)
    stored.message("t", "user", "rendered: five")
    stored.span(0, "agent", "agent")
    stored.span(1, "llm", "gpt", parent=0, input="3,0-2,4-5,8", output="7")


def test_a_model_calls_input_is_rebuilt_from_where_its_messages_were_said(stored: Stored) -> None:
    """Said, prelude and context rows, of this turn or another, in the order the model saw."""
    inputs_store(stored)
    call = found(stored.reader()).turns[2].llm_calls[0]
    assert texts(call.input_messages) == [
        "be kind", "zero", "one", "two", "three", "four", "rendered: five",
    ]  # fmt: skip
    assert texts(call.output_messages) == ["six"]
    assert call.input_messages[0].id == f"{turn_id(1)}:3"
    assert call.input_messages[0].kind == "context"


def test_a_turn_is_the_same_wherever_it_is_read(stored: Stored) -> None:
    """In its conversation, alone, in a list, and as the last one."""
    inputs_store(stored)
    stored.note(Rating(id="r", at_ns=1, value=1, message_id=f"{turn_id(1)}:2", turn_id=turn_id(1)))
    stored.note(Feedback(id="f", at_ns=1, text="good", turn_id=turn_id(3), thread_id="t"))
    reader = stored.reader()
    in_conversation = found(reader).turns
    assert tuple(reversed(reader.turns())) == in_conversation
    assert tuple(reader.turn(turn.id) for turn in in_conversation) == in_conversation
    assert reader.last() == in_conversation[-1]
    assert in_conversation[2].llm_calls[0].input_messages[3].rating == 1


def test_a_model_call_tells_what_it_was_given_and_what_it_cost(stored: Stored) -> None:
    stored.turn("t", ("user", "How long may I keep a book, please?"), ("assistant", "a month"))
    tools = [{"name": "weather"}]
    request = stored.blob(0, msgspec.json.encode({"parameters": {"seed": 7}, "tools": tools}))
    stored.span(
        1,
        "llm",
        "ChatOpenAI",
        parent=0,
        started=5,
        ended=90,
        first_chunk=40,
        run_id=bytes(range(16)),
        model="gpt-4o",
        provider="openai",
        input="0",
        output="1",
        request=request,
        input_tokens=30,
        output_tokens=4,
        cache_read_tokens=20,
        finish_reason="stop",
        detail={
            "prompt": {"name": "p", "version": 3, "variables": {}, "slices": {"q": [0, 0, 8]}},
            "attributes": {"seen": True},
            "internal": True,
        },
    )
    call = found(stored.reader()).turns[0].llm_calls[0]
    assert (call.id, call.parent_id) == (f"{turn_id(1)}.1", f"{turn_id(1)}.0")
    assert call.run_id == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert (call.started_ns, call.ended_ns) == (START + 5, START + 90)
    assert call.time_to_first_chunk_ns == 35
    assert (call.model, call.provider, call.finish_reason) == ("gpt-4o", "openai", "stop")
    assert call.usage == Usage(input_tokens=30, output_tokens=4, cache_read_tokens=20)
    assert (call.parameters, call.tools) == ({"seed": 7}, ({"name": "weather"},))
    assert call.prompt == Prompt(name="p", version="3", variables={"q": "How long"})
    assert call.attributes == {"seen": True, "internal": True}


def test_a_retriever_tells_what_it_found(stored: Stored) -> None:
    stored.turn("t", ("user", "books?"))
    digest = stored.blob(1, b"Books are lent for a month.")
    document = {"text": digest.hex(), "id": "d1", "score": 0.5, "metadata": {"page": 3}}
    stored.span(0, "retriever", "library", detail={"query": "books", "documents": [document]})
    retrieval = found(stored.reader()).turns[0].retrievals[0]
    expected = Document(
        text="Books are lent for a month.", id="d1", score=0.5, metadata={"page": 3}
    )
    assert (retrieval.query, retrieval.documents) == ("books", (expected,))


def test_a_tool_observation_takes_from_the_messages_what_it_does_not_repeat(stored: Stored) -> None:
    stored.turn("t", ("user", "weather?"), ("assistant", ASKED), ("tool", ANSWERED))
    stored.span(0, "agent")
    stored.span(3, "tool", "weather", parent=0)
    stored.span(5, "tool", "weather", parent=0)
    stored.observation(
        0, "weather", call_id="call_1", call_at=1, result_at=2, started=10, ended=30, spans="3,5"
    )
    turn = found(stored.reader()).turns[0]
    [seen] = turn.tool_observations
    assert (seen.id, seen.turn_id) == (f"{turn_id(1)}.t0", turn_id(1))
    assert seen.message_id == turn.messages[1].id
    assert (seen.thought, seen.arguments, seen.result) == (
        "Let me look.", {"city": "Paris"}, {"sky": "rain"},
    )  # fmt: skip
    assert (seen.started_ns, seen.ended_ns) == (START + 10, START + 30)
    assert seen.span_ids == (turn.spans[1].id, turn.spans[2].id)
    assert [(s.call_id, s.arguments, s.result) for s in turn.spans[1:]] == [
        ("call_1", {"city": "Paris"}, {"sky": "rain"})
    ] * 2


def test_a_tool_observation_of_its_own_words(stored: Stored) -> None:
    """Edited arguments, a failure, and reasoning where nothing was said beside the call."""
    stored.turn("t", ("user", "weather?"), ("assistant", (ReasoningPart("Look it up."), CALL)))
    stored.observation(
        0, "weather", "error", call_id="call_1", call_at=1, arguments='{"city":"Rome"}',
        error='["TimeoutError","1 s"]',
    )  # fmt: skip
    stored.observation(1, "clock", result='"noon"')
    edited, uncalled = found(stored.reader()).turns[0].tool_observations
    assert (edited.arguments, edited.result) == ({"city": "Rome"}, None)
    assert edited.error == Failure("TimeoutError", "1 s")
    assert edited.thought == "Look it up."
    assert (uncalled.result, uncalled.call_id, uncalled.span_ids) == ("noon", None, ())


def test_a_tool_span_that_nobody_observed_tells_by_itself(stored: Stored) -> None:
    stored.turn("t", ("user", "weather?"))
    detail = {"call_id": "c", "arguments": {"a": 1}, "result": "r", "error": ["E", "why"]}
    stored.span(0, "tool", "inner", status="error", detail=detail)
    [span] = found(stored.reader()).turns[0].spans
    assert (span.call_id, span.arguments, span.result) == ("c", {"a": 1}, "r")
    assert (span.status, span.error) == ("error", Failure("E", "why"))


def test_a_span_without_a_run_id_is_the_turns_own(stored: Stored) -> None:
    """A second turn under one run id goes on with the first; its root ran under that id."""
    first = stored.turn("t", ("user", "refund?"), status="interrupted", at=1)
    stored.span(0, "agent")
    second = stored.turn("t", ("user", "yes"), at=2, continues=b"\0" * 15 + b"\1")
    stored.span(0, "agent")
    third = stored.turn("t", ("user", "x"), at=3, turn_id="order-17")
    stored.span(0, "agent")
    one, two, three = found(stored.reader()).turns
    assert (one.id, one.spans[0].run_id) == (first, first)
    assert (two.id, two.continues, two.spans[0].run_id) == (second, first, first)
    assert (three.id, three.spans[0].run_id, third) == ("order-17", None, turn_id(3))
    assert stored.reader().turn("order-17") == three


def test_a_turn_tells_whose_it_is_and_where_it_ran(stored: Stored) -> None:
    stored.process(2, app="shop")
    stored.connection.execute("UPDATE process SET environment = 'prod', release = '1.2'")
    stored.turn(
        "t", name="agent", user_id="u-2", tags=["a", "b"], metadata={"version": "2.0"},
        error='["RateLimitError","429"]', status="error", process=2,
    )  # fmt: skip
    [turn] = found(stored.reader()).turns
    assert (turn.name, turn.user_id, turn.tags) == ("agent", "u-2", ("a", "b"))
    assert turn.metadata == {"version": "2.0"}
    assert (turn.status, turn.error) == (Status.ERROR, Failure("RateLimitError", "429"))
    assert (turn.app, turn.environment, turn.release) == ("shop", "prod", "1.2")


def test_a_side_call_is_a_trace_of_its_conversation(stored: Stored) -> None:
    """It is no turn of any list, and what was said in it is no message of the conversation."""
    stored.turn("t", ("user", "hi"), ("assistant", "ho"), at=1)
    trace = stored.turn("t", ("assistant", "A title"), kind="trace", at=2)
    stored.message("t", "user", "Give this chat a title")  # only its model saw that
    stored.turn("only-a-trace", ("assistant", "nothing"), kind="trace", at=3)
    reader = stored.reader()
    conversation = found(reader)
    assert [turn.kind for turn in conversation.turns] == ["turn", "trace"]
    assert texts(conversation.turns[1].messages) == ["A title"]
    assert texts(conversation.messages) == ["hi", "ho"]
    assert [t.id for t in reader.turns()] == [turn_id(1)]
    assert [t.id for t in reader.turns(kind="trace")] == [turn_id(3), trace]
    assert [t.id for t in reader.turns(kind=None)] == [turn_id(3), trace, turn_id(1)]
    assert [c.thread_id for c in reader.conversations()] == ["t"]
    assert reader.last() == conversation.turns[0]


def test_a_running_turn_of_a_process_without_a_sign_of_life_is_abandoned(stored: Stored) -> None:
    stored.process(2, beat_ns=NOW - 61 * SECOND)
    stored.turn("dead", ("user", "hi"), status="running", process=2, at=1)
    stored.span(0, "agent", status="running", ended=None)
    stored.turn("alive", ("user", "hi"), status="running", at=2)
    stored.span(0, "agent", status="running", ended=None)
    reader = stored.reader()
    dead, alive = found(reader, "dead").turns[0], found(reader, "alive").turns[0]
    assert (dead.status, dead.spans[0].status) == (Status.ABANDONED, "abandoned")
    assert (alive.status, alive.spans[0].status, alive.ended_ns) == (
        Status.RUNNING,
        "running",
        None,
    )
    assert [c.last_status for c in reader.conversations()] == [Status.RUNNING, Status.ABANDONED]
    assert [t.thread_id for t in reader.turns(status="running")] == ["alive"]
    assert [t.thread_id for t in reader.turns(status=Status.ABANDONED)] == ["dead"]


def rating(ident: str, value: float, at_ns: int, **about: str) -> Rating:
    return Rating(id=ident, at_ns=at_ns, value=value, **about)


def test_the_newest_rating_of_a_message_is_its_rating(stored: Stored) -> None:
    """All ratings are kept; a rating of the turn is one of its answer."""
    stored.turn("t", ("user", "hi"), ("assistant", "ho"), at=1)
    stored.turn("t", ("user", "and?"), ("assistant", "no"), at=2)
    user, answer = f"{turn_id(1)}:0", f"{turn_id(1)}:1"
    stored.note(rating("b", -1, 20, message_id=user, turn_id=turn_id(1)))
    stored.note(rating("a", 1, 10, message_id=user, turn_id=turn_id(1)))
    stored.note(rating("c", 1, 10, message_id=answer, thread_id="t"))
    stored.note(rating("d", -1, 20, turn_id=turn_id(1)))
    stored.note(rating("e", 1, 30, span_id=f"{turn_id(1)}.0", turn_id=turn_id(1)))
    stored.note(Rating(id="f", at_ns=40, name="tone", value=0.3, turn_id=turn_id(2), thread_id="t"))
    first, second = found(stored.reader()).turns
    assert [m.rating for m in first.messages] == [-1, -1]
    assert [r.id for r in first.ratings] == ["a", "c", "b", "d", "e"]
    assert [m.rating for m in second.messages] == [None, None]
    assert [r.id for r in second.ratings] == ["f"]


def test_notes_stand_where_they_belong(stored: Stored) -> None:
    """With their turn if they name one that is here, else with the conversation; each once."""
    stored.turn("t", ("user", "hi"), ("assistant", "ho"))
    stored.turn("other", ("user", "hi"))
    stored.note(Event(id="e1", at_ns=1, name="Checkout", thread_id="t", turn_id=turn_id(1)))
    stored.note(Event(id="e2", at_ns=2, name="Return", thread_id="t"))
    stored.note(Feedback(id="f1", at_ns=1, text="slow", turn_id=turn_id(1)))
    stored.note(Feedback(id="f2", at_ns=1, text="nice", thread_id="t"))
    stored.note(rating("r1", 1, 1, thread_id="t"))
    stored.note(rating("r2", 1, 2, thread_id="t", turn_id="a turn of another store"))
    conversation = found(stored.reader())
    [turn] = conversation.turns
    assert ([e.id for e in turn.events], [f.id for f in turn.feedback]) == (["e1"], ["f1"])
    assert [e.id for e in conversation.events] == ["e2"]
    assert [f.id for f in conversation.feedback] == ["f2"]
    assert [r.id for r in conversation.ratings] == ["r1", "r2"]
    assert found(stored.reader(), "other").turns[0].events == ()


def test_ids_that_a_rule_matched_are_found_by_what_they_were(stored: Stored) -> None:
    """What is given is looked for as it is and, as the store keeps it, as a keyed hash."""
    hidden = redacted_id("ada@example.org", KEY)
    stored.turn(hidden, ("user", "hi"), user_id=hidden, turn_id=hidden)
    reader = stored.reader()
    assert found(reader, "ada@example.org").thread_id == hidden
    assert reader.turn("ada@example.org") == found(reader, hidden).turns[0]
    assert len(reader.turns(user_id="ada@example.org")) == 1
    assert len(reader.conversations(thread_id="ada@example.org")) == 1
    assert len(reader.turns(thread_id=hidden, user_id="bob@example.org")) == 0


def test_tenants_do_not_see_each_other(stored: Stored) -> None:
    stored.turn("t", ("user", "ours"))
    stored.turn("t", ("user", "theirs"), tenant="acme", at=1)
    reader = stored.reader()
    assert texts(found(reader).messages) == ["ours"]
    assert texts(found(reader, tenant="acme").messages) == ["theirs"]
    assert found(reader, tenant="acme").turns[0].tenant == "acme"
    assert [t.input for t in reader.turns()] == ["ours"]
    assert [t.input for t in reader.turns(tenant="acme")] == ["theirs"]
    assert [c.tenant for c in reader.conversations(tenant="acme")] == ["acme"]
    assert reader.conversations(tenant="nobody").cursor is None
    assert [h.thread_id for h in reader.search("ours")] == ["t"]
    assert len(reader.search("ours", tenant="acme")) == 0


def test_a_small_tenant_among_many_is_listed_in_order(stored: Stored) -> None:
    for number in range(60):
        stored.turn(f"t-{number}", ("user", "ours"), at=number)
    for number in range(3):
        stored.turn("t", ("user", str(number)), tenant="acme", at=100 - number)
    page = stored.reader().turns(tenant="acme", limit=2)
    rest = stored.reader().turns(tenant="acme", limit=2, cursor=page.cursor)
    assert [t.input for t in (*page, *rest)] == ["0", "1", "2"]


def test_nothing_is_none(stored: Stored) -> None:
    reader = stored.reader()
    assert reader.conversation("t") is None
    assert reader.turn("t") is None
    assert reader.last() is None
    assert list(reader.turns()) == list(reader.conversations()) == list(reader.search("x")) == []


def test_a_summary_says_what_a_list_needs(stored: Stored) -> None:
    stored.turn("t", ("user", "hi"), ("assistant", "ho"), at=1, status="error")
    stored.conversation("t", user_id="u", title="Hi", tags=["a"], preview="hi", generated=1)
    [line] = stored.reader().conversations()
    assert (line.thread_id, line.user_id, line.title, line.tags) == ("t", "u", "Hi", ("a",))
    assert (line.turn_count, line.message_count, line.preview) == (1, 2, "hi")
    assert (line.last_status, line.id_source) == (Status.ERROR, "generated")
    assert (line.created_ns, line.updated_ns) == (START, START + 2 * SECOND)


def pages(read: object, **more: object) -> list[list[Turn]]:
    """All pages, following the cursors."""
    assert callable(read)
    out, cursor = [], None
    while True:
        page = read(cursor=cursor, **more)
        out.append(list(page))
        cursor = page.cursor
        if cursor is None:
            return out


def test_pages_hold_everything_once_newest_first(stored: Stored) -> None:
    """Also where many began in the same moment, and where more comes while somebody reads."""
    for number in range(23):
        stored.turn(f"t-{number % 7}", ("user", "hi"), at=number // 5)
    reader = stored.reader()
    lists = pages(reader.turns, limit=4)
    assert [len(page) for page in lists] == [4, 4, 4, 4, 4, 3]
    turns = [turn for page in lists for turn in page]
    assert [t.id for t in turns] == [turn_id(number) for number in range(23, 0, -1)]
    threads = [c.thread_id for page in pages(reader.conversations, limit=3) for c in page]
    assert sorted(threads) == [f"t-{number}" for number in range(7)]

    first = reader.turns(limit=4)
    stored.turn("new", ("user", "hi"), at=1000)
    second = reader.turns(limit=4, cursor=first.cursor)
    assert [t.id for t in second] == [turn_id(number) for number in range(19, 15, -1)]


def test_a_full_last_page_says_that_it_is_the_last(stored: Stored) -> None:
    for number in range(4):
        stored.turn("t", ("user", "hi"), at=number)
    assert stored.reader().turns(limit=4).cursor is None
    assert stored.reader().turns(limit=3).cursor is not None


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, 2.0, "20", None])
def test_a_limit_is_a_number_from_one_to_ten_thousand(stored: Stored, limit: int) -> None:
    for read in (stored.reader().turns, stored.reader().conversations):
        with pytest.raises(ArgumentError, match="limit"):
            read(limit=limit)


def test_a_cursor_is_what_a_page_gave(stored: Stored) -> None:
    for number in range(3):
        stored.turn(f"t-{number}", ("user", "hi"), at=number)
    reader = stored.reader()
    of_turns = reader.turns(limit=1).cursor
    for cursor in ("", "17", "WzEsMl0=", "é", of_turns, "WyJjb252ZXJzYXRpb25zIiwxZTMwLDJd"):
        with pytest.raises(ArgumentError, match="cursor"):
            reader.conversations(cursor=cursor)


def conversation_of(stored: Stored, thread_id: str, turns: int) -> None:
    for number in range(turns):
        stored.turn(thread_id, ("user", f"q{number}"), ("assistant", ASKED), at=number)
        at = stored.positions[stored.conversation(thread_id)] - 1
        digest = stored.blob(0, f"[{thread_id}, {number}]".encode())
        stored.connection.execute(
            "UPDATE blob SET data = ? WHERE digest = ?", (b'{"parameters":{"n":1}}', digest)
        )
        stored.span(0, "llm", input=f"0-{at - 1}", output=str(at), request=digest)
        stored.observation(0, "weather", call_id="call_1", call_at=at)
        stored.note(rating(f"{thread_id}-{number}", 1, number, turn_id=turn_id(stored.turns)))


def test_reading_takes_as_many_queries_whatever_is_read(stored: Stored) -> None:
    """A conversation of 50 turns costs as many as one of 2, and so does a page of turns."""
    conversation_of(stored, "short", 2)
    conversation_of(stored, "long", 50)
    reader = stored.reader()
    counts = []
    for read in (
        lambda: reader.conversation("short"),
        lambda: reader.conversation("long"),
        lambda: reader.turns(limit=2),
        lambda: reader.turns(limit=50),
        lambda: reader.turn(turn_id(40)),
    ):
        statements: list[str] = []
        with counted(reader, statements):
            assert read()
        counts.append(sum(1 for s in statements if s.lstrip().startswith(("SELECT", "WITH"))))
    assert counts[0] == counts[1]
    assert counts[2] == counts[3]
    assert max(counts) <= 15


def test_nothing_is_looked_for_row_by_row(stored: Stored) -> None:
    """Every query of a page, a conversation, a turn goes through an index."""
    conversation_of(stored, "t", 3)
    reader = stored.reader()
    statements: list[str] = []
    with counted(reader, statements):
        reader.turns()
        reader.conversations()
        reader.conversation("t")
        reader.turn(turn_id(1))
        reader.last()
        reader.turns(thread_id="t", since="2h")
        reader.conversations(thread_id="t")
    plans = {
        row[3]
        for statement in statements
        if statement.lstrip().startswith(("SELECT", "WITH"))
        for row in stored.connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    }
    in_order = {
        "SCAN t USING INDEX turn_started",
        "SCAN turn USING INDEX turn_started",
        "SCAN conversation USING COVERING INDEX conversation_updated",  # counts up to some hundred
    }
    harmless = re.compile(r"SCAN (wanted|\d+ CONSTANT ROWS?|CONSTANT ROW|\(subquery)")
    scans = {plan for plan in plans if plan.startswith("SCAN") and not harmless.match(plan)}
    assert scans <= in_order
    assert scans
    sorts = {plan for plan in plans if "TEMP B-TREE FOR ORDER BY" in plan}
    assert len(sorts) <= 1  # what was noted, in the order of time


def test_any_thread_may_read(stored: Stored) -> None:
    conversation_of(stored, "t", 5)
    reader = stored.reader()
    expected = reader.conversation("t")
    answers: list[object] = []

    def read() -> None:
        answers.extend(reader.conversation("t") for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 40


def test_a_store_that_was_replaced_is_opened_again(stored: Stored, tmp_path: Path) -> None:
    stored.turn("old", ("user", "hi"))
    reader = stored.reader()
    assert reader.conversation("old") is not None
    stored.close()
    other = Stored(tmp_path / "other.db")
    other.turn("new", ("user", "hi"))
    other.close()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"s.db{suffix}").unlink(missing_ok=True)
    other.path.rename(stored.path)
    assert reader.conversation("old") is None
    assert reader.conversation("new") is not None


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    with pytest.raises(StoreNotFoundError, match=re.escape(str(missing))):
        Reader(FileDatabase(missing), missing).last()
    with pytest.raises(StoreNotFoundError):
        FileDatabase(missing).check()
    with pytest.raises(StoreNotFoundError):
        Reader(FileDatabase(missing), missing).delete(thread_id="t")
    assert not missing.exists()


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"no database" * 100)
    with pytest.raises(StoreUnavailableError, match=re.escape(str(wrong))):
        Reader(FileDatabase(wrong), wrong).last()


def test_what_was_just_recorded_is_in_every_answer(stored: Stored) -> None:
    """`before_read` runs before each answer."""
    calls: list[int] = []
    reader = stored.reader(before_read=lambda: calls.append(1))
    for read in (
        reader.last,
        reader.turns,
        reader.conversations,
        lambda: reader.turn("x"),
        lambda: reader.conversation("x"),
        lambda: reader.search("x"),
        lambda: reader.delete(thread_id="x"),
    ):
        calls.clear()
        read()
        assert calls


def test_a_store_in_memory_is_read_under_its_writers_lock() -> None:
    """Nobody reads while the writer works, and the reader never closes what is not its own."""
    stored = Stored.in_memory()
    stored.turn("t", ("user", "refund"))
    lock = threading.RLock()
    database = SharedDatabase(lambda: stored.connection, lock)
    with Reader(database, None, clock=StoppedClock()) as reader:
        assert reader.path is None
        assert len(reader.search("refund")) == 1
    answers: list[object] = []
    with lock:
        thread = threading.Thread(target=lambda: answers.append(reader.last()))
        thread.start()
        thread.join(0.1)
        assert answers == []
    thread.join()
    assert answers == [reader.last()]
    stored.connection.execute("SELECT 1")


def test_a_closed_reader_opens_again(stored: Stored) -> None:
    stored.turn("t", ("user", "hi"))
    with stored.reader() as reader:
        assert reader.last() is not None
    assert reader.last() is not None
    reader.close()


def test_reading_changes_nothing(stored: Stored) -> None:
    """A reader's own connection cannot write."""
    stored.turn("t", ("user", "hi"))
    reader = stored.reader()
    with pytest.raises(StoreUnavailableError), reader._database.read() as connection:
        connection.execute("DELETE FROM turn")
    assert isinstance(connection, sqlite3.Connection)
    assert reader.last() is not None
