"""What the records of the model say about themselves."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from threadline.errors import ArgumentError
from threadline.model import (
    Body,
    Conversation,
    Document,
    Event,
    Message,
    Page,
    ReasoningPart,
    Span,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    ToolObservation,
    Turn,
    Usage,
    decode,
    encode,
)


def said(role: str, *parts: object, message_id: str = "m") -> Message:
    return Message(
        id=message_id,
        role=role,
        parts=tuple(TextPart(p) if isinstance(p, str) else p for p in parts),
    )


def turn(*messages: Message, **fields: object) -> Turn:
    return Turn(
        **{
            "id": "t",
            "thread_id": "c",
            "status": Status.OK,
            "started_ns": 10,
            "messages": messages,
            **fields,
        }
    )


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        said("user", "Hi").role = "system"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        pytest.param((), "", id="nothing"),
        pytest.param((TextPart("a"), ToolCallPart("f"), TextPart("b")), "ab", id="around-a-call"),
        pytest.param((ReasoningPart("hm"), TextPart("b")), "b", id="thoughts-are-not-words"),
        pytest.param((ToolCallResponsePart("sunny"),), "sunny", id="tool-answer"),
        pytest.param((ToolCallResponsePart({"a": [1]}),), '{"a":[1]}', id="structured-answer"),
        pytest.param((ToolCallResponsePart(None),), "", id="no-answer"),
        pytest.param((ToolCallResponsePart(["\ud800"]),), "['\\ud800']", id="broken-answer"),
        pytest.param((ToolCallResponsePart({1j}),), "{1j}", id="answer-beyond-json"),
    ],
)
def test_the_text_of_a_message_is_its_words(parts: tuple[object, ...], text: str) -> None:
    message = said("tool", *parts)
    assert message.text == text
    assert message.body.text == text


def test_a_message_tells_its_calls_and_its_thoughts_apart() -> None:
    call = ToolCallPart("f", {"x": 1}, "c1")
    message = said("assistant", ReasoningPart("a"), "Let me see", call, ReasoningPart("b"))
    assert message.tool_calls == (call,)
    assert message.reasoning == "ab"


def test_a_body_is_what_was_said_and_not_when() -> None:
    one = Message(id="1", role="user", parts=(TextPart("Hi"),), at_ns=1, metadata={"a": 1})
    other = Message(id="2", role="user", parts=(TextPart("Hi"),), at_ns=2, framework_id="x")
    assert one.body == other.body == Body("user", (TextPart("Hi"),))
    assert said("assistant", "Hi").body != one.body


def test_input_and_output_are_the_words_of_user_and_assistant() -> None:
    spoken = turn(
        said("system", "Be kind"),
        said("user", "Weather?"),
        said("user", "In Paris."),
        said("assistant", "Let me look", ToolCallPart("weather")),
        said("tool", ToolCallResponsePart("rain")),
        said("assistant", "Rain."),
        said("assistant", ToolCallPart("weather")),
    )
    assert spoken.input == "Weather?\nIn Paris."
    assert spoken.output == "Rain."
    assert turn().input == turn().output == ""


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [(1, 3, 2), (3, 1, 0), (1, None, None)],
    ids=["ended", "clock-set-back", "running"],
)
def test_durations_are_never_negative(
    started: int, ended: int | None, expected: int | None
) -> None:
    span = Span(id="s", kind="llm", name="m", status="ok", started_ns=started, ended_ns=ended)
    seen = ToolObservation(id="o", name="f", outcome="ok", started_ns=started, ended_ns=ended)
    spoken = turn(started_ns=started, ended_ns=ended)
    assert span.duration_ns == seen.duration_ns == spoken.duration_ns == expected


def test_an_observation_that_never_ran_has_no_duration() -> None:
    assert ToolObservation(id="o", name="f", outcome="not_run", ended_ns=4).duration_ns is None


def test_the_first_chunk_is_timed_from_the_start() -> None:
    span = Span(id="s", kind="llm", name="m", status="ok", started_ns=5)
    assert span.time_to_first_chunk_ns is None
    assert msgspec.structs.replace(span, first_chunk_ns=9).time_to_first_chunk_ns == 4
    assert msgspec.structs.replace(span, first_chunk_ns=1).time_to_first_chunk_ns == 0


def test_calls_and_retrievals_are_spans_of_their_kind() -> None:
    call = Span(id="1", kind="llm", name="gpt", status="ok", started_ns=1)
    found = (Document(text="Paris"),)
    lookup = Span(
        id="2", kind="retriever", name="wiki", status="ok", started_ns=2, query="q", documents=found
    )
    spoken = turn(spans=(lookup, call))
    assert spoken.llm_calls == (call,)
    [retrieval] = spoken.retrievals
    assert (retrieval.span_id, retrieval.query, retrieval.documents) == ("2", "q", found)


def test_tokens_not_told_count_as_none() -> None:
    assert Usage().total_tokens == 0
    assert Usage(input_tokens=3, output_tokens=4, reasoning_tokens=2).total_tokens == 7


def test_side_calls_are_no_part_of_the_conversation() -> None:
    seen = ToolObservation(id="o", name="f", outcome="ok")
    first = turn(said("user", "Hi"), tool_observations=(seen,))
    aside = turn(said("user", "Title?"), id="t2", kind="trace", tool_observations=(seen,))
    conversation = Conversation(
        thread_id="c", turns=(first, aside), prelude=(said("user", "Earlier"),)
    )
    assert [message.text for message in conversation.messages] == ["Hi"]
    assert conversation.tool_observations == (seen,)


def test_a_page_is_a_list_that_knows_where_to_go_on() -> None:
    page = Page(["a", "b", "c"], cursor="next")
    assert list(page) == ["a", "b", "c"]
    assert (len(page), page[0], page[1:], page.cursor) == (3, "a", ("b", "c"), "next")
    assert repr(page) == "Page(['a', 'b', 'c'], cursor='next')"
    assert Page([]).cursor is None


def test_a_status_is_its_word() -> None:
    assert Status.INTERRUPTED == "interrupted"
    assert f"{Status.OK}" == "ok"


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[1]", id="no-record"),
        pytest.param(b'[1,{"record":"nope"}]', id="unknown-record"),
        pytest.param(b'[1,{"record":"event","id":"\xff","at_ns":1,"name":"x"}]', id="no-utf-8"),
        pytest.param(
            b'[1,{"record":"event","id":"e","at_ns":1,"name":"x","metadata":'
            + b'{"a":' * 100_000
            + b"1"
            + b"}" * 100_000
            + b"}]",
            id="too-deep",
        ),
    ],
)
def test_what_is_no_record_is_refused(junk: bytes) -> None:
    with pytest.raises(ArgumentError) as caught:
        decode(junk)
    assert caught.value.argument == "data"


def test_a_record_of_a_newer_schema_is_told() -> None:
    with pytest.raises(ArgumentError, match="upgrade threadline") as caught:
        decode(b'[2,{"record":"brand_new"}]')
    assert caught.value.value == 2


def test_fields_that_a_later_version_added_are_passed_over() -> None:
    record = encode(Event(id="e", at_ns=1, name="Checkout"))
    assert decode(record.replace(b'"id"', b'"colour":"red","id"')) == decode(record)


def test_an_argument_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(ArgumentError("limit", 0, "1 or more")))
    assert str(error) == "argument 'limit' is 0; allowed: 1 or more"
