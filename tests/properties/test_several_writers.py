"""Several processes that write one store keep the record that one alone would have kept."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

import threadline
from threadline import Client
from threadline.cli.app import app
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store.held import Held
from threadline.store.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.model import Message

WRITERS = 3


class Step(NamedTuple):
    """A turn at one of the writers, perhaps after an earlier answer was dropped; or a deletion."""

    what: Literal["say", "say again", "delete thread", "delete user"]
    writer: int
    thread_id: str
    user_id: str


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(["say"] * 5 + ["say again", "delete thread", "delete user"]),
        st.integers(0, WRITERS - 1),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["anna", "ben"]),
    ),
    min_size=3,
    max_size=14,
)


def say(client: Client, step: Step, history: list[BaseMessage], number: int) -> None:
    """Let the application ask with all of the history that it keeps itself."""
    history.append(HumanMessage(f"question {number % 4}"))  # some are asked again and again
    model = GenericFakeChatModel(messages=iter([AIMessage(f"answer {number}")]))
    metadata = {"thread_id": step.thread_id, "user_id": step.user_id}
    config: Any = {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": metadata}
    history.append(model.invoke(history, config))


def texts(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(str(one.role), one.text) for one in messages]


def record_of(path: Path) -> dict[str, Any]:
    """Return what a person would read of each conversation, and what every model was told."""
    with threadline.open(path) as store:
        return {
            one.thread_id: (
                texts(one.prelude),
                [
                    (
                        turn.user_id,
                        str(turn.status),
                        texts(turn.messages),
                        [texts(span.input_messages) for span in turn.spans],
                    )
                    for turn in one.turns
                ],
            )
            for thread_id in ("a", "b")
            if (one := store.conversation(thread_id)) is not None
        }


def recorded(path: Path, done: Sequence[Step], writers: int) -> dict[str, Any]:
    """Take the steps, each stored before the next one begins."""
    kept: defaultdict[str, list[BaseMessage]] = defaultdict(list)
    with ExitStack() as opened:
        clients = [
            opened.enter_context(Client(store=path, ship=False, min_free_bytes=0))
            for _ in range(writers)
        ]
        for number, step in enumerate(done):
            client = clients[step.writer % writers]
            if step.what == "delete thread":
                with threadline.open(path) as store:
                    store.delete(thread_id=step.thread_id)
            elif step.what == "delete user":
                with threadline.open(path) as store:
                    store.delete(user_id=step.user_id)
            else:
                if step.what == "say again":
                    del kept[step.thread_id][-2:]
                say(client, step, kept[step.thread_id], number)
            assert client.flush().complete
    return record_of(path)


@settings(max_examples=60, deadline=None)
@given(steps)
@example(
    [
        Step("say", 0, "a", "anna"),
        Step("say", 1, "a", "ben"),
        Step("delete user", 0, "a", "ben"),
        Step("say", 0, "a", "anna"),
    ]
)
@example(
    [
        Step("say", 0, "a", "anna"),
        Step("delete thread", 1, "a", "anna"),
        Step("say", 1, "a", "anna"),
        Step("say", 0, "a", "anna"),
    ]
)
def test_writers_in_turn_keep_what_one_would_have_kept(done: list[Step]) -> None:
    done = [Step("say", 0, "a", "anna"), *done]  # a store that can be read
    with tempfile.TemporaryDirectory() as folder:
        alone = recorded(Path(folder) / "one.db", done, 1)
        together = recorded(Path(folder) / "several.db", done, WRITERS)
    assert together == alone


def test_a_turn_costs_the_same_however_long_its_conversation_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where several processes write, each reads on what others added, and not all of it anew."""
    counts: list[int] = []
    add = Held.add

    def counted(self: Held, *args: Any) -> int:
        counts[-1] += 1
        return add(self, *args)

    monkeypatch.setattr(Held, "add", counted)
    done = [Step("say", number % 2, "a", "anna") for number in range(40)]
    kept: list[BaseMessage] = []
    with ExitStack() as opened:
        clients = [
            opened.enter_context(Client(store=tmp_path / "s.db", ship=False, min_free_bytes=0))
            for _ in range(2)
        ]
        for number, step in enumerate(done):
            counts.append(0)
            say(clients[step.writer], step, kept, number)
            assert clients[step.writer].flush().complete
    assert counts[2:] == [4] * 38, "its own two messages, and the two of the other process"


def remembered(client: Client) -> tuple[Any, ...]:
    """Return what a client's writer would judge the next turn of the conversation by."""
    store = client._started().store
    store.begin(now_ns=0)
    store.load([("", "a")])
    held = store.held("", "a", now_ns=0)
    store.commit(Rows(store.key))  # an end by which it goes on to remember
    return list(held.digests), bytes(held.kinds), list(held.roles), dict(held.ids), held.said


@pytest.mark.parametrize("is_new", [False, True], ids=["who was there", "who comes then"])
def test_what_is_imported_meanwhile_is_told_once(tmp_path: Path, *, is_new: bool) -> None:
    """A writer that remembers history as the prelude learns that its own turn tells it now."""
    elsewhere, here = tmp_path / "elsewhere.db", tmp_path / "here.db"
    kept: list[BaseMessage] = []
    step = Step("say", 0, "a", "anna")
    with Client(store=elsewhere, min_free_bytes=0) as client:
        say(client, step, kept, 1)
    with Client(store=here, min_free_bytes=0) as client, ExitStack() as opened:
        say(client, step, kept, 2)
        assert client.flush().complete
        taken = CliRunner().invoke(app, ["import", "--store", str(here), str(elsewhere)])
        assert taken.exit_code == 0, taken.output
        fresh = opened.enter_context(Client(store=here, min_free_bytes=0))
        assert remembered(client) == remembered(fresh)
        later = fresh if is_new else client
        del kept[-2:]
        say(later, step, kept, 3)
        del kept[-4:]
        say(later, step, kept, 4)
    prelude, turns = record_of(here)["a"]
    assert prelude == []
    assert [[text for _, text in said] for _, _, said, _ in turns] == SAID_AND_SAID_AGAIN


SAID_AND_SAID_AGAIN = [
    ["question 1", "answer 1"],
    ["question 2", "answer 2"],
    ["question 3", "answer 3"],
    ["question 0", "answer 4"],
]
