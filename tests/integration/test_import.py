"""`threadline import`: other stores, lines of JSON and tables come in as they were, and once."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from msgspec.structs import replace
from rich.console import Console
from tests.samples import all_samples
from tests.taken import everything, same, same_elsewhere

import threadline
from threadline import Client
from threadline.cli.app import app
from threadline.cli.session import Session
from threadline.destinations import JsonLines
from threadline.errors import SettingError
from threadline.importing.adopting import adopt
from threadline.langchain import ThreadlineCallbackHandler
from threadline.model import Status

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.model import Conversation


def run(*arguments: object) -> Result:
    """Run the command on a pipe."""
    return CliRunner().invoke(app, [str(one) for one in arguments], obj=Session())


def taken(*arguments: object) -> dict[str, Any]:
    """Import and return the report."""
    done = run("import", "--json", *arguments)
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def talk(path: Path, thread_id: str, *words: str, user_id: str = "u-1") -> None:
    """Record a conversation whose history its caller holds, as a host that answers requests."""
    with Client(store=path, min_free_bytes=0) as client:
        model = FakeListChatModel(responses=[f"You said {one}." for one in words])
        handler = ThreadlineCallbackHandler(client)
        said: list[HumanMessage | AIMessage] = []
        for one in words:
            said.append(HumanMessage(one))
            metadata = {"thread_id": thread_id, "user_id": user_id}
            answer = model.invoke(said, {"callbacks": [handler], "metadata": metadata})
            said.append(AIMessage(answer.content, id=answer.id))


def words(path: Path, thread_id: str) -> list[str]:
    with threadline.open(path) as store:
        found = store.conversation(thread_id)
        return [] if found is None else [message.text for message in found.messages]


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A store of every kind of conversation there is, with what was noted about them."""
    path = tmp_path / "samples.db"
    with Client(store=path, min_free_bytes=0) as client:
        adopt(all_samples(), client=client)
    return path


def test_a_store_comes_in_whole(samples: Path, tmp_path: Path) -> None:
    """All records, times and ids; what is there already comes no second time."""
    other = tmp_path / "other.db"
    assert taken("--store", other, samples)["conversations"] == 9
    again = taken("--store", other, samples)
    assert (again["turns"], again["notes"], again["known"]) == (0, 0, 12)
    with threadline.open(samples) as one, threadline.open(other) as two:
        assert everything(one) == everything(two)
    same_elsewhere(threadline.open(samples), tmp_path / "third.db")


def test_an_export_comes_back_as_it_was(samples: Path, tmp_path: Path) -> None:
    """Lines of JSON written by one command and read by the other give an equal store."""
    lines, other = tmp_path / "all.jsonl", tmp_path / "other.db"
    assert run("export", "--store", samples, "-o", lines).exit_code == 0
    taken("--store", other, lines)
    with threadline.open(samples) as one, threadline.open(other) as two:
        assert everything(one) == everything(two)
        assert one.search("Paris")[0] == two.search("Paris")[0]


def test_what_was_shipped_as_lines_comes_back(tmp_path: Path) -> None:
    """The file of the JSON lines destination: turns with spans and inputs, ratings, side calls."""
    first, lines, other = (tmp_path / name for name in ("a.db", "out.jsonl", "b.db"))
    destination = JsonLines(lines)
    with Client(store=first, destinations=[destination], min_free_bytes=0) as client:
        model = FakeListChatModel(responses=["Yes.", "No."])
        handler = ThreadlineCallbackHandler(client)
        config = {"callbacks": [handler], "metadata": {"thread_id": "t"}, "tags": ["beta"]}
        model.invoke([HumanMessage("One?", id="m-1")], config)
        said = [HumanMessage("One?", id="m-1"), AIMessage("Yes."), HumanMessage("Two?", id="m-2")]
        model.invoke(said, config)
        aside = {"thread_id": "t", "threadline": "trace"}
        model.invoke("A title?", {"callbacks": [handler], "metadata": aside})
        client.flush()
        turn = client.reader().turns()[0]
        threadline.rate(1, turn_id=turn.id, thread_id="t", comment="good", client=client)
        client.flush()
    taken("--store", other, lines)
    assert taken("--store", other, lines)["turns"] == 0
    with threadline.open(first) as one, threadline.open(other) as two:
        [wanted], [found] = everything(one), everything(two)
        same(
            replace(wanted, created_ns=0, updated_ns=0), replace(found, created_ns=0, updated_ns=0)
        )


def test_hosts_are_merged_into_one_conversation(tmp_path: Path) -> None:
    """Two hosts answered in turn; what one of them only heard as history is told once."""
    first, second = tmp_path / "a.db", tmp_path / "b.db"
    talk(first, "t", "one")
    with threadline.open(first) as store:
        [before] = store.turns()
    with Client(store=second, min_free_bytes=0) as client:
        history = [
            HumanMessage("one"),
            AIMessage("You said one.", id=before.messages[1].framework_id),
        ]
        model = FakeListChatModel(responses=["You said two."])
        config = {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": {"thread_id": "t"}}
        model.invoke([*history, HumanMessage("two")], config)
    for number, order in enumerate(([first, second], [second, first])):
        merged = tmp_path / f"merged-{number}.db"
        taken("--store", merged, *order)
        assert words(merged, "t") == ["one", "You said one.", "two", "You said two."]
        with threadline.open(merged) as store:
            found = store.conversation("t")
            assert found is not None
            assert found.prelude == ()
            sent = [message.text for message in found.turns[1].llm_calls[0].input_messages]
            assert sent == ["one", "You said one.", "two"]


def test_what_was_deleted_here_stays_deleted(tmp_path: Path) -> None:
    """An import brings back neither a conversation nor a user that was deleted."""
    source, target = tmp_path / "a.db", tmp_path / "b.db"
    talk(source, "gone", "one")
    talk(source, "theirs", "two", user_id="u-2")
    talk(source, "kept", "three")
    taken("--store", target, source)
    with threadline.open(target) as store:
        store.delete(thread_id="gone")
        store.delete(user_id="u-2")
    assert taken("--store", target, source)["deleted"] == 2
    assert [words(target, one) for one in ("gone", "theirs")] == [[], []]
    assert words(target, "kept") == ["three", "You said three."]


def test_no_history_brings_deleted_words_back(tmp_path: Path) -> None:
    """A user is deleted here; elsewhere the conversation goes on with that user's words in it."""
    source, target = tmp_path / "a.db", tmp_path / "b.db"
    said: list[HumanMessage | AIMessage] = []

    def ask(text: str, user_id: str) -> None:
        said.append(HumanMessage(text))
        with Client(store=source, min_free_bytes=0) as client:
            metadata = {"thread_id": "t", "user_id": user_id}
            config = {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": metadata}
            answer = FakeListChatModel(responses=[f"To {user_id}."]).invoke(said, config)
        said.append(AIMessage(answer.content, id=answer.id))

    ask("My house number is 4711", "u-1")
    ask("Thanks", "u-2")
    taken("--store", target, source)
    with threadline.open(target) as store:
        store.delete(user_id="u-1")
    ask("And now?", "u-2")
    assert taken("--store", target, source)["turns"] == 1
    with threadline.open(target) as store:
        found = store.conversation("t")
        assert found is not None
        assert [turn.input for turn in found.turns] == ["Thanks", "And now?"]
        sent = [message.text for message in found.turns[1].llm_calls[0].input_messages]
        assert sent == ["[deleted]", "[deleted]", "Thanks", "To u-2.", "And now?"]
        assert found.prelude == ()
    assert b"4711" not in b"".join(p.read_bytes() for p in tmp_path.glob("b.db*") if p.is_file())


@pytest.mark.parametrize("deleted_first", [True, False])
def test_what_another_host_deleted_is_deleted_here_too(
    tmp_path: Path, *, deleted_first: bool
) -> None:
    """In whatever order the stores come, and for recordings that are still to come of that time."""
    first, second, target = (tmp_path / name for name in ("a.db", "b.db", "c.db"))
    for path in (first, second):
        talk(path, f"of-{path.stem}", "one", user_id="u-1")
        talk(path, "shared", f"from {path.stem}", user_id="u-2")
    with threadline.open(second) as store:
        store.delete(user_id="u-1")
        store.delete(thread_id="shared")
    for path in (second, first) if deleted_first else (first, second):
        taken("--store", target, path)
    assert [words(target, one) for one in ("of-a", "of-b", "shared")] == [[], [], []]
    talk(target, "shared", "later")
    assert words(target, "shared") == ["later", "You said later."]


def test_a_turn_under_way_comes_again_when_it_is_whole(samples: Path, tmp_path: Path) -> None:
    """What was seen running elsewhere counts as abandoned until the whole of it comes."""
    with threadline.open(samples) as store:
        whole = store.conversation("trip-0412")
    assert whole is not None
    for half in (_under_way(whole), _half_way(whole)):
        _comes_again(tmp_path / f"{len(half.turns[-1].messages)}.db", half, whole)


def _comes_again(path: Path, half: Conversation, whole: Conversation) -> None:
    with Client(store=path, min_free_bytes=0) as client:
        adopt([half], client=client)
        shown = client.reader().conversation("trip-0412")
        assert shown is not None
        assert [turn.status for turn in shown.turns][-1] == "abandoned"
        assert adopt([whole], client=client).turns == 1
        found = client.reader().conversation("trip-0412")
        assert found is not None
        same(replace(whole, prelude=()), replace(found, prelude=()))
        assert client.reader().conversations()[0].message_count == 7


def _half_way(whole: Conversation) -> Conversation:
    """The question has been asked, and there are spans already."""
    last = replace(whole.turns[-1], status=Status.RUNNING, ended_ns=None)
    return replace(whole, turns=(*whole.turns[:-1], replace(last, messages=last.messages[:1])))


def _under_way(whole: Conversation) -> Conversation:
    last = whole.turns[-1]
    running = replace(
        last, status=Status.RUNNING, ended_ns=None, messages=(), spans=(), ratings=(), feedback=()
    )
    return replace(whole, turns=(*whole.turns[:-1], replace(running, tool_observations=())))


def test_secrets_stay_out(tmp_path: Path) -> None:
    """The rules of the store that takes a file hold for what is in it."""
    key = "sk-proj-" + "a1B2" * 12
    told = {"id": "t", "messages": [{"role": "user", "message": f"My key is {key}"}]}
    (tmp_path / "told.jsonl").write_text(json.dumps(told))
    target = tmp_path / "b.db"
    taken("--store", target, tmp_path / "told.jsonl")
    assert words(target, "t")[0].startswith("My key is [redacted")
    assert key.encode() not in b"".join(
        path.read_bytes() for path in tmp_path.rglob("b.db*") if path.is_file()
    )


def test_the_context_ai_shape_comes_in(tmp_path: Path) -> None:
    """Lines, and a list in one piece of JSON; times, ratings and tools as they were told."""
    told = {
        "id": "shop-1",
        "metadata": {"user_id": "u-9"},
        "messages": [
            {"role": "user", "message": "Where is it?", "event_timestamp": "2024-05-02T18:00:00Z"},
            {
                "type": "tool",
                "name": "track",
                "thought": "I must look.",
                "input": {"id": 7},
                "observation": "in Lyon",
            },
            {"role": "assistant", "message": "In Lyon.", "rating": 1},
        ],
    }
    (tmp_path / "one.json").write_text(json.dumps({"conversations": [told]}, indent=2))
    target = tmp_path / "b.db"
    assert taken("--store", target, tmp_path / "one.json")["turns"] == 1
    with threadline.open(target) as store:
        [turn] = store.turns(rating="up", user_id="u-9")
        assert (turn.input, turn.output) == ("Where is it?", "In Lyon.")
        assert turn.started_ns == 1_714_672_800_000_000_000
        [seen] = turn.tool_observations
        assert (seen.name, seen.arguments, seen.result) == ("track", {"id": 7}, "in Lyon")
        assert seen.thought == "I must look."


def test_fine_tuning_examples_come_in(samples: Path, tmp_path: Path) -> None:
    """Messages in the shape of OpenAI have no id: it follows from what is in them."""
    lines, target = tmp_path / "openai.jsonl", tmp_path / "b.db"
    assert run("export", "--store", samples, "--format", "openai", "-o", lines).exit_code == 0
    count = len(lines.read_text().splitlines())
    assert taken("--store", target, lines)["conversations"] == count
    assert taken("--store", target, lines)["turns"] == 0
    with threadline.open(target) as store:
        [turn] = [turn for turn in store.turns() if "drier" in turn.input]
        conversation = store.conversation(turn.thread_id)
        assert conversation is not None
        assert conversation.id_source == "generated"
        assert [seen.name for seen in conversation.tool_observations] == ["weather", "weather"]
        assert conversation.tool_observations[0].arguments == {"city": "Paris", "days": 2}
        assert conversation.tool_observations[0].result == "rain, 11 °C"


def test_our_own_table_comes_back(samples: Path, tmp_path: Path) -> None:
    """The table of messages, written as CSV: words, roles, times, ratings, who and where."""
    table, target = tmp_path / "messages.csv", tmp_path / "b.db"
    assert run("export", "--store", samples, "--format", "csv", "-o", table).exit_code == 0
    assert taken("--store", target, table)["turns"] > 5
    assert taken("--store", target, table)["turns"] == 0
    with threadline.open(samples) as one, threadline.open(target) as two:
        for turn in one.turns(limit=1000):
            if turn.messages:
                read = two.turn(turn.id)
                assert read is not None
                assert [m.id for m in read.messages] == [m.id for m in turn.messages]
                assert [m.at_ns for m in read.messages] == [m.at_ns for m in turn.messages]
                assert [m.rating for m in read.messages] == [m.rating for m in turn.messages]


def test_a_table_of_another_program_comes_in(tmp_path: Path) -> None:
    """Usual names of columns are understood; each question begins a turn."""
    table = tmp_path / "support.csv"
    table.write_text(
        "conversation_id,timestamp,sender,content\n"
        'c-1,2024-05-02T18:00:05Z,bot,"Hello, how can I help?"\n'
        "c-1,2024-05-02T18:00:00Z,human,Hello\n"
        "c-1,2024-05-02T18:01:00Z,human,'=SUM(A1)\n"
    )
    target = tmp_path / "b.db"
    assert taken("--store", target, table)["turns"] == 2
    assert words(target, "c-1") == ["Hello", "Hello, how can I help?", "=SUM(A1)"]


def test_what_cannot_be_read_is_named_and_the_rest_comes_in(tmp_path: Path) -> None:
    """A line that was cut short is told with its number; the exit code says that something is."""
    told = json.dumps({"id": "t", "messages": [{"role": "user", "message": "Hello"}]})
    (tmp_path / "x.jsonl").write_text(f'{told}\n{{"id": "u", "mess\n[1, {{"record": "turn"}}]\n')
    done = run("import", "--store", tmp_path / "b.db", tmp_path / "x.jsonl")
    assert done.exit_code == 1
    assert "x.jsonl, line 2" in done.stderr
    assert "2 entries could not be read; the rest was taken in" in done.stderr
    assert words(tmp_path / "b.db", "t") == ["Hello"]


@pytest.mark.parametrize("first", ["garbage", '{"id": "u", "messages": [{"role'])
def test_a_broken_first_line_costs_no_other(tmp_path: Path, first: str) -> None:
    """What kind of file it is, the first line that can be read tells."""
    told = [
        json.dumps({"id": f"t-{number}", "messages": [{"role": "user", "message": "Hello"}]})
        for number in range(5)
    ]
    (tmp_path / "x.jsonl").write_text("\n".join([first, *told]) + "\n")
    done = run("import", "--store", tmp_path / "b.db", tmp_path / "x.jsonl")
    assert done.exit_code == 1
    assert "x.jsonl, line 1: " in done.stderr
    assert "1 entry could not be read; the rest was taken in" in done.stderr
    assert [words(tmp_path / "b.db", f"t-{number}") for number in range(5)] == [["Hello"]] * 5


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"{}\n" * 50, mtime=0), b"<!doctype html>\n<p>1</p>\n", b'{"id": "t", "mes'],
    ids=["gzip", "page", "cut"],
)
def test_a_file_of_another_kind_is_told_what_is_read(tmp_path: Path, data: bytes) -> None:
    """A compressed file, a page, a piece of JSON that was cut short."""
    (tmp_path / "x.gz").write_bytes(data)
    done = run("import", "--store", tmp_path / "b.db", tmp_path / "x.gz")
    assert done.exit_code == 1
    assert "files of JSON lines, of Context.ai, CSV and stores (*.db) can" in done.stderr
    assert "1 entry could not be read; nothing was taken in" in done.stderr
    assert "NoneType" not in done.stderr


def test_a_mark_of_utf_8_in_front_loses_nothing(samples: Path, tmp_path: Path) -> None:
    """Editors put one there: the first conversation comes in like the others."""
    lines, other = tmp_path / "all.jsonl", tmp_path / "other.db"
    assert run("export", "--store", samples, "-o", lines).exit_code == 0
    lines.write_bytes(b"\xef\xbb\xbf" + lines.read_bytes())
    assert taken("--store", other, lines)["conversations"] == 9


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "thread_id,role,text,at\nt,user,Hi,soon\n"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """The missing columns, or the row that cannot be read, are named."""
    (tmp_path / "x.csv").write_text(text)
    done = run("import", "--store", tmp_path / "b.db", tmp_path / "x.csv")
    assert done.exit_code != 0
    assert "thread_id" in done.stderr or "row 2, at" in done.stderr
    assert "Error: --" not in done.stderr  # no option is to blame


def test_long_work_shows_how_far_it_is(samples: Path, tmp_path: Path) -> None:
    """On a terminal a bar goes on with each conversation; a pipe sees nothing of it."""
    shown = io.StringIO()
    session = Session(err=Console(file=shown, force_terminal=True, width=80))
    arguments = ["import", "--store", str(tmp_path / "b.db"), str(samples)]
    done = CliRunner().invoke(app, arguments, obj=session)
    assert done.exit_code == 0, done.output
    assert "samples.db" in shown.getvalue()
    assert "100%" in shown.getvalue()
    assert "%" not in run("import", "--store", tmp_path / "c.db", samples).stderr


def test_a_store_does_not_import_itself(samples: Path) -> None:
    """It would do nothing, and is a mistake."""
    assert run("import", "--store", samples, samples).exit_code == 2


@pytest.mark.parametrize("ship", [True, False])
def test_what_comes_in_is_shipped_if_asked(samples: Path, tmp_path: Path, *, ship: bool) -> None:
    """Backfill stays here unless somebody wants it delivered."""
    out = tmp_path / "out.jsonl"
    with threadline.open(samples) as store:
        told = everything(store)
    destination = JsonLines(out)
    with Client(store=tmp_path / "b.db", destinations=[destination], min_free_bytes=0) as client:
        adopt(told, client=client, ship=ship)
        client.flush()
    shipped = out.read_text().splitlines() if out.exists() else []
    kinds = [json.loads(line)["kind"] for line in shipped]
    assert kinds.count("turn") + kinds.count("trace") == (12 if ship else 0)


def test_a_store_that_keeps_no_words_takes_none(tmp_path: Path) -> None:
    """Taking conversations in would keep what the setting keeps out."""
    client = Client(store=tmp_path / "b.db", content="metadata")
    with pytest.raises(SettingError, match="content"):
        adopt(all_samples(), client=client)
    client.close()
