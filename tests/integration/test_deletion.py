"""Deletion: gone from every answer at once, and nothing brings it back (P9)."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from tests.stored import NOW, Stored, turn_id

import threadline
from threadline.clock import SystemClock
from threadline.errors import ArgumentError
from threadline.ids import pack_id, redacted_id
from threadline.langchain import ThreadlineCallbackHandler
from threadline.model import Event, Feedback, Rating, TextPart
from threadline.store.database import connect_reader
from threadline.store.values import BlobShelf, pack_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.store.reader import Reader

SECRET = "xylophone"


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    store = Stored(tmp_path / "s.db")
    yield store
    store.close()


@pytest.fixture(params=["file", "memory"])
def client(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[threadline.Client]:
    store = tmp_path / "s.db" if request.param == "file" else "memory"
    with threadline.Client(store=store, min_free_bytes=0, redact=["pii"]) as client:
        yield client


def say(
    client: threadline.Client, thread_id: str, question: str, *history: BaseMessage, **more: str
) -> str:
    """Ask a model that answers with the question, and return its answer."""
    model = GenericFakeChatModel(messages=iter([AIMessage(f"You said {question}")]))
    handler = ThreadlineCallbackHandler(client)
    metadata = {"thread_id": thread_id, **more}
    asked = [*history, HumanMessage(question)]
    answer = model.invoke(asked, config={"callbacks": [handler], "metadata": metadata})
    return str(answer.text)


def dump(stored: Stored, *, without: tuple[str, ...] = ("search",)) -> str:
    """Everything that any table holds, as text."""
    tables = stored.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    names = [name for (name,) in tables if not name.startswith(without)]
    return "\n".join(
        repr(row) for name in names for row in stored.connection.execute(f"SELECT * FROM {name}")
    )


def words_in_index(stored: Stored) -> set[str]:
    stored.connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.seen USING fts5vocab('main', 'search', 'row')"
    )
    return {row[0] for row in stored.connection.execute("SELECT term FROM temp.seen")}


def everything_told(reader: Reader) -> str:
    """All that the reader tells by any of its ways."""
    summaries = reader.conversations(limit=1000)
    turns = reader.turns(limit=1000, kind=None)
    whole = [reader.conversation(s.thread_id, tenant=s.tenant) for s in summaries]
    return repr((list(summaries), list(turns), whole, reader.last()))


def test_a_deleted_conversation_is_gone(client: threadline.Client) -> None:
    say(client, "t-1", f"the {SECRET} is mine", user_id="u-1")
    say(client, "t-1", f"my {SECRET} again", user_id="u-1")
    say(client, "t-2", "something else", user_id="u-1")
    threadline.feedback(f"no {SECRET}", thread_id="t-1", client=client)
    reader = client.reader()
    assert len(reader.search(SECRET)) == 4
    gone = reader.turns(thread_id="t-1")[0].id
    assert reader.delete(thread_id="t-1") == 1
    assert reader.conversation("t-1") is None
    assert reader.turn(gone) is None
    assert list(reader.search(SECRET)) == []
    assert SECRET not in everything_told(reader)
    assert [c.thread_id for c in reader.conversations()] == ["t-2"]
    assert reader.delete(thread_id="t-1") == 0


def test_a_replayed_history_brings_nothing_back(client: threadline.Client) -> None:
    """The thread may go on; what the caller still holds of it is stored as deleted."""
    history = [HumanMessage(f"the {SECRET} is mine")]
    history.append(AIMessage(say(client, "t-1", str(history[0].text))))
    reader = client.reader()
    reader.delete(thread_id="t-1")
    say(client, "t-1", "go on", *history)
    say(client, "t-9", "elsewhere", *history)
    assert SECRET not in everything_told(reader)
    assert list(reader.search(SECRET)) == []
    conversation = reader.conversation("t-1")
    assert conversation is not None
    assert [m.text for m in conversation.prelude] == ["[deleted]", "[deleted]"]
    assert [m.text for m in conversation.messages] == ["go on", "You said go on"]
    inputs = conversation.turns[0].llm_calls[0].input_messages
    assert [m.text for m in inputs] == ["[deleted]", "[deleted]", "go on"]


def test_an_inner_model_call_brings_nothing_back(client: threadline.Client) -> None:
    """A chain asks for a summary of the old history: that input is kept without words."""
    history = [HumanMessage(f"the {SECRET} is mine")]
    history.append(AIMessage(say(client, "t-1", str(history[0].text))))
    reader = client.reader()
    reader.delete(thread_id="t-1")
    inner = GenericFakeChatModel(messages=iter([AIMessage("They talked.")]))
    outer = GenericFakeChatModel(messages=iter([AIMessage("Go on.")]))

    def answer(question: str) -> str:
        inner.invoke([*history, HumanMessage("Sum it up.")])
        return str(outer.invoke(question).text)

    handler = ThreadlineCallbackHandler(client)
    config = {"callbacks": [handler], "metadata": {"thread_id": "t-1"}}
    RunnableLambda(answer).invoke("and now?", config)
    assert SECRET not in everything_told(reader)
    [turn] = reader.turns()
    first = turn.llm_calls[0].input_messages
    assert [m.text for m in first] == ["[deleted]", "[deleted]", "Sum it up."]


def test_what_was_said_before_the_deletion_stays_away(tmp_path: Path) -> None:
    """Feedback and titles that still wait for the store are older than the deletion: dropped."""
    store = tmp_path / "s.db"
    with threadline.Client(store=store, min_free_bytes=0) as late:
        say(late, "t-1", "hello", user_id="u-1")
        with late.reader() as reader, late.parked(5.0):
            threadline.feedback(f"no {SECRET}", thread_id="t-1", client=late)
            threadline.update("t-1", title=SECRET, client=late)
            reader.delete(thread_id="t-1")
        late.flush()
        with late.reader() as reader:
            assert reader.conversation("t-1") is None
            assert SECRET not in everything_told(reader)


def test_a_turn_under_way_at_the_deletion_is_not_stored(client: threadline.Client) -> None:
    say(client, "t-0", "hello")
    reader = client.reader()

    class Deleting(GenericFakeChatModel):
        def _generate(self, *args: object, **more: object) -> object:
            reader.delete(thread_id="t-1")
            return super()._generate(*args, **more)

    model = Deleting(messages=iter([AIMessage(SECRET)]))
    handler = ThreadlineCallbackHandler(client)
    model.invoke(SECRET, config={"callbacks": [handler], "metadata": {"thread_id": "t-1"}})
    assert reader.conversation("t-1") is None
    assert SECRET not in everything_told(reader)
    say(client, "t-1", "begun later")
    assert reader.conversation("t-1") is not None


def test_a_waiting_journal_brings_nothing_back(tmp_path: Path) -> None:
    """What a killed process left, taken in after the deletion, is not stored."""
    path = tmp_path / "s.db"
    program = f"""
        import os, signal, threadline
        from langchain_core.language_models.fake_chat_models import FakeListChatModel
        from threadline.langchain import ThreadlineCallbackHandler
        client = threadline.Client(store={str(path)!r}, min_free_bytes=0)
        handler = ThreadlineCallbackHandler(client)
        client.flush = lambda *_: None
        client._started().writer.wake = lambda: None
        for thread in ("t-1", "t-2"):
            FakeListChatModel(responses=["{SECRET}"]).invoke(
                "hello", config={{"callbacks": [handler], "metadata": {{"thread_id": thread}}}}
            )
        os.kill(os.getpid(), signal.SIGKILL)
    """
    stored = Stored(path)
    stored.close()
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    waiting = list(path.with_name(path.name + ".journals").glob("*.journal"))
    assert waiting
    assert SECRET.encode() in waiting[0].read_bytes()
    assert stored.reader(clock=SystemClock()).delete(thread_id="t-1") == 0
    with threadline.Client(store=path, min_free_bytes=0) as client:
        reader = client.reader()
        assert [c.thread_id for c in reader.conversations()] == ["t-2"]


def test_a_user_is_forgotten(client: threadline.Client) -> None:
    """Conversations of theirs go; of shared ones their turns go, and the others' stay."""
    say(client, "mine", f"only {SECRET}", user_id="ada@example.org")
    say(client, "shared", f"{SECRET} in company", user_id="ada@example.org")
    say(client, "shared", "other words", user_id="u-2")
    say(client, "shared", f"{SECRET} once more", user_id="ada@example.org")
    say(client, "theirs", "nothing of it", user_id="u-2")
    threadline.feedback(
        f"hm {SECRET}", thread_id="theirs", user_id="ada@example.org", client=client
    )
    reader = client.reader()
    assert len(reader.conversations(user_id="ada@example.org")) == 2
    assert len(reader.search(SECRET)) == 6
    assert reader.delete(user_id="ada@example.org") == 2
    assert SECRET not in everything_told(reader)
    assert list(reader.search(SECRET)) == []
    assert list(reader.turns(user_id="ada@example.org", kind=None)) == []
    assert [c.thread_id for c in reader.conversations()] == ["theirs", "shared"]
    shared = reader.conversation("shared")
    assert shared is not None
    assert [m.text for m in shared.messages] == ["other words", "You said other words"]
    [line] = reader.conversations(thread_id="shared")
    assert (line.turn_count, line.message_count, line.user_id) == (1, 2, "u-2")
    assert line.preview == "other words"


def test_a_shared_conversation_goes_on_after_one_of_its_users_is_forgotten(
    client: threadline.Client,
) -> None:
    """Positions of messages stay true: what is said later does not overwrite what is left."""
    say(client, "shared", "first", user_id="u-1")
    say(client, "shared", "second", user_id="u-2")
    reader = client.reader()
    reader.delete(user_id="u-1")
    say(client, "shared", "third", user_id="u-2")
    shared = reader.conversation("shared")
    assert shared is not None
    assert [m.text for m in shared.messages] == [
        "second", "You said second", "third", "You said third",
    ]  # fmt: skip
    assert len({m.id for m in shared.messages}) == 4


def test_a_forgotten_user_may_come_back_with_new_words(client: threadline.Client) -> None:
    say(client, "t", "before", user_id="u-1")
    reader = client.reader()
    assert reader.delete(user_id="u-1") == 1
    say(client, "t", "after", user_id="u-1")
    conversation = reader.conversation("t")
    assert conversation is not None
    assert [m.text for m in conversation.messages] == ["after", "You said after"]


def fill(stored: Stored, thread: str, word: str) -> None:
    """Put `word` wherever a conversation can hold it."""
    ident = stored.turn(thread, ("user", f"{word} question"), metadata={"a": word}, name=word)
    shelf = BlobShelf(b"k")
    packed = pack_value((TextPart(f"{word} " * 3000),), shelf)
    row = stored.conversation(thread, title=word, tags=[word], preview=word, user_id=word)
    for digest, data in shelf.blobs.items():
        stored.insert("blob", conversation=row, digest=digest, data=data)
    stored.message(thread, "assistant", (), kind="said")
    stored.message(thread, "system", f"{word} context")
    stored.connection.execute("UPDATE message SET parts = ? WHERE parts = '[]'", (packed,))
    stored.span(0, "llm", word, input="0", output="1", detail={"query": word})
    stored.observation(0, word, arguments=f'{{"a":"{word}"}}', result=f'"{word}"')
    about = {"at_ns": 1, "turn_id": ident}
    stored.note(Rating(id=f"1-{word}", value=1, comment=word, thread_id=thread, **about))
    stored.note(Feedback(id=f"2-{word}", text=word, **about))
    stored.note(Event(id=f"3-{word}", at_ns=1, name=word, thread_id=thread))
    for kind, record, whose in (
        ("turn", ident, row),
        ("rating", f"1-{word}", row),
        ("feedback", f"2-{word}", None),
    ):
        stored.insert("outbox", destination="d", kind=kind, record_id=record, conversation=whose)
    for record in ("", pack_id(ident)):
        data = f'{{"theirs":"{word}"}}'
        stored.insert("receipt", destination="d", conversation=row, record_id=record, data=data)


def test_what_came_back_for_a_forgotten_users_turns_goes_with_them(stored: Stored) -> None:
    """What a destination called the conversation and the turns of others stays."""
    users = ("u-1", "u-2")
    turns = {u: pack_id(stored.turn("t", ("user", u), user_id=u)) for u in users}
    for record in ("", *turns.values()):
        stored.insert("receipt", destination="d", conversation=1, record_id=record, data="{}")
    assert stored.reader().delete(user_id="u-1") == 1
    left = stored.connection.execute("SELECT record_id FROM receipt ORDER BY 1").fetchall()
    assert left == [("",), (turns["u-2"],)]


def test_nothing_of_a_deleted_conversation_is_in_any_table(stored: Stored) -> None:
    """Messages, blobs, spans, observations, notes, the outbox and the index; keyed hashes stay."""
    fill(stored, "gone", SECRET)
    fill(stored, "kept", "kettledrum")
    reader = stored.reader()
    assert len(reader.search(SECRET)) == 3
    assert SECRET in words_in_index(stored)
    before = dump(stored).count("kettledrum")

    assert reader.delete(thread_id="gone") == 1

    left = dump(stored)
    assert SECRET not in left
    assert "gone" not in left
    assert left.count("kettledrum") == before
    assert words_in_index(stored) == {"kettledrum", "question", "a"}
    assert len(reader.search("kettledrum")) == 3
    assert stored.connection.execute("SELECT count(*) FROM outbox").fetchone() == (3,)
    hashes = stored.connection.execute("SELECT hash, at_ns FROM tombstone").fetchall()
    assert len(hashes) == 4  # two forms of the thread id, two messages that were said
    assert {at_ns for _, at_ns in hashes} == {NOW}


def test_blobs_of_a_forgotten_user_go_and_those_of_others_stay(stored: Stored) -> None:
    """Also where both said the same: a blob that is still referred to is kept."""
    parts = {}
    for word in ("mine", "ours"):
        shelf = BlobShelf(b"k")
        parts[word] = pack_value((TextPart(f"{word} " * 6000),), shelf)
        for digest, data in shelf.blobs.items():
            stored.insert("blob", conversation=1, digest=digest, data=data)
    for user, words in (("u-1", ("mine", "ours")), ("u-2", ("ours",)), ("u-1", ("mine",))):
        stored.turn("t", at=stored.turns, user_id=user)
        for word in words:
            stored.message("t", "user", (), kind="said")
            stored.connection.execute(
                "UPDATE message SET parts = ? WHERE parts = '[]'", (parts[word],)
            )
    reader = stored.reader()
    assert len(reader.search("mine")) == 2
    assert reader.delete(user_id="u-1") == 1
    conversation = reader.conversation("t")
    assert conversation is not None
    assert [m.text[:9] for m in conversation.messages] == ["ours ours"]
    assert stored.connection.execute("SELECT count(*) FROM blob").fetchone() == (1,)
    assert (len(reader.search("mine")), len(reader.search("ours"))) == (0, 1)


@pytest.mark.parametrize("whose", [{"user_id": "ada"}, {"thread_id": "mine"}])
def test_no_word_of_the_deleted_is_left_in_any_file(tmp_path: Path, whose: dict[str, str]) -> None:
    """Not in the index of words either, which marks what it is to forget by its very words."""
    path = tmp_path / "s.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        say(client, "mine", f"only {SECRET}", user_id="ada")
        say(client, "theirs", "nothing of it", user_id="bob")
        reader = client.reader()
        assert len(reader.search(SECRET)) == 2
        assert reader.delete(**whose) == 1
        assert [hit.thread_id for hit in reader.search("nothing")] == ["theirs", "theirs"]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]


@pytest.mark.parametrize("whose", [{"user_id": "ada"}, {"thread_id": "mine"}])
def test_parameters_of_model_calls_that_name_a_user_go(
    tmp_path: Path, whose: dict[str, str]
) -> None:
    """They are kept once for all conversations, and go with the last call that was given them."""
    path = tmp_path / "s.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        handler = ThreadlineCallbackHandler(client)
        for thread_id, user in (("mine", "ada"), ("theirs", "bob")):
            model = GenericFakeChatModel(messages=iter([AIMessage("yes"), AIMessage("yes")]))
            metadata = {"thread_id": thread_id, "user_id": user}
            for given in ({"user": f"{SECRET} {user}"}, {"seed": 7}):
                config = {"callbacks": [handler], "metadata": metadata}
                model.bind(**given).invoke("hello", config)
        reader = client.reader()
        assert reader.delete(**whose) == 1
        calls = [turn.llm_calls[0].parameters for turn in reader.turns()]
    assert [(p.get("user"), p.get("seed")) for p in calls] == [(None, 7), (f"{SECRET} bob", None)]
    with closing(connect_reader(path)) as connection:
        left = repr(connection.execute("SELECT data FROM blob").fetchall())
    assert f"{SECRET} bob" in left
    assert f"{SECRET} ada" not in left


def test_prelude_that_came_with_a_forgotten_user_goes_and_that_of_others_stays(
    stored: Stored,
) -> None:
    stored.turn("t", ("user", "one"), prelude=(("user", "mine before"),), at=1, user_id="u-1")
    stored.turn("t", ("user", "two"), prelude=(("user", "theirs before"),), at=2, user_id="u-2")
    stored.turn("t", ("user", "three"), at=3, user_id="u-1")
    stored.turn("t", ("user", "four"), at=4, user_id="u-2")
    stored.span(0, "llm", input="0-5")
    reader = stored.reader()
    assert reader.delete(user_id="u-1") == 1
    conversation = reader.conversation("t")
    assert conversation is not None
    assert [m.text for m in conversation.prelude] == ["theirs before"]
    assert [m.text for m in conversation.messages] == ["two", "four"]
    inputs = conversation.turns[-1].spans[0].input_messages
    assert [m.text for m in inputs] == [
        "[deleted]", "[deleted]", "theirs before", "two", "[deleted]", "four",
    ]  # fmt: skip
    assert "mine" not in dump(stored)


def test_a_deletion_is_of_one_tenant(stored: Stored) -> None:
    for tenant in ("", "acme"):
        stored.turn("t", ("user", "hi"), tenant=tenant, user_id="u")
        stored.turn("s", ("user", "hi"), tenant=tenant, user_id="u")
    reader = stored.reader()
    assert reader.delete(thread_id="t", tenant="acme") == 1
    assert reader.delete(user_id="u") == 2
    assert list(reader.conversations()) == []
    assert [c.thread_id for c in reader.conversations(tenant="acme")] == ["s"]


def test_an_id_that_a_rule_matched_is_deleted_by_what_it_was(stored: Stored) -> None:
    hidden = redacted_id("ada@example.org", b"k" * 32)
    stored.turn(hidden, ("user", "hi"))
    assert stored.reader().delete(thread_id="ada@example.org") == 1
    assert list(stored.reader().conversations()) == []


def test_a_deletion_names_a_thread_or_a_user(stored: Stored) -> None:
    reader = stored.reader()
    for wrong in ({}, {"thread_id": "t", "user_id": "u"}):
        with pytest.raises(ArgumentError, match="thread_id"):
            reader.delete(**wrong)


def test_a_deletion_that_fails_changes_nothing(stored: Stored) -> None:
    ident = stored.turn("t", ("user", SECRET))
    stored.connection.execute(
        "CREATE TRIGGER stuck BEFORE DELETE ON turn BEGIN SELECT raise(ABORT, 'stuck'); END"
    )
    reader = stored.reader()
    assert reader.search(SECRET)
    before = dump(stored)
    with pytest.raises(threadline.errors.StoreUnavailableError, match="stuck"):
        reader.delete(thread_id="t")
    assert dump(stored) == before
    assert [h.turn_id for h in reader.search(SECRET)] == [ident]


def test_an_index_that_cannot_be_told_is_built_anew(stored: Stored) -> None:
    """Better no index than one that keeps deleted words."""
    stored.turn("gone", ("user", SECRET))
    stored.turn("kept", ("user", "kettledrum"))
    reader = stored.reader()
    assert reader.search(SECRET)
    stored.connection.execute("DROP TABLE search")
    assert reader.delete(thread_id="gone") == 1
    assert [h.turn_id for h in reader.search("kettledrum")] == [turn_id(2)]
    assert words_in_index(stored) == {"kettledrum"}


def test_after_a_deletion_the_log_is_moved_into_the_file(stored: Stored) -> None:
    """What the write-ahead log still held of it is gone with it."""
    stored.turn("t", ("user", SECRET))
    stored.reader().delete(thread_id="t")
    log = stored.path.with_name(stored.path.name + "-wal")
    assert not log.exists() or log.stat().st_size == 0
    assert SECRET.encode() not in stored.path.read_bytes()
