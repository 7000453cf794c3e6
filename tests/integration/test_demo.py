"""The demo, as a user meets it: what it shows, what it records, and what it says when it cannot."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from rich.console import Console

import threadline
from threadline.cli.app import app
from threadline.cli.demo import run_demo
from threadline.cli.demo.scripted import SCRIPT, ScriptedModel
from threadline.cli.demo.travel import QUESTIONS
from threadline.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from threadline.model import Conversation


def _demo(path: Path | None = None, *, columns: int = 100) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=columns, force_terminal=True, color_system=None)
    run_demo(console, path, pace=0)
    return screen.getvalue()


def _recorded(path: Path) -> list[Conversation]:
    with threadline.open(path) as store:
        page = store.conversations()
        found = [store.conversation(summary.thread_id) for summary in page]
    return [conversation for conversation in found if conversation is not None]


def test_a_scripted_model_talks_and_its_talk_is_recorded(tmp_path: Path):
    shown = _demo(tmp_path / "demo.db")
    why = "a scripted one, since neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"
    assert why in " ".join(shown.split())
    [conversation] = _recorded(tmp_path / "demo.db")
    assert [turn.input for turn in conversation.turns] == list(QUESTIONS)
    assert [turn.output for turn in conversation.turns] == [lines[-1][0] for lines in SCRIPT]
    assert [
        [(o.name, o.outcome) for o in turn.tool_observations] for turn in conversation.turns
    ] == [
        [("weather", "ok"), ("weather", "ok")],
        [("find_trains", "ok")],
        [("book_seats", "error"), ("book_seats", "ok")],
        [],
    ]
    assert conversation.user_id == "ada"
    assert [len(turn.llm_calls) for turn in conversation.turns] == [2, 2, 3, 1]


def test_every_turn_is_on_the_screen_before_the_record_of_it(tmp_path: Path):
    shown = _demo(tmp_path / "demo.db", columns=200)
    live, _, record = shown.partition("This is what Threadline recorded")
    for part in (live, record):
        places = [part.index(question) for question in QUESTIONS]
        assert places == sorted(places)
        assert part.count("TimeoutError: the booking desk did not answer within 2 s") == 1
        assert part.count('✓ weather(city="Nice")') == 1


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_it_fits_the_screen(tmp_path: Path, columns: int):
    shown = _demo(tmp_path / "demo.db", columns=columns)
    commands = ("  threadline ", "It is in ")
    lines = [line for line in shown.splitlines() if not line.startswith(commands)]
    assert max(map(len, lines)) <= columns


def test_the_commands_that_it_names_work(tmp_path: Path):
    path = tmp_path / "a store" / "demo.db"
    shown = _demo(path, columns=200)
    named = re.findall(r"^  threadline (.*?) --store '(.*?)'", shown, re.MULTILINE)
    assert len(named) == 4
    for command, store in named:
        assert store == str(path)
        result = CliRunner().invoke(app, [*command.split(), "--store", store])
        assert (result.exit_code, result.stderr) == (0, "")
        assert "demo-" in result.stdout


def test_each_run_is_a_conversation_of_its_own(tmp_path: Path):
    _demo(tmp_path / "demo.db")
    _demo(tmp_path / "demo.db")
    threads = {conversation.thread_id for conversation in _recorded(tmp_path / "demo.db")}
    assert len(threads) == 2
    assert all(re.fullmatch(r"demo-[0-9a-f]{6}", thread) for thread in threads)


def test_the_default_store_is_used_and_named(state_home: Path):
    shown = _demo()
    [path] = state_home.rglob("*.db")
    assert f"It is in {path}. Try next:" in shown
    assert "--store" not in shown


def test_settings_of_the_users_application_neither_silence_it_nor_send_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"ENABLED": "no", "SAMPLE": "0", "DESTINATIONS": "otlp"}.items():
        monkeypatch.setenv(f"THREADLINE_{name}", value)
    _demo(tmp_path / "demo.db")
    assert [len(c.turns) for c in _recorded(tmp_path / "demo.db")] == [4]


def test_a_store_in_memory_is_shown_and_not_promised(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("THREADLINE_STORE", "memory")
    shown = _demo()
    assert shown.endswith("It was in memory only and is gone now.\n")


def test_a_model_that_comes_to_no_end_does_not_end_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    call = {"type": "tool_call", "id": "call_1", "name": "weather", "args": {"city": "nice, FR"}}

    def ask_again(*_: Any, **__: Any) -> ChatResult:
        message = AIMessage("Let me see. \x1b[2J", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])

    monkeypatch.setattr(ScriptedModel, "_generate", ask_again)
    shown = _demo(tmp_path / "demo.db")
    assert shown.count("no answer after 20 steps; the demo goes on") == 4
    assert "sunny, 24 °C" in shown
    assert "\x1b" not in shown
    [conversation] = _recorded(tmp_path / "demo.db")
    assert {turn.status for turn in conversation.turns} == {"error"}


@pytest.mark.parametrize(
    "package", ["langchain", "langchain_core", "langchain_openai", "langgraph"]
)
def test_a_missing_package_is_named_with_what_brings_it(package: str):
    program = (
        f"import os, sys; sys.modules[{package!r}] = None\n"
        "os.environ['OPENAI_API_KEY'] = 'none'\n"
        "import threadline.cli; sys.argv = ['threadline', 'demo']; threadline.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"threadline: this needs the package {package!r}; "
        "install it with: pip install 'threadline[demo]'\n"
    )


class _Endpoint(BaseHTTPRequestHandler):
    """An endpoint of the user's own, whose model follows the script."""

    models: tuple[str, ...] = ("tiny",)
    status = 200
    asked: list[dict[str, Any]]

    def do_GET(self) -> None:
        self._answer(200, {"object": "list", "data": [{"id": name} for name in self.models]})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        roles = [message["role"] for message in request["messages"]]
        last = len(roles) - 1 - roles[::-1].index("user")
        text, calls = SCRIPT[roles.count("user") - 1][roles[last:].count("assistant")]
        functions = [{"name": name, "arguments": json.dumps(args)} for name, args in calls]
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {"id": f"c{len(roles)}-{n}", "type": "function", "function": function}
                for n, function in enumerate(functions)
            ]
        choice = {"index": 0, "finish_reason": "tool_calls" if calls else "stop"}
        usage = {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38}
        answer = {"id": "x", "object": "chat.completion", "created": 1, "model": request["model"]}
        answer |= {"choices": [choice | {"message": message}], "usage": usage}
        error = {"error": {"message": "this model knows no tools", "type": "invalid_request"}}
        self._answer(self.status, answer if self.status == 200 else error)

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Generator[type[_Endpoint]]:
    class Endpoint(_Endpoint):
        asked: list[dict[str, Any]] = []  # noqa: RUF012 (one for each test)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    yield Endpoint
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_endpoint_of_the_users_own_is_asked_and_named(tmp_path: Path, endpoint: type[_Endpoint]):
    shown = " ".join(_demo(tmp_path / "demo.db").split())
    assert "Its model is tiny at http://127.0.0.1:" in shown
    assert "since OPENAI_BASE_URL is set" in shown
    [conversation] = _recorded(tmp_path / "demo.db")
    assert [turn.output for turn in conversation.turns] == [lines[-1][0] for lines in SCRIPT]
    calls = [call for turn in conversation.turns for call in turn.llm_calls]
    assert len(calls) == len(endpoint.asked) == 8
    assert {call.model for call in calls} == {"tiny"}
    assert {call.usage.total_tokens for call in calls if call.usage} == {38}
    tools = [tool["function"]["name"] for tool in endpoint.asked[0]["tools"]]
    assert tools == ["weather", "find_trains", "book_seats"]


@pytest.mark.parametrize(
    ("models", "wanted", "taken"),
    [
        pytest.param(("tiny", "large"), "large", "large", id="named"),
        pytest.param(("tiny", "gpt-4o-mini"), None, "gpt-4o-mini", id="default"),
    ],
)
def test_the_model_is_the_one_named_else_the_default(
    endpoint: type[_Endpoint],
    monkeypatch: pytest.MonkeyPatch,
    models: tuple[str, ...],
    wanted: str | None,
    taken: str,
    tmp_path: Path,
):
    endpoint.models = models
    if wanted:
        monkeypatch.setenv("OPENAI_MODEL", wanted)
    _demo(tmp_path / "demo.db")
    assert {request["model"] for request in endpoint.asked} == {taken}


def test_of_several_models_one_must_be_named(endpoint: type[_Endpoint], tmp_path: Path):
    endpoint.models = ("tiny", "large")
    with pytest.raises(EndpointError, match=r"it serves 2 models \(tiny, large\); name one with"):
        _demo(tmp_path / "demo.db")


def test_an_endpoint_that_refuses_is_an_answer_and_not_a_traceback(
    endpoint: type[_Endpoint], tmp_path: Path
):
    endpoint.status = 400
    result = CliRunner().invoke(app, ["demo", "--store", str(tmp_path / "demo.db")])
    assert result.exit_code == 1
    assert "this model knows no tools" in result.stderr
    assert "Traceback" not in result.output
    [conversation] = _recorded(tmp_path / "demo.db")
    assert [turn.status for turn in conversation.turns] == ["error"]


@pytest.mark.parametrize("model", [None, "tiny"])
def test_an_endpoint_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: str | None
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    if model:
        monkeypatch.setenv("OPENAI_MODEL", model)
    result = CliRunner().invoke(app, ["demo", "--store", str(tmp_path / "demo.db")])
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert line.startswith(f"threadline: the endpoint {url} failed: Connection error; ")
    assert "without the first two of them the demo takes a scripted model" in line
