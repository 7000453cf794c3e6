"""A conversation is laid out in the order it is read, each thing once, nothing hidden."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.hostile import hostile
from tests.samples import (
    MS,
    SECOND,
    START,
    all_samples,
    conversation,
    observed,
    retried,
    said,
    span,
    turn,
)

from threadline.model import (
    Conversation,
    Document,
    Event,
    Feedback,
    GenericPart,
    Message,
    Rating,
    Retrieval,
    Status,
    ToolCallPart,
    ToolCallResponsePart,
    ToolObservation,
    Turn,
)
from threadline.render.chat import Shape, chat_view
from threadline.render.entries import ChatView, Lookup, Said, ToolUse
from threadline.render.order import asked_again, reading_order
from threadline.render.printable import printable
from threadline.render.tree import span_rows
from threadline.render.when import ago, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC = Shape(zone=dt.UTC)
SAMPLES = {c.thread_id: c for c in all_samples()}


def view_of(name: str, **shape: bool) -> ChatView:
    return chat_view(SAMPLES[name], shape=Shape(zone=dt.UTC, **shape))


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def order_of(one: Turn) -> list[str]:
    names: list[str] = []
    for item in reading_order(one):
        match item:
            case Message():
                names.append(f"{item.role}:{item.text}")
            case ToolObservation():
                names.append(f"ran {item.id}")
            case ToolCallPart():
                names.append(f"asked {item.name}")
            case Retrieval():
                names.append(f"looked up {item.query}")
    return names


def test_observations_follow_the_message_that_asked_in_call_order() -> None:
    """Tool messages that say the same are folded away."""
    calls = (ToolCallPart("a", None, "1"), ToolCallPart("b", None, "2"))
    one = turn(
        "t",
        0,
        9,
        said("user", "go", 0),
        said("assistant", "", 1, parts=calls),
        said("tool", "", 2, parts=(ToolCallResponsePart("B", "2"),)),
        said("tool", "", 3, parts=(ToolCallResponsePart("A", "1"),)),
        said("assistant", "done", 4),
        tool_observations=(observed("b", "2", 1, 2), observed("a", "1", 1, 3)),
    )
    assert order_of(one) == ["user:go", "assistant:", "ran o-a-1", "ran o-b-1", "assistant:done"]


def test_the_same_call_id_twice_gives_each_message_its_own_observation() -> None:
    call = (ToolCallPart("a", None, "1"),)
    one = turn(
        "t",
        0,
        9,
        said("assistant", "", 1, parts=call),
        said("assistant", "", 3, parts=call),
        tool_observations=(observed("a", "1", 1, 2), observed("a", "1", 3, 4)),
    )
    assert order_of(one) == ["assistant:", "ran o-a-1", "assistant:", "ran o-a-3"]


def test_a_tool_message_without_an_observation_is_shown() -> None:
    one = turn("t", 0, 1, said("tool", "", 0, parts=(ToolCallResponsePart("42", "x"),)))
    assert order_of(one) == ["tool:42"]


def test_what_nobody_asked_for_comes_before_the_answer_that_followed_it() -> None:
    one = turn(
        "t",
        0,
        9,
        said("user", "go", 0),
        said("assistant", "one", 3),
        said("assistant", "two", 6),
        tool_observations=(observed("own", None, 4, 5),),
        spans=(
            span("retriever", "r", 1, 2, query="first"),
            span("retriever", "r", 7, 8, query="late"),
        ),
    )
    assert order_of(one) == [
        "user:go",
        "looked up first",
        "assistant:one",
        "ran o-own-4",
        "looked up late",
        "assistant:two",
    ]


def test_a_call_that_never_ran_is_shown_as_asked() -> None:
    [first] = view_of("support-32").turns
    assert [e.outcome for e in first.entries if isinstance(e, ToolUse)] == ["asked"]
    assert [note.tone for note in first.notes] == ["warn"]


def test_tools_are_folded_in_with_outcome_time_and_result() -> None:
    uses = [e for e in view_of("trip-0412").turns[0].entries if isinstance(e, ToolUse)]
    assert [(u.outcome, u.duration_ns, u.attempt_count) for u in uses] == [
        ("ok", 310 * MS, 1),
        ("error", 1110 * MS, 3),
    ]
    assert uses[0].call == 'weather(city="Paris", days=2)'
    assert uses[1].result.text.startswith("TimeoutError: the forecast")


def test_side_calls_are_not_numbered_and_the_transcript_is() -> None:
    assert [one.number for one in view_of("trip-0412").turns] == [1, None, 2]


def test_a_lookup_tells_query_and_documents_and_how_many_it_leaves_out() -> None:
    [lookup] = [e for e in view_of("library-5").turns[0].entries if isinstance(e, Lookup)]
    assert lookup.query == "reading room opening hours Sunday"
    assert (lookup.document_count, len(lookup.documents)) == (7, 5)
    assert lookup.documents[0] == "0.85 Opening hours, branch 1 · doc-1"
    [whole] = [e for e in view_of("library-5", full=True).turns[0].entries if isinstance(e, Lookup)]
    assert len(whole.documents) == 7


def test_long_text_is_cut_and_full_is_not() -> None:
    answer = view_of("0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f").turns[0].entries[-1]
    whole = view_of("0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f", full=True).turns[0].entries[-1]
    assert isinstance(answer, Said)
    assert isinstance(whole, Said)
    assert answer.text.left_out == len(whole.text.text) - len(answer.text.text)
    assert answer.text.left_out > 0
    assert whole.text.left_out == 0


def test_a_generated_id_is_said_to_be_generated() -> None:
    assert view_of("0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f").is_generated
    assert not view_of("trip-0412").is_generated


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_every_ending_but_a_good_one_is_told(status: Status) -> None:
    view = chat_view(conversation("t", turn("t", 0, 1, status=status)), shape=UTC)
    [note] = view.turns[0].notes
    assert note.text.startswith(status.value)


def test_each_judgement_is_shown_once_where_it_belongs() -> None:
    rating = Rating(id="r", at_ns=1, value=1, message_id="m-user-0")
    general = Rating(id="g", at_ns=1, value=1)
    of_turn = Event(id="e", at_ns=1, name="Paid")
    feedback = Feedback(id="f", at_ns=2, text="Good")
    one = turn("t", 0, 1, said("user", "hi", 0, rating=1.0), ratings=(rating,), events=(of_turn,))
    both = conversation("t", one, ratings=(rating, general), feedback=(feedback,))
    view = chat_view(both, shape=UTC)
    [entry] = view.turns[0].entries
    assert isinstance(entry, Said)
    assert entry.ratings == ("rated +1",)
    assert [note.text for note in view.turns[0].notes] == ["event Paid"]
    assert [note.text for note in view.notes] == ["rated +1", "feedback: Good"]


def test_the_day_is_told_where_it_changes() -> None:
    day = 24 * 3600
    turns = (turn("t", 0, 1), turn("t", 60, 61), turn("t", day, day + 1))
    assert [one.when for one in chat_view(conversation("t", *turns), shape=UTC).turns] == [
        "21 Nov 2026 10:00:00",
        "10:01:00",
        "22 Nov 2026 10:00:00",
    ]
    [only] = chat_view(conversation("t", turn("t", 0, 1)), shape=UTC).turns
    assert only.when == "10:00:00"


def test_the_tree_has_every_span_once_even_in_a_circle() -> None:
    spans = (
        span("step", "lost", 3, 4, parent_id="nowhere"),
        span("step", "a", 0, 1, id="a", parent_id="b"),
        span("step", "b", 0, 1, id="b", parent_id="a"),
        span("agent", "root", 0, 9, id="root"),
        span("llm", "second", 2, 3, parent_id="root"),
        span("tool", "first", 1, 2, id="x", parent_id="root"),
        span("step", "inner", 1, None, parent_id="x", status="running"),
    )
    rows = span_rows(turn("t", 0, 9, spans=spans))
    assert [row.branch + row.name for row in rows] == [
        "root",
        "├─ first",
        "│  └─ inner",
        "└─ second",
        "lost",
        "a",
        "└─ b",
    ]


def test_a_very_deep_tree_is_drawn_and_does_not_grow_sideways() -> None:
    spans = tuple(
        span("step", "deep", 0, 1, id=f"s{n}", parent_id=f"s{n - 1}") for n in range(5000)
    )
    rows = span_rows(turn("t", 0, 9, spans=spans))
    assert len(rows) == 5000
    assert max(len(row.branch) for row in rows) < 100


def test_a_span_tells_model_tokens_first_chunk_and_prompt() -> None:
    rows = span_rows(SAMPLES["trip-0412"].turns[0])
    assert rows[-1].details == (
        "gpt-4o-mini",
        "498 → 21 tokens (384 cached)",
        "first chunk 120 ms",
        "prompt travel v3",
    )


@pytest.mark.parametrize("full", [False, True])
def test_every_text_of_a_view_is_printable(*, full: bool) -> None:
    view = chat_view(hostile(), shape=Shape(zone=dt.UTC, full=full))
    trees = [span_rows(one, full=full) for one in hostile().turns]
    texts = list(strings(msgspec.to_builtins([view, trees])))
    assert len(texts) > 50
    assert [text for text in texts if text != printable(text)] == []


def test_documents_without_anything_are_still_lines() -> None:
    one = turn("t", 0, 1, spans=(span("retriever", "", 0, 1, documents=(Document(text=""),)),))
    [entry] = chat_view(conversation("t", one), shape=UTC).turns[0].entries
    assert isinstance(entry, Lookup)
    assert entry.documents == ("“”",)


def test_a_question_is_only_said_to_be_asked_again_after_a_failed_turn() -> None:
    """A turn that waits for a human, or one that branches, goes on in other ways."""
    assert [one.is_asked_again for one in chat_view(retried(), shape=UTC).turns] == [
        False,
        False,
        True,
        True,
        False,
    ]
    asked = turn("t", 0, 1, said("user", "Refund it.", 0), status=Status.INTERRUPTED)
    resumed = turn("t", 2, 3, said("assistant", "Done.", 3))
    assert asked_again(conversation("t", asked, resumed)) == frozenset()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (GenericPart("withheld", {"type": "text", "size": 9}), "(9 characters withheld)"),
        (GenericPart("withheld", {"type": "text", "size": 1}), "(1 character withheld)"),
        (GenericPart("withheld", {"type": "text"}), "(withheld)"),
        (GenericPart("withheld", {"type": "blob", "size": 70}), "(blob withheld)"),
        (GenericPart("withheld", "odd"), "(withheld)"),
        (GenericPart("citation", {"page": 1}), '[citation {"page":1}]'),
    ],
)
def test_withheld_words_are_said_to_be_withheld(part: GenericPart, expected: str) -> None:
    one = turn("t", 0, 1, said("user", "", 0, parts=(part,)))
    [entry] = chat_view(conversation("t", one), shape=UTC).turns[0].entries
    assert isinstance(entry, Said)
    assert entry.attachments == (expected,)


def test_an_empty_conversation_can_be_shown() -> None:
    assert chat_view(Conversation(thread_id="t"), shape=UTC).facts == ("0 turns, 0 messages",)


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (3 * 86400, "3 d ago"),
        (8 * 86400, "21 Nov 2026"),
        (-3600, "21 Nov 2026"),
    ],
)
def test_times_are_told_as_people_do(age_s: int, expected: str) -> None:
    assert ago(START, now_ns=START + age_s * SECOND, zone=dt.UTC) == expected


@pytest.mark.parametrize("at_ns", [2**63 - 1, 2**70, -(2**70)])
def test_a_time_that_no_calendar_knows_is_no_error(at_ns: int) -> None:
    assert isinstance(ago(at_ns, now_ns=START), str)
    assert isinstance(duration(abs(at_ns)), str)


@pytest.mark.parametrize(
    ("status", "length_ns", "told"),
    [
        (Status.ABANDONED, 0, ()),
        (Status.ABANDONED, 40 * MS, ("40 ms",)),
        (Status.OK, 0, ("0 ms",)),
    ],
)
def test_no_length_is_told_of_a_turn_whose_process_died_at_once(
    status: Status, length_ns: int, told: tuple[str, ...]
) -> None:
    """An abandoned turn ends with the last that was seen of it, which may be its beginning."""
    lived = Turn(id="t", thread_id="t", status=status, started_ns=START, ended_ns=START + length_ns)
    [shown] = chat_view(Conversation(thread_id="t", turns=(lived,)), shape=UTC).turns
    assert shown.facts == told
