"""From what was recorded to a destination: once, in order, whatever happens on the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from tests.shipping import (
    QUICK,
    Hanging,
    Scripted,
    client_for,
    ingestion,
    lines_of,
    record,
    say,
)

import threadline
from threadline.destinations import JsonLines
from threadline.errors import SettingError
from threadline.ingest.destination import Delivered, Later, Rejected
from threadline.ingest.pace import Pace
from threadline.ingest.shipping import open_outbox
from threadline.ingest.trying import item_of
from threadline.store.outbox import Outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.ingest.destination import Item, Outcome


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def asked(item: Item) -> str:
    return item.record.input


class TestJsonLines:
    def test_turns_and_ratings_arrive_once_and_in_order(self, store: Path) -> None:
        """`flush` tells what was delivered; the file has each record on a line."""
        file = store.with_name("out.jsonl")
        with client_for(store, [JsonLines(file)]) as client:
            ids = say(client, [("a", "one"), ("a", "two")])
            rating = threadline.rate(1, turn_id=ids[0], client=client)
            report = client.flush()
        lines = lines_of(file)
        assert [line["id"] for line in lines] == [*ids, rating]
        assert [line["kind"] for line in lines] == ["turn", "turn", "rating"]
        assert {line["conversation"]["thread_id"] for line in lines} == {"a"}
        assert (report.delivered, report.pending, report.rejected) == (3, 0, 0)

    def test_each_message_is_written_once_and_inputs_name_them(self, store: Path) -> None:
        """What a model was sent can be put together from the lines so far."""
        file = store.with_name("out.jsonl")
        known: dict[str, Any] = {}
        with client_for(store, [JsonLines(file)]) as client:
            for number in range(3):
                with threadline.turn(thread_id="a", input=f"q{number}", client=client) as turn:
                    turn.llm_call(
                        [
                            _said("system", "Be kind"),
                            *_history(number),
                            _said("user", f"q{number}"),
                        ],
                        f"a{number}",
                        model="m",
                    )
                    turn.output = f"a{number}"
            client.flush()
        for line in lines_of(file):
            told = [*line["record"]["messages"], *line["record"].get("context", [])]
            assert not known.keys() & {message["id"] for message in told}
            known |= {message["id"]: message for message in told}
            [call] = [span for span in line["record"]["spans"] if span["kind"] == "llm"]
            assert set(call["input"]) | set(call["output"]) <= known.keys()
        words = [known[ident]["parts"][0]["content"] for ident in call["input"]]
        assert words == ["Be kind", "q0", "a0", "q1", "a1", "q2"]

    def test_a_torn_line_is_cut_and_the_record_written_again(self, store: Path) -> None:
        """A writer that was killed in the middle of a line leaves no half of it behind."""
        file = store.with_name("out.jsonl")
        record(store, [("a", "one"), ("a", "two")], [JsonLines(file)])
        with ingestion_to(store, JsonLines(file)) as client:
            client.flush(5)
        whole = file.read_bytes()
        file.write_bytes(whole + whole[:200])
        record(store, [("a", "three")], [JsonLines(file)])
        with ingestion_to(store, JsonLines(file)) as client:
            client.flush(5)
        assert [line["record"]["messages"][0]["parts"] for line in lines_of(file)] == [
            [{"type": "text", "content": text}] for text in ("one", "two", "three")
        ]

    def test_what_the_file_has_is_not_written_again(self, store: Path) -> None:
        """After a death between writing and telling of it, the file is asked, rotated or not."""
        file = store.with_name("out.jsonl")
        record(store, [(f"t{n}", f"q{n}") for n in range(20)], ["jsonl"])
        target = JsonLines(file, max_bytes=500, keep=50)
        outbox = open_outbox(store, threadline.Client(store="memory").clock)
        for row in outbox.plan("jsonl", 100):  # a sender that dies each time before it can tell
            outbox.count_try("jsonl", [row])
            target.send([item_of(row, outbox.records([row])[row])], timeout_s=1)
        assert len(outbox.plan("jsonl", 100)) == 20
        with ingestion_to(store, target) as client:
            client.flush(5)
        files = sorted(store.parent.glob("out.jsonl*"))
        assert len(files) > 10
        lines = lines_of(*files)
        assert len(lines) == len({line["id"] for line in lines}) == 20

    def test_a_file_that_cannot_be_written_is_tried_again(self, store: Path) -> None:
        """Nothing is lost where the folder is not there, or is a file."""
        blocked = store.with_name("blocked")
        blocked.write_text("a file")
        record(store, [("a", "one")], ["jsonl"])
        with ingestion_to(store, JsonLines(blocked / "out.jsonl")) as client:
            client.flush(0.2)
            assert client.deliveries() == (0, 1, 0)
            blocked.unlink()
            client.flush(5)
            assert client.deliveries() == (1, 0, 0)

    @pytest.mark.parametrize("wrong", [{"max_bytes": 0}, {"keep": -1}])
    def test_wrong_settings_are_named(self, wrong: dict[str, int]) -> None:
        """A number that makes no sense is told when the destination is made."""
        with pytest.raises(SettingError, match=next(iter(wrong))):
            JsonLines("out.jsonl", **wrong)


class TestOrderAndFailures:
    def test_a_destination_that_is_down_gets_everything_later_in_order(self, store: Path) -> None:
        """Every conversation arrives whole and in order, however often tries failed before."""
        turns = [(f"t{n % 3}", f"q{n:02}") for n in range(30)]
        record(store, turns, ["scripted"])
        failures = iter([True] * 7)
        target = Scripted(
            lambda items: [Later("down") if next(failures, False) else Delivered()] * len(items)
        )
        with ingestion_to(store, target) as client:
            client.flush(10)
        told = [(item.record.thread_id, asked(item)) for item in target.delivered]
        assert sorted(told) == sorted(turns)
        for thread in ("t0", "t1", "t2"):
            questions = [question for thread_id, question in told if thread_id == thread]
            assert questions == sorted(questions)

    def test_one_refused_record_is_put_aside_and_the_others_arrive(self, store: Path) -> None:
        """A batch that is refused is halved until it is known which record it was."""
        record(store, [(f"t{n}", f"q{n}") for n in range(8)], ["scripted"])

        def picky(items: Sequence[Item]) -> Sequence[Outcome]:
            bad = any(asked(item) == "q5" for item in items)
            return [Rejected("400 no fives") if bad else Delivered()] * len(items)

        target = Scripted(picky)
        with ingestion_to(store, target) as client:
            client.flush(5)
            assert client.deliveries() == (7, 0, 1)
        outbox = open_outbox(store, threadline.Client(store="memory").clock)
        [row] = outbox.listed(limit=9, put_aside_only=True)
        assert (row.thread_id, row.reason, row.is_put_aside) == ("t5", "400 no fives", True)
        assert outbox.retry(record_id=row.id) == 1
        target.answer = lambda items: [Delivered()] * len(items)
        with ingestion_to(store, target) as client:
            client.flush(5)
            assert client.deliveries() == (1, 0, 0)

    def test_what_is_given_up_is_never_sent(self, store: Path) -> None:
        """`discard` empties the outbox of what was put aside; the store keeps the turn."""
        record(store, [("a", "one")], ["scripted"])
        with ingestion_to(store, Scripted(lambda items: [Rejected("no")])) as client:
            client.flush(5)
        outbox = open_outbox(store, threadline.Client(store="memory").clock)
        assert outbox.discard("other") == 0
        assert outbox.discard() == 1
        assert outbox.listed(limit=9, put_aside_only=False) == []
        with threadline.open(store) as reader:
            assert reader.last().input == "one"

    def test_a_poisoned_record_holds_back_only_its_own_conversation(self, store: Path) -> None:
        """What makes the destination fail, batch or alone, is stepped over by the others."""
        record(store, [(f"t{n}", f"q{n}") for n in range(6)], ["scripted"])

        def breaks(items: Sequence[Item]) -> Sequence[Outcome]:
            if any(asked(item) == "q0" for item in items):
                raise ValueError(asked(items[0]))
            return [Delivered()] * len(items)

        target = Scripted(breaks)
        with ingestion_to(store, target) as client:
            while client.deliveries()[0] < 5:
                client.flush(0.2)
            assert client.deliveries() == (5, 1, 0)
        outbox = open_outbox(store, threadline.Client(store="memory").clock)
        [row] = outbox.listed(limit=9, put_aside_only=False)
        assert row.reason == "ValueError in the destination's own code"

    def test_a_long_conversation_that_waits_does_not_hide_the_others(self, store: Path) -> None:
        """However much of it stands first in the outbox, what comes behind it is found."""
        record(store, [("poison", f"q{n}") for n in range(20)], ["scripted"])
        record(store, [(f"t{n}", "fine") for n in range(5)], ["scripted"])

        def breaks(items: Sequence[Item]) -> Sequence[Outcome]:
            poisoned = any(item.record.thread_id == "poison" for item in items)
            return [Later("500", 30.0) if poisoned else Delivered()] * len(items)

        target = Scripted(breaks, batch_items=1)
        client = ingestion(store, target, pace=Pace(first_wait_s=0.01, planned_rows=4))
        for _ in range(3):
            client.flush(1)
        outbox = open_outbox(store, threadline.Client(store="memory").clock)
        state = outbox.state("scripted")
        outbox.settle("scripted", Outcomes(), replace(state, failures=0, until_ns=0))
        client.flush(5)
        client.stop(1)
        assert {item.record.thread_id for item in target.delivered} == {f"t{n}" for n in range(5)}

    def test_a_destination_says_how_long_to_leave_it_alone(self, store: Path) -> None:
        """Not even `flush` asks again before that time."""
        record(store, [("a", "one")], ["scripted"])
        target = Scripted(lambda items: [Later("busy", after_s=3600)] * len(items))
        with ingestion_to(store, target) as client:
            client.flush(5)
            client.flush(5)
            assert len(target.tries) == 1
            assert client.deliveries() == (0, 1, 0)
        state = open_outbox(store, threadline.Client(store="memory").clock).state("scripted")
        assert (state.failures, state.is_told, state.error) == (1, True, "busy")

    def test_a_rating_comes_after_its_turn_though_it_was_made_inside(self, store: Path) -> None:
        """What is said of a turn under way is shipped when the turn has been."""
        target = Scripted()
        with (
            client_for(store, ["scripted"], ship=False) as client,
            threadline.turn(thread_id="a", input="long", client=client) as turn,
        ):
            threadline.rate(1, turn_id=turn.id, client=client)
            threadline.event("Checkout", turn_id=turn.id, client=client)
            client.flush()
            with ingestion_to(store, target) as early:
                early.flush(5)
            assert target.delivered == []
            turn.output = "done"
        with ingestion_to(store, target) as late:
            late.flush(5)
        assert [item.kind for item in target.delivered] == ["turn", "rating", "event"]

    def test_what_was_deleted_is_not_shipped(self, store: Path) -> None:
        """Deleting takes a conversation out of the outbox, too."""
        record(store, [("a", "one"), ("b", "two")], ["scripted"])
        with threadline.open(store) as reader:
            reader.delete(thread_id="a")
        target = Scripted()
        with ingestion_to(store, target) as client:
            client.flush(5)
        assert [asked(item) for item in target.delivered] == ["two"]

    def test_a_later_destination_gets_what_is_stored_by_backfill(self, store: Path) -> None:
        """Turns and notes that were recorded without it can be put into its outbox."""
        with client_for(store, [], ship=False) as client:
            [turn_id] = say(client, [("a", "one")])
            threadline.rate(1, turn_id=turn_id, client=client)
        outbox = open_outbox(store, threadline.Client(store="memory").clock)
        assert outbox.backfill("scripted") == 2
        target = Scripted()
        with ingestion_to(store, target) as client:
            client.flush(5)
        assert [item.kind for item in target.delivered] == ["turn", "rating"]


class TestClient:
    def test_a_memory_store_ships_too(self, tmp_path: Path) -> None:
        """Nothing on disk is needed but what the destination itself writes."""
        file = tmp_path / "out.jsonl"
        client = threadline.Client(store="memory", destinations=[JsonLines(file)])
        say(client, [("a", "one")])
        assert client.flush().delivered == 1
        client.close()
        assert len(lines_of(file)) == 1

    def test_delivery_needs_no_flush(self, store: Path) -> None:
        """What is recorded is delivered in the background soon after."""
        arrived = threading.Event()

        def answer(items: Sequence[Item]) -> Sequence[Outcome]:
            arrived.set()
            return [Delivered()] * len(items)

        with client_for(store, [Scripted(answer)]) as client:
            say(client, [("a", "one")])
            assert arrived.wait(20)

    def test_a_client_that_only_reads_ships_nothing(self, store: Path) -> None:
        """What earlier processes left is delivered by who records or flushes, not by who looks."""
        record(store, [("a", "one")], ["scripted"])
        target = Scripted()
        with client_for(store, [target]) as client:
            assert client.reader().last().input == "one"
        assert target.tries == []

    def test_closing_leaves_no_connection_open(
        self, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each connection to the store is closed, the one that counts the backlog too."""
        opened: list[sqlite3.Connection] = []
        connect = sqlite3.connect

        def kept(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            opened.append(connect(*args, **kwargs))
            return opened[-1]

        monkeypatch.setattr(sqlite3, "connect", kept)
        with client_for(store, [Scripted()]) as client:
            say(client, [("a", "one")])
            assert client.flush().delivered == 1
        assert opened
        for connection in opened:
            with pytest.raises(sqlite3.ProgrammingError):
                connection.execute("SELECT 1")

    def test_ship_false_leaves_delivery_to_others(self, store: Path) -> None:
        """The outbox fills, nothing is sent, and `flush` waits for nothing."""
        target = Scripted()
        with client_for(store, [target], ship=False) as client:
            say(client, [("a", "one")])
            report = client.flush()
        assert (report.delivered, report.pending, target.tries) == (0, 1, [])

    def test_reading_does_not_wait_for_delivery(self, store: Path) -> None:
        """A reader of the same process sees what was recorded, though a destination hangs."""
        target = Hanging()
        client = client_for(store, [target], shutdown_timeout=0.1)
        say(client, [("a", "one")])
        client.store_recorded()
        assert target.entered.wait(20)
        assert client.reader().last().input == "one"
        client.close()
        target.let_go.set()

    def test_closing_leaves_a_hanging_destination_behind(self, store: Path) -> None:
        """What it did not take waits on disk; the next process delivers it."""
        target = Hanging()
        client = client_for(store, [target], shutdown_timeout=0.1)
        say(client, [("a", "one")])
        client.store_recorded()
        assert target.entered.wait(20)
        assert client.close().pending == 1
        target.let_go.set()
        after = Scripted(name="hanging")
        with ingestion_to(store, after) as later:
            later.flush(10)
        assert [asked(item) for item in after.delivered] == ["one"]

    def test_a_destination_that_is_not_known_is_told_and_its_rows_wait(
        self, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A wrong name neither stops the program nor loses anything."""
        with client_for(store, ["nowhere"]) as client:
            say(client, [("a", "one")])
            report = client.flush()
        assert (report.stored, report.pending) == (1, 1)
        assert "nowhere" in caplog.text
        assert "jsonl" in caplog.text

    def test_it_ships_where_no_thread_can_be_started_any_more(
        self, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At the end of a program `close` delivers on the thread that calls it."""
        record(store, [("a", "one")], ["scripted"])
        target = Scripted()

        def refuse(_: threading.Thread) -> None:
            msg = "can't create new thread at interpreter shutdown"
            raise RuntimeError(msg)

        with ingestion_to(store, target) as client:
            monkeypatch.setattr(threading.Thread, "start", refuse)
            client.flush(5)
            assert client.deliveries() == (1, 0, 0)

    def test_a_forked_child_ships_for_itself(self, store: Path) -> None:
        """Parent and child both deliver what they record, into one file, each record once."""
        file = store.with_name("out.jsonl")
        with client_for(store, [JsonLines(file)]) as client:
            say(client, [("a", "before")])
            client.flush()
            child = os.fork()
            if child == 0:
                say(client, [("a", "child")])
                done = client.close(10)
                os._exit(0 if done.pending == 0 else 1)
            say(client, [("a", "parent")])
            client.flush(10)
            assert os.waitpid(child, 0)[1] == 0
        told = [line["record"]["messages"][0]["parts"][0]["content"] for line in lines_of(file)]
        assert sorted(told) == ["before", "child", "parent"]

    def test_four_workers_of_one_server_deliver_each_record_once(self, store: Path) -> None:
        """Workers that were forked off share a store and a file; each conversation is in order."""
        file = store.with_name("out.jsonl")
        done = subprocess.run(
            [sys.executable, "-c", _SERVER, str(store)], cwd=ROOT, timeout=100, check=False
        )
        assert done.returncode == 0
        with ingestion_to(store, JsonLines(file)) as rest:  # what a worker had no time for
            rest.flush(20)
        lines = lines_of(file)
        assert len(lines) == len({line["id"] for line in lines}) == 1 + 4 * 15
        for number in range(4):
            thread = f"t{number}"
            mine = [line for line in lines if line["conversation"]["thread_id"] == thread]
            asked_for = [line["record"]["messages"][0]["parts"][0]["content"] for line in mine]
            assert asked_for == [f"q{n:02}" for n in range(15)]

    def test_flush_raises_nothing_where_another_process_sends_and_the_store_goes(
        self, store: Path
    ) -> None:
        """Whoever waits for another sender cannot look into the store any more, and gives up."""
        record(store, [("a", "one")], ["hanging"])
        first, second = Hanging(), Scripted(name="hanging")
        with ingestion_to(store, first) as one, ingestion_to(store, second) as other:
            one.kick()
            assert first.entered.wait(20)
            other.flush(0.2)
            store.rename(store.with_name("moved.db"))
            other.flush(5)
            assert second.tries == []
            first.let_go.set()

    def test_what_answers_in_no_known_way_is_tried_again(self, store: Path) -> None:
        """A destination whose answer is none holds up itself, and ends no thread."""
        record(store, [("a", "one")], ["scripted"])
        answers = iter([[None]])
        target = Scripted(lambda items: next(answers, [Delivered()] * len(items)))
        with ingestion_to(store, target) as client:
            client.flush(5)
            assert client.deliveries() == (1, 0, 0)
            assert len(target.tries) == 2

    def test_two_senders_never_send_the_same_row(self, store: Path) -> None:
        """While one has a destination, the other waits, and takes over what is left."""
        record(store, [("a", f"q{n}") for n in range(10)], ["hanging"])
        first, second = Hanging(), Scripted(name="hanging")
        with ingestion_to(store, first) as one, ingestion_to(store, second) as other:
            one.kick()
            assert first.entered.wait(20)
            other.flush(0.2)
            assert second.tries == []
            first.answer = lambda items: [Delivered()] * len(items)
            first.let_go.set()
            one.flush(10)
            other.flush(10)
        told = [asked(item) for item in (*first.delivered, *second.delivered)]
        assert sorted(told) == [f"q{n}" for n in range(10)]


class ingestion_to:  # noqa: N801 (used like a function)
    """Ships from a store to destinations inside a `with` block, and ends."""

    def __init__(self, store: Path, *destinations: Any) -> None:
        self._client = ingestion(store, *destinations, pace=QUICK)

    def __enter__(self) -> Any:
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.stop(0.1)


ROOT = Path(__file__).parents[2]
_SERVER = """
import os, sys
from pathlib import Path
from tests.integration.test_shipping import JsonLines, _worker, client_for, say

store = Path(sys.argv[1])
client = client_for(store, [JsonLines(store.with_name("out.jsonl"))])
say(client, [("before", "one")])  # the parent's threads run when it forks
workers = [_worker(client, number) for number in range(4)]
assert [os.waitpid(worker, 0)[1] for worker in workers] == [0] * 4
client.close(20)
"""


def _worker(client: threadline.Client, number: int) -> int:
    """Fork a worker that records a conversation of its own; returns its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            say(client, [(f"t{number}", f"q{n:02}") for n in range(15)])
            client.close(20)
            status = 0
        finally:
            os._exit(status)
    return child


def _history(turns: int) -> list[dict[str, str]]:
    pairs = ((_said("user", f"q{n}"), _said("assistant", f"a{n}")) for n in range(turns))
    return [message for pair in pairs for message in pair]


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
