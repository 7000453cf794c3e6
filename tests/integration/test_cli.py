"""The commands, from the arguments to the bytes that come out, over a store that is made up."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from tests.fake_store import FakeStore
from tests.samples import NOW, all_samples, retried

import threadline
from threadline.cli.app import app
from threadline.cli.session import Session

if TYPE_CHECKING:
    from pathlib import Path


class StoppedClock:
    """It is two hours after the samples began."""

    def now_ns(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    fake = FakeStore(tmp_path / "shop.db", *all_samples())
    monkeypatch.setattr(threadline, "open", lambda _path=None: fake, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    return fake


def run(*arguments: str, columns: int | None = None, **more: Any) -> Result:
    """Run the program on made-up streams: a pipe, or a screen of some columns."""
    environment = {"COLUMNS": str(columns)} if columns else {}

    def start(_context: Any = None) -> Result:
        return CliRunner(env=environment).invoke(app, list(arguments), **more)

    return start()


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Session.__init__

    def make(self: Session, **fields: Any) -> None:
        made(self, **{"clock": StoppedClock(), **fields})

    monkeypatch.setattr(Session, "__init__", make)


@pytest.mark.usefixtures("store")
def test_list_shows_a_line_a_conversation_and_cuts_nothing_in_a_pipe() -> None:
    result = run("list")
    title, *lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert title.split() == ["thread", "last", "turns", "messages", "status", "user", "preview"]
    assert len(lines) == len(all_samples())
    assert lines[-1].split("  ")[0] == "trip-0412"
    assert "0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f" in result.stdout
    assert "\x1b" not in result.stdout
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_list_fits_a_screen(columns: int) -> None:
    result = run("list", columns=columns)
    assert max(map(len, result.stdout.splitlines())) <= columns
    assert "Where is my order 4711?" in result.stdout


@pytest.mark.usefixtures("store")
def test_list_as_json_is_an_object_a_line_with_the_same_keys() -> None:
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [row["thread_id"] for row in rows][-1] == "trip-0412"
    assert len({tuple(row) for row in rows}) == 1
    assert rows[-1]["last_status"] == "ok"


def test_list_hands_every_filter_to_the_store(store: FakeStore) -> None:
    arguments = (
        "--thread t --user u --tag x --metadata plan=pro --metadata a=b=c --status error "
        "--rating -1 --tool search --model gpt --text hi --since 2h --until 1h --tenant eu"
    )
    assert run("list", *arguments.split()).exit_code == 0
    assert store.asked == {
        "thread_id": "t",
        "user_id": "u",
        "tag": "x",
        "metadata": {"plan": "pro", "a": "b=c"},
        "status": "error",
        "rating": -1.0,
        "tool": "search",
        "model": "gpt",
        "text": "hi",
        "since": "2h",
        "until": "1h",
        "tenant": "eu",
    }


@pytest.mark.parametrize(("said", "meant"), [("up", "up"), ("down", "down"), ("0.8", 0.8)])
def test_a_rating_is_a_thumb_or_a_number(store: FakeStore, said: str, meant: object) -> None:
    assert run("list", "--rating", said).exit_code == 0
    assert store.asked["rating"] == meant
    wrong = run("list", "--rating", "sideways")
    assert wrong.exit_code == 2
    assert "'sideways' is neither a number nor up nor down" in wrong.stderr


@pytest.mark.usefixtures("store")
def test_list_goes_on_where_a_page_ended() -> None:
    first = run("list", "--limit", "4")
    assert first.stderr == "There is more: --cursor 4\n"
    second = run("list", "--limit", "40", "--cursor", "4")
    assert len(first.stdout.splitlines()) + len(second.stdout.splitlines()) - 2 == 9
    assert second.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    ["list", "list --user nobody", "search word", "show --last", "delete --user nobody"],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_an_empty_answer_names_the_store_and_leaves_the_pipe_empty(
    store: FakeStore, arguments: str, *, as_json: bool
) -> None:
    store.held = []
    result = run(*arguments.split(), *(["--json"] if as_json else []))
    assert result.exit_code == 0
    if as_json:
        assert result.stdout in {"", '{"deleted":0}\n'}
    else:
        assert result.stdout == ""
        assert str(store.path) in result.stderr


@pytest.mark.parametrize("arguments", ["show nothing-like-it", "delete --yes --thread nothing"])
def test_an_unknown_id_is_named_with_the_store(store: FakeStore, arguments: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "'nothing" in result.stderr
    assert str(store.path) in result.stderr


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "ident", ["trip-0412", "trip", "support-32", pytest.param("--last", id="last")]
)
def test_show_takes_an_id_or_the_beginning_of_one(ident: str) -> None:
    result = run("show", ident)
    expected = {"--last": "batch-9", "trip": "trip-0412"}.get(ident, ident)
    assert result.stdout.splitlines()[0] == expected


def test_show_takes_the_id_of_a_turn(store: FakeStore) -> None:
    held = store.conversation("trip-0412")
    assert held is not None
    result = run("show", held.turns[2].id)
    assert "Try Rome again, please." in result.stdout
    assert "Which is drier" not in result.stdout


@pytest.mark.usefixtures("store")
def test_an_ambiguous_beginning_lists_what_could_be_meant() -> None:
    result = run("show", "support")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "threadline: 'support' could be any of these:",
        "  conversation support-32  (--tenant shop-eu)",
        "  conversation support-31",
    ]


@pytest.mark.usefixtures("store")
def test_show_reads_like_a_chat() -> None:
    shown = run("show", "trip-0412", columns=80).stdout
    start = shown.index("user  ")
    assert shown[start:].startswith(
        """\
user  10:00:00
  Which is drier tomorrow, Paris or Rome?

assistant  10:00:00
  ✓ weather(city="Paris", days=2)  310 ms
    rain, 11 °C
  ✗ weather(city="Rome", days=2)  error · 1.11 s · 3 attempts
    TimeoutError: the forecast of Rome did not answer within 1 s

  Paris will be wet. I could not reach the forecast for Rome.
  ★ rated -1: Half an answer
"""
    )


@pytest.mark.usefixtures("store")
def test_show_folds_the_prelude_and_unfolds_it_on_demand() -> None:
    folded = run("show", "attached-1").stdout
    assert "12 earlier messages from before recording; --prelude shows them" in folded
    assert "Earlier words" not in folded
    assert "Earlier words 12" in run("show", "attached-1", "--prelude").stdout


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "story-7",
            ["… (not finished, or never returned)", "! stopped: the stream was left before"],
        ),
        ("support-31", ["✗ error: RateLimitError: 429"]),
        ("support-32", ["! interrupted: it waits for a human", "thought: More than 100 euros"]),
        ("library-5", ["7 documents · 40 ms", "0.85 Opening hours, branch 1 · doc-1"]),
        ("0192f0c1-7b1e-7cc3-98c4-d", ["id generated: the application gave none", "--full shows"]),
        ("batch-9", ["! abandoned: its process died", "· running: it has not ended yet"]),
        ("多言語-1", ["[image/png, 4.8 kB]", "👩‍👩‍👧‍👦", "می‌خواهم"]),
        ("trip", ["★ rated +1", "event Checkout(total=", "helpfulness: +0.8 by judge-v2"]),
    ],
)
def test_show_hides_nothing(name: str, expected: list[str]) -> None:
    shown = run("show", name).stdout
    assert [text for text in expected if text not in shown] == []


@pytest.mark.usefixtures("store")
def test_show_full_leaves_nothing_out() -> None:
    shown = run("show", "0192f0c1-7b1e-7cc3-98c4-d", "--full").stdout
    assert "--full" not in shown
    assert shown.count("def climb(stairs: int) -> str:") == 14


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("option", ["--full", "--trace", "--trace --full"])
@pytest.mark.parametrize("name", ["trip-0412", "library-5", "batch-9", "support-31"])
def test_show_fits_a_screen(columns: int, option: str, name: str) -> None:
    shown = run("show", name, *option.split(), columns=columns).stdout
    assert max(map(len, shown.splitlines())) <= columns


@pytest.mark.usefixtures("store")
def test_trace_draws_the_tree_of_spans() -> None:
    lines = run("show", "trip-0412", "--trace", columns=140).stdout.splitlines()
    start = lines.index("  travel_agent agent    +0 ms  2.30 s  ✓")
    model = "gpt-4o-mini · 498 → 21 tokens (384 cached) · first chunk 120 ms · prompt travel v3"
    assert lines[start : start + 7] == [
        "  travel_agent agent    +0 ms  2.30 s  ✓",
        "  ├─ ChatOpenAI llm    +10 ms  790 ms  ✓  gpt-4o-mini · 412 → 36 tokens",
        "  ├─ tools step       +810 ms  1.13 s  ✓",
        "  │  ├─ weather tool  +810 ms  310 ms  ✓",
        "  │  └─ weather tool  +820 ms  1.11 s  ✗",
        "  │       TimeoutError: the forecast of Rome did not answer within 1 s",
        f"  └─ ChatOpenAI llm   +1.95 s  340 ms  ✓  {model}",
    ]


@pytest.mark.usefixtures("store")
def test_trace_as_json_is_a_turn_a_line_with_its_spans() -> None:
    rows = [json.loads(x) for x in run("show", "trip", "--trace", "--json").stdout.splitlines()]
    assert [len(row.get("spans", [])) for row in rows] == [6, 1, 0]


@pytest.mark.usefixtures("store")
def test_show_as_json_is_the_dict_of_the_conversation() -> None:
    [row] = [json.loads(line) for line in run("show", "trip", "--json").stdout.splitlines()]
    assert row["id"] == "trip-0412"
    assert row["messages"][0]["message"] == "Which is drier tomorrow, Paris or Rome?"


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("arguments", ["show", "show trip --last", "delete --yes"])
def test_a_command_that_says_too_little_or_too_much_is_told_so(arguments: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert "give either" in result.stderr


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tail_shows_turns_under_their_threads_and_fits_a_screen(columns: int) -> None:
    result = run("tail", "-n", "40", columns=columns)
    assert result.exit_code == 0
    assert "── support-31 · " in result.stdout
    assert "Which is drier tomorrow, Paris or Rome?" in result.stdout
    assert "✗ error: RateLimitError: 429" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= columns


def test_tail_hands_its_filters_to_the_store(store: FakeStore) -> None:
    arguments = "--thread t --user u --tag x --metadata a=b --status error --tool s --model m"
    assert run("tail", *arguments.split(), "--tenant", "eu").exit_code == 0
    assert list(store.asked.values()) == ["t", "u", "x", {"a": "b"}, "error", "s", "m", "eu"]


@pytest.mark.usefixtures("store")
def test_search_tells_where_it_was_said() -> None:
    result = run("search", "ROME")
    assert result.stdout.count("trip-0412") == 4
    assert "  Try Rome again, please." in result.stdout.splitlines()


def test_delete_wants_to_be_confirmed(store: FakeStore) -> None:
    refused = run("delete", "--user", "u-17", input="y\n")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "this deletes 2 conversations of user 'u-17' (5 messages) from" in refused.stderr
    assert "--yes" in refused.stderr
    assert len(store.held) == 9
    confirmed = run("delete", "--user", "u-17", "--yes")
    assert "Deleted 2 conversations from" in confirmed.stderr
    assert confirmed.stdout == ""
    assert len(store.held) == 7


def test_delete_does_not_ask_when_told_so(store: FakeStore) -> None:
    result = run("delete", "--thread", "trip-0412", "--yes", "--json")
    assert result.stdout == '{"deleted":1}\n'
    assert store.conversation("trip-0412") is None


def test_the_store_can_be_named_before_and_after_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path | None] = []

    def open_store(path: Path | None = None) -> FakeStore:
        asked.append(path)
        return FakeStore(path)

    monkeypatch.setattr(threadline, "open", open_store, raising=False)
    run("--store", str(tmp_path / "a.db"), "list")
    run("list", "--store", str(tmp_path / "b.db"))
    run("list")
    assert asked == [tmp_path / "a.db", tmp_path / "b.db", None]


def test_without_the_extra_a_sentence_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['rich'] = None\n"
        "import threadline.cli; sys.argv = ['threadline', 'list']; threadline.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "threadline: this needs the package 'rich'; "
        "install it with: pip install 'threadline[cli]'\n"
    )


def test_a_question_asked_again_is_said_to_be(store: FakeStore) -> None:
    store.held.append(retried())
    assert run("show", "retry-3").stdout.count("(the same question, asked again)") == 2
    assert run("show", "retry-3", "--trace").stdout.count("the same question") == 2


def test_the_beginning_of_a_turns_id_is_looked_for_only_where_it_may_be_one(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    turns = store.turns

    def count(**filters: Any) -> Any:
        asked.append(filters)
        return turns(**filters)

    monkeypatch.setattr(store, "turns", count)
    missing = run("show", "nope").stderr
    assert "none of the newest 20,000 conversations" in missing
    assert "8 hex digits or more" in missing
    assert asked == []
    assert "Try Rome again" in run("show", "0192F0C1-7B1E-7CC3-98C4-00000000065").stdout
    assert "could be any of these" in run("show", "0192f0c1").stderr
    assert "and of the newest 2,000 turns" in run("show", "ffffffff").stderr
    assert max(filters["limit"] for filters in asked) <= 200


def test_every_command_explains_itself() -> None:
    assert run("--version").stdout.startswith("threadline ")
    for command in ("list", "show", "tail", "search", "delete", "doctor", "demo"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert "--store" in result.stdout
