"""Nothing that was recorded acts, loads or misleads on a page, whatever field it stands in."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile import hostile
from tests.pages.attacks import ATTACKS, attacked
from tests.pages.audit import audited
from tests.samples import all_samples, conversation, said, turn

from threadline.model import BlobPart, Conversation, ConversationSummary, Page, SearchHit, TextPart
from threadline.render.page.markdown import from_markdown
from threadline.render.page.pages import fragment_of, page_of

SAMPLES = all_samples()
STYLE = audited(page_of(SAMPLES[0])).styles


def roles_attacked(one: Conversation, attack: str) -> Conversation:
    """Let the attack be the role of a message, as a framework of one's own may choose it."""
    first = one.turns[0]
    message = said(attack, attack, 0, id="role")
    told = msgspec.structs.replace(first, messages=(*first.messages, message))
    return msgspec.structs.replace(one, turns=(told, *one.turns[1:]))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_no_attack_acts_on_a_page(attack: str) -> None:
    """Each attack stands in every field of every sample, and only our own elements are there."""
    samples = SAMPLES if len(attack) < 10_000 else SAMPLES[:1]
    for sample in samples:
        audit = audited(page_of(roles_attacked(attacked(sample, attack), attack)))
        assert audit.wrong == [], sample.thread_id
        assert audit.styles == STYLE


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_no_attack_acts_in_a_notebook(attack: str) -> None:
    """The same holds for what a notebook shows: conversations, turns, spans, lists."""
    one = attacked(SAMPLES[0], attack)
    summary = ConversationSummary(thread_id=attack, title=attack, user_id=attack, tags=(attack,))
    hit = SearchHit(thread_id=attack, turn_id=attack, role=attack, snippet=attack)
    pages = [Page([summary]), Page([hit]), Page(one.turns), Page([attack])]
    for thing in [one, one.turns[0], *one.turns[0].spans, *pages]:
        audit = audited(fragment_of(thing))
        assert audit.wrong == []
        assert audit.styles == STYLE


def test_control_sequences_of_every_field_are_shown_not_sent() -> None:
    """What would drive a terminal or turn the reading order is on no page."""
    assert audited(page_of(hostile())).wrong == []


def test_the_words_of_an_attack_are_still_read() -> None:
    """Nothing is hidden: what was said stands there as it was said."""
    attack = ATTACKS["script"]
    assert audited(page_of(attacked(SAMPLES[0], attack))).text.count(attack) > 20


def test_only_links_to_the_web_and_mail_are_links() -> None:
    """Of all addresses in markdown only harmless ones can be followed, and none is loaded."""
    text = "\n\n".join(value for name, value in ATTACKS.items() if name.startswith("markdown"))
    audit = audited(from_markdown(text + "\n\n[w](https://ok.example) [m](mailto:a@ok.example)"))
    assert audit.wrong == []
    assert {"https://ok.example", "mailto:a@ok.example"} <= set(audit.links)
    assert "img" not in audit.elements


@pytest.mark.parametrize(
    "mime", ["image/svg+xml", "text/html", 'image/png" onload="x', "IMAGE/PNG"]
)
def test_bytes_that_could_act_are_named_not_shown(mime: str) -> None:
    """Only formats that hold nothing but dots become pictures."""
    message = said("user", "", 0, parts=(TextPart("see"), BlobPart(b"<svg/>", mime_type=mime)))
    audit = audited(page_of(conversation("t", turn("t", 0, 1, message))))
    assert audit.wrong == []
    assert "img" not in audit.elements
    assert "6 bytes" in audit.text


def test_a_page_forbids_what_it_does_not_need() -> None:
    """A browser is told to run no script, to load nothing, and to take no other style."""
    page = page_of(SAMPLES[0])
    assert "default-src &#x27;none&#x27;; style-src &#x27;sha256-" in page
    assert "script-src" not in page
    assert "unsafe" not in page


@pytest.mark.parametrize(
    "deep",
    [
        pytest.param(
            "\n".join(" " * 2 * depth + f"- item{depth}." for depth in range(200)), id="lists"
        ),
        pytest.param(
            "\n".join("> " * depth + f"item{depth}.\n" for depth in range(200)), id="quotes"
        ),
        pytest.param("".join(f"*item{depth}. _" for depth in range(200)), id="emphasis"),
        pytest.param("".join(f"[item{depth}. " for depth in range(200)), id="brackets"),
    ],
)
def test_nothing_is_too_deep_to_be_read(deep: str) -> None:
    """However deeply an answer is nested, all its words are on the page."""
    text = audited(from_markdown(deep)).text
    assert [depth for depth in range(200) if f"item{depth}." not in text] == []


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!#-|\\\n\t :;/=javscript:0x\u202e\x1b\ud800"))
)
def test_any_markdown_is_laid_out_safely(text: str) -> None:
    """Whatever is written in an answer, laying it out neither fails nor lets anything act."""
    assert audited(from_markdown(text)).wrong == []
