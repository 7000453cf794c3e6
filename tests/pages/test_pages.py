"""A page shows all of a conversation, each thing once, and folds what one does not read first."""

from __future__ import annotations

import base64
import datetime as dt
import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.pages.audit import audited
from tests.samples import SECOND, START, all_samples, conversation, said, span, turn

import threadline
import threadline.render.contents as contents_module
import threadline.render.page.markdown as markdown_module
import threadline.render.page.timeline as timeline_module
from threadline.capture.redacted_records import redacted_record, redactor_of
from threadline.client.defaults import serving_as_default
from threadline.errors import SettingError
from threadline.model import (
    BlobPart,
    Conversation,
    ConversationSummary,
    Page,
    ReasoningPart,
    SearchHit,
    TextPart,
    Usage,
)
from threadline.render.contents import message_content
from threadline.render.page.pages import fragment_of, page_of

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.model import Message
    from threadline.render.entries import Content

SAMPLES = {c.thread_id: c for c in all_samples()}
TRIP = SAMPLES["trip-0412"]


def html(one: object) -> str:
    return page_of(one, zone=dt.UTC)


def words(page: str) -> str:
    return " ".join(audited(page).text.split())


def test_a_page_tells_who_said_what_and_what_was_done() -> None:
    """Heading, words, tool observations, failures, ratings, feedback, tokens, times."""
    text = words(html(TRIP))
    for told in (
        "A dry weekend",
        "2 turns, 7 messages",
        "user u-881",
        "910 → 57 tokens (384 cached)",
        "Which is drier tomorrow, Paris or Rome?",
        'weather(city="Paris", days=2)',
        "rain, 11 °C",
        "TimeoutError: the forecast of Rome did not answer within 1 s",
        "3 attempts",
        "rated -1: Half an answer",
        "helpfulness: +0.8 by judge-v2",
        "feedback: Nice in the end.",
        'event Checkout(total="128.40")',
        "10:01:05",
        "Times are in UTC",
    ):
        assert told in text, told


@pytest.mark.parametrize("one", all_samples(), ids=lambda one: one.thread_id.encode().hex())
def test_each_thing_said_is_on_the_page_once(one: Conversation) -> None:
    """The transcript is there in order, apart from what a tool observation tells already."""
    page = re.sub(r'<details class="trace">.*?</section>', "", html(one), flags=re.DOTALL)
    asides = re.sub(r'<details class="side">.*?</section></details>', "", page, flags=re.DOTALL)
    text = words(asides)
    place = 0
    said = [message for message in one.messages if message.role != "tool"]
    for message in said:
        told = " ".join(message.text.split())[:60]
        if not told:
            continue
        place = text.index(told, place) + 1
        assert text.count(told) == sum(" ".join(m.text.split()).count(told) for m in said)


def test_tool_observations_thoughts_and_spans_are_folded() -> None:
    """One sees the chat; everything else is one click away, without script."""
    page = html(TRIP)
    assert page.count("<details") >= 9
    assert "<details open" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("thread_id", "told"),
    [
        ("story-7", "stopped: the stream was left before its end"),
        ("support-31", "error: RateLimitError: 429: you exceeded your current quota"),
        ("support-32", "interrupted: it waits for a human"),
        ("batch-9", "abandoned: its process died, or it never ended"),
        ("attached-1", "12 messages from before recording began"),
        ("library-5", "looked up “reading room opening hours Sunday” 7 documents 40 ms"),
    ],
)
def test_what_happened_is_said_plainly(thread_id: str, told: str) -> None:
    """Every ending, what was looked up and what came before has its words."""
    assert told in words(html(SAMPLES[thread_id]))


def test_what_a_model_was_sent_stands_at_its_call() -> None:
    """For any model call the page tells its whole input, settings and answer."""
    text = words(html(TRIP.turns[0].spans[5]))
    for told in ("Be kind. Be brief.", "thought: Two calls.", "temperature=0.2", "version 3"):
        assert told in text, told
    assert "sent system" in text
    assert "said assistantParis will be wet." in text


def test_an_answer_in_markdown_is_laid_out() -> None:
    """Headings, lists, tables and code look as they were meant; the user's words stay as typed."""
    answer = (
        "# Fares\n\n- one\n- two\n\n| a | b |\n|-|-|\n| 1 | 2 |\n\n```py\nx = 1\n```\n\n3. third"
    )
    one = conversation(
        "t", turn("t", 0, 1, said("user", "# no *title*", 0), said("assistant", answer, 1))
    )
    page = html(one)
    assert "<h4>Fares</h4>" in page
    assert "<li>one</li>" in page
    assert "<th>a</th>" in page
    assert "<pre><code>x = 1" in page
    assert '<ol start="3">' in page
    assert "# no *title*" in page


def test_without_the_library_answers_are_shown_as_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page needs no extra to be made."""
    monkeypatch.setattr(markdown_module, "_is_installed", lambda: False)
    page = html(conversation("t", turn("t", 0, 1, said("assistant", "# Fares <b>", 1))))
    assert '<div class="plain" dir="auto"># Fares &lt;b&gt;</div>' in page


def test_pictures_are_in_the_page_itself() -> None:
    """A picture that was said is shown from the page; nothing is loaded."""
    dot = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")
    picture = said("user", "", 0, parts=(TextPart("see"), BlobPart(dot, mime_type="image/gif")))
    page = html(conversation("t", turn("t", 0, 1, picture)))
    assert f'src="data:image/gif;base64,{base64.b64encode(dot).decode()}"' in page
    assert 'alt="image/gif, 35 bytes"' in page


def test_reasoning_is_folded() -> None:
    """What a model thought is there, and not in the way."""
    thought = said("assistant", "", 1, parts=(ReasoningPart("Hm."), TextPart("Yes.")))
    page = html(conversation("t", turn("t", 0, 1, thought)))
    assert '<details class="thought"><summary>Thought</summary>' in page
    assert "Hm." in page


def long_conversation(turns: int) -> Conversation:
    """A conversation that replays all of its history to the model at every turn."""
    history, made = [], []
    for number in range(turns):
        question = said("user", f"Question {number}? " + "x" * 200, number, id=f"q{number}")
        answer = said("assistant", f"Answer {number}. " + "y" * 200, number, id=f"a{number}")
        history.append(question)
        call = span("llm", "model", number, number + 0.5, input_messages=tuple(history))
        call = msgspec.structs.replace(call, usage=Usage(input_tokens=1, output_tokens=1))
        history.append(answer)
        made.append(
            turn("long", number, number + 1, question, answer, id=f"t{number}", spans=(call,))
        )
    return conversation("long", *made)


def test_replayed_history_is_not_written_again_and_again() -> None:
    """Pages grow with what was said, not with its square; what a model saw is pointed at."""
    sizes = [len(page_of(long_conversation(turns))) for turns in (200, 400)]
    assert sizes[1] - sizes[0] < 600_000
    page = page_of(long_conversation(400))
    assert "as said above" in page
    assert audited(page).wrong == []
    targets = set(re.findall(r' id="(m[^"]+)"', page))
    assert {link[1:] for link in audited(page).links if link.startswith("#")} <= targets


def test_a_notebook_shows_the_newest_turns_of_a_long_conversation() -> None:
    """Displaying never makes a notebook unusable; it says what it leaves out."""
    text = words(fragment_of(long_conversation(60)))
    assert "10 earlier turns left out here" in text
    assert "Question 59?" in text
    assert len(fragment_of(long_conversation(300))) < 200_000
    assert "Turn 60" in text


def test_everything_that_is_read_has_a_display() -> None:
    """Conversations, turns, spans and pages of lists show themselves, and nothing by itself."""
    summary = ConversationSummary(thread_id="t-1", title="Hello", updated_ns=START, turn_count=3)
    hit = SearchHit(thread_id="t-1", turn_id="x", snippet="refund it", at_ns=START)
    things = [
        TRIP,
        TRIP.turns[0],
        TRIP.turns[0].spans[0],
        Page([summary], "c"),
        Page([hit]),
        Page([]),
    ]
    for thing in things:
        shown = thing._repr_mimebundle_()
        assert shown["text/html"] == thing._repr_html_()
        assert audited(shown["text/html"]).wrong == []
        assert shown["text/plain"].strip()
    assert "Hello" in things[3]._repr_html_()
    assert "refund it" in things[4]._repr_html_()
    assert "Nothing found." in things[5]._repr_html_()


def test_a_display_reads_well_without_style_and_script() -> None:
    """Where a notebook is not trusted only elements and words are left, and they suffice."""
    bare = re.sub(
        r"<style>.*?</style>|\s(class|dir|id|tabindex)=\"[^\"]*\"", "", TRIP._repr_html_()
    )
    assert "<h2>Turn 1</h2>" in bare
    assert "<strong>user</strong>" in bare
    assert "<p>arguments</p>" in bare


def test_a_page_is_saved_redacted_where_that_is_asked_for(tmp_path: Path) -> None:
    """More is taken out of the file than of the store: words, arguments, ids alike."""
    one = conversation(
        "ada@example.org",
        turn("t", 0, 1, said("user", "I am ada@example.org.", 0, id="ada@example.org:1")),
        metadata={"mail": "ada@example.org"},
        user_id="ada@example.org",
    )
    whole = one.to_html(tmp_path / "whole.html").read_text()
    told = one.to_html(tmp_path / "redacted.html", redact="pii").read_text()
    assert "ada@example.org" in whole
    assert "example.org" not in told
    assert "[redacted:email]" in told
    assert one.user_id == "ada@example.org"
    with pytest.raises(SettingError):
        one.to_html(tmp_path / "x.html", redact="everything")
    assert not (tmp_path / "x.html").exists()


def test_what_a_newer_branch_left_behind_is_folded() -> None:
    """The newest branch is read; the other one is there, and said to be left."""
    first = turn("t", 0, 1, said("user", "Tea?", 0), said("assistant", "No.", 1))
    again = turn("t", 2, 3, said("user", "Coffee?", 2), said("assistant", "Yes.", 3))
    again = msgspec.structs.replace(again, branches_from="m-0")
    one = conversation("t", first, again, superseded=("m-user-0", "m-assistant-1"))
    page = html(one)
    assert "<summary>Turn 1: left behind by a newer branch</summary>" in page
    assert "another branch" in words(page)
    assert page.count('<details class="side">') == 1


def test_redaction_keeps_what_belongs_together() -> None:
    """An id that a rule matches is hashed alike wherever it is named."""
    mail = "ada@example.org"
    first = turn("t", 0, 1, said("user", "Hi", 0, id=mail), id=mail)
    second = turn("t", 2, 3, said("user", "Ho", 2), continues=mail, branches_from=mail)
    told = redacted_record(conversation("t", first, second, superseded=(mail,)), redactor_of("pii"))
    hashed = told.turns[0].id
    assert hashed.startswith("redacted:")
    assert told.turns[1].continues == told.turns[1].branches_from == told.superseded[0] == hashed
    assert told.turns[0].messages[0].id == hashed


def test_times_that_no_calendar_knows_do_not_spoil_a_page() -> None:
    """A recorded time may be anything."""
    strange = turn("t", 0, 1, said("user", "Hello", 0, at_ns=2**62 * SECOND))
    strange = msgspec.structs.replace(strange, started_ns=2**62 * SECOND)
    assert "Hello" in html(Conversation(thread_id="t", turns=(strange,), created_ns=-(2**70)))


def test_the_scope_of_a_conversation_shows_what_it_recorded() -> None:
    """In a notebook the scope itself is worth a look, during and after."""
    with threadline.Client(store="memory") as client, serving_as_default(client):
        scope = threadline.conversation("t-1")
        assert "nothing recorded yet" in scope._repr_mimebundle_()["text/plain"]
        with scope, threadline.turn(input="Tea?") as one:
            one.output = "Yes."
        shown = scope._repr_mimebundle_()
        assert audited(shown["text/html"]).wrong == []
        assert "Tea?" in shown["text/html"]
        assert "assistant | Yes." in shown["text/plain"]


def test_drawing_costs_what_is_drawn_not_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 90,000 messages that models were sent again only those are read that are written out."""
    count = 0

    def counted(what: str, message: Message) -> Content:
        nonlocal count
        count += 1
        return message_content(what, message)

    monkeypatch.setattr(timeline_module, "message_content", counted)
    monkeypatch.setattr(contents_module, "message_content", counted)
    page_of(long_conversation(300))
    assert 0 < count < 3_000


def test_a_notebook_names_history_of_turns_that_it_leaves_out() -> None:
    """What a model was sent of turns that are not shown is counted, and not written out."""
    text = words(fragment_of(long_conversation(60)))
    assert "20 messages of turns left out here" in text
    assert "Question 9?" not in text
