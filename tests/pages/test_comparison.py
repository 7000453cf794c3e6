"""The same inputs side by side: what is compared, and that anybody can read it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models import FakeListChatModel
from tests.hostile import hostile
from tests.pages.audit import audited
from tests.pages.test_pages import words

from threadline import Client
from threadline.errors import ArgumentError
from threadline.importing.adopting import adopt
from threadline.langchain import ThreadlineCallbackHandler
from threadline.render.page.pages import page_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Client(store=tmp_path / "store.db", min_free_bytes=0) as client:
        yield client


def ask(client: Client, tag: str, question: str, answer: str, user_id: str = "ada") -> None:
    config = {"callbacks": [ThreadlineCallbackHandler(client)], "tags": [tag]}
    metadata = {"thread_id": f"{tag}-{question}", "user_id": user_id}
    FakeListChatModel(responses=[answer]).invoke(question, {**config, "metadata": metadata})
    client.flush()


def test_what_was_asked_on_both_sides_stands_first(client: Client) -> None:
    """Spaces and capitals make no other question; of several turns the newest counts."""
    ask(client, "a", "Only here?", "Yes.")
    ask(client, "a", "When are you open?", "From nine.")
    ask(client, "a", "When are you open?", "From ten.")
    ask(client, "b", "when are  you open?", "At **ten**.")
    found = client.reader().compare(tag=["a", "b"])
    assert [one.input for one in found.inputs] == ["When are you open?", "Only here?"]
    assert [one.outputs for one in found.inputs] == [("From ten.", "At **ten**."), ("Yes.", None)]
    first, second = found.inputs[0].turns
    assert first is not None
    assert second is not None
    assert first.diff(second)
    assert str(found).splitlines()[:4] == [
        "2 inputs, by tag: a | b",
        "> When are you open?",
        "  a: From ten.",
        "  b: At **ten**.",
    ]


def test_other_filters_narrow_all_sides_down(client: Client) -> None:
    """And what is left out because it is old is said."""
    ask(client, "a", "One?", "Yes.")
    ask(client, "a", "Two?", "Yes.", user_id="bob")
    found = client.reader().compare(tag=["a", "b"], user_id="bob")
    assert [one.input for one in found.inputs] == ["Two?"]
    cut = client.reader().compare(tag=["a", "b"], limit=1)
    assert (len(cut), cut.is_cut) == (1, True)
    assert "older turns were left out" in words(page_of(cut))


@pytest.mark.parametrize("wrong", [{}, {"tag": "a"}, {"tag": ["a"]}, {"tag": ["a", "a"]}])
def test_sides_must_be_named(client: Client, wrong: dict[str, object]) -> None:
    """One filter with two values or more says what is compared."""
    ask(client, "a", "One?", "Yes.")
    with pytest.raises(ArgumentError, match="two or more values"):
        client.reader().compare(**wrong)


def test_it_is_a_table_that_needs_no_style(client: Client) -> None:
    """With style and script stripped it still tells the sides, what was asked and what came."""
    ask(client, "a", "When?", "From *nine*.")
    ask(client, "b", "When?", "Never.")

    async def inside_a_loop() -> str:
        return client.reader().compare(tag=["a", "b"])._repr_html_()

    shown = asyncio.run(inside_a_loop())
    audit = audited(shown)
    assert audit.wrong == []
    bare = shown[: shown.index("<style")] + shown[shown.index("</style>") :]
    told = "".join(audited(bare).text.split())
    assert "Bytag:a,b1input,1ofthemaskedoneverysideaskedabWhen?Fromnine." in told
    assert "<bdi>a</bdi></th>" in bare


def test_nothing_recorded_acts_there(client: Client) -> None:
    """Every recorded text is as inert as on the other pages; more of it can be redacted."""
    adopt([hostile()], client=client)
    threads = [turn.thread_id for turn in client.reader().turns()]
    ask(client, "b", "Who?", "ada@example.org")
    found = client.reader().compare(thread_id=[threads[0], "b-Who?"])
    assert audited(page_of(found)).wrong == []


def test_it_is_saved_as_a_page(client: Client, tmp_path: Path) -> None:
    """With more redacted where that is asked for."""
    ask(client, "a", "Who?", "ada@example.org")
    ask(client, "b", "Who?", "bob@example.org")
    page = client.reader().compare(tag=["a", "b"]).to_html(tmp_path / "x.html", redact="pii")
    assert "example.org" not in page.read_text()
    assert "[redacted:email]" in page.read_text()
