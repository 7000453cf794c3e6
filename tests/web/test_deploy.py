"""The recipes of docs/deploy.md, each tried."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.loopbacks import OtlpLoopback
from tests.mounting import MOUNT, can_mount
from tests.shipping import client_for, lines_of, say
from tests.web.serving import ROOT, command_line, environment, serving

import threadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAGE = (ROOT / "docs" / "deploy.md").read_text()
[FUNCTION] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
NOBODY = 54_321

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[OtlpLoopback]:
    with OtlpLoopback(tmp_path) as server:
        yield server


@contextlib.contextmanager
def shipper(folder: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run the sidecar beside the block; then end it as Kubernetes does."""
    with subprocess.Popen(
        [sys.executable, "-m", "threadline.cli", "ship", "--follow", "--json"],
        env=environment(folder) | dict(environ),
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
    ) as process:
        yield process
        process.kill()


def test_a_sidecar_delivers_what_the_application_records(
    tmp_path: Path, collector: OtlpLoopback
) -> None:
    """The application has neither the address nor the key; SIGTERM lets the shipper drain."""
    application = {"THREADLINE_DESTINATIONS": "otlp", "THREADLINE_SHIP": "false"}
    sidecar = {
        "THREADLINE_DESTINATIONS": "otlp",
        "THREADLINE_SHUTDOWN_TIMEOUT": "30",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {collector.secret}",
    }
    asked = [(f"t-{n % 2}", f"question {n}") for n in range(6)]
    with shipper(tmp_path, sidecar) as process:
        with serving(tmp_path, application, workers=2) as service:
            for thread_id, question in asked:
                service.chat(thread_id, question)
        with threadline.open(tmp_path / "chat.db"):
            pass  # takes in what the workers left, as the shipper does every half minute
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert sorted(collector.questions()) == sorted(asked)
    assert command_line(tmp_path, sidecar, "ship").returncode == 0
    assert len(collector.questions()) == len(asked)


READ_ONLY_ROOT = """
mount -t tmpfs -o size=8m,mode=1777 tmpfs "$1" && mount -o remount,bind,ro / || exit 1
shift && exec "$@"
"""
"""A small tmpfs in the folder, everything else read-only, in a mount namespace of its own."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    "is_real",
    [
        pytest.param(
            True,
            marks=pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here"),
        ),
        False,
    ],
    ids=["read-only root", "folders only"],
)
def test_an_unknown_user_without_a_home_records_into_the_temporary_folder(
    tmp_path: Path, *, is_real: bool
) -> None:
    """Nothing but the temporary folder can be written: by a mount, or by permissions."""
    folder = tmp_path / "tmpfs"
    folder.mkdir(mode=0o777)
    folder.chmod(0o1777)
    tmp_path.chmod(0o755)
    for above in tmp_path.parents[:2]:
        above.chmod(0o755)
    program = (
        "import os, pathlib, threadline\n"
        # what is imported now is there when the interpreter's own folder cannot be read
        f"with threadline.Client(store={str(folder / 'root.db')!r}, min_free_bytes=0) as first:\n"
        "    with threadline.turn(thread_id='t', client=first): pass\n"
        "    first.flush(); first.reader().last()\n"
        "try: pathlib.Path('/not-written').touch(); pathlib.Path('/not-written').unlink()\n"
        "except OSError as error: print(error.errno)\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY}); os.chdir('/')\n"
        "with threadline.turn(thread_id='t', input='Hi') as turn:\n"
        "    turn.output = 'Hello'\n"
        "report = threadline.flush()\n"
        "store = threadline.open()\n"
        "print(report.stored, report.dropped, store.path, store.path.stat().st_uid)\n"
    )
    environ = {"TMPDIR": str(folder), "THREADLINE_MIN_FREE_BYTES": "0", "THREADLINE_APP": "chat"}
    environ |= {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-c", program]
    if is_real:
        command = [*MOUNT, "sh", "-c", READ_ONLY_ROOT, "sh", str(folder), *command]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout.split()
    assert told[:1] == [str(errno.EROFS)] or not is_real, done.stderr
    where = str(folder / "threadline" / "chat.db")
    assert told[-4:] == ["1", "{}", where, str(NOBODY)], done.stderr


def test_a_function_delivers_before_it_returns(tmp_path: Path) -> None:
    """The page's own handler; the instance is frozen right after, and never goes on."""
    program = FUNCTION + (
        "\nimport os\n"
        "told = handler({'thread_id': 't', 'question': 'Tea?'}, None)\n"
        "assert told == {'answer': 'You asked: Tea?', 'pending': 0}, told\n"
        "os._exit(0)\n"
    )
    command = [sys.executable, "-c", program]
    environ = environment(tmp_path)
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    [line] = lines_of(tmp_path / "delivered.jsonl")
    assert line["record"]["thread_id"] == "t"


def test_the_stores_of_two_hosts_are_merged(tmp_path: Path) -> None:
    """Turns of one conversation that two hosts answered stand together, once."""
    for host, questions in (("a", ["one", "two"]), ("b", ["three"])):
        with client_for(tmp_path / f"host-{host}.db", []) as client:
            say(client, [("t-1", question) for question in questions])
    merge: Any = ("import", "host-a.db", "host-b.db", "--store", "all.db")
    for _ in range(2):
        assert command_line(tmp_path, {}, *merge).returncode == 0
    with threadline.open(tmp_path / "all.db") as store:
        conversation = store.conversation("t-1")
    assert conversation is not None
    assert [turn.input for turn in conversation.turns] == ["one", "two", "three"]


def test_a_thumb_reaches_a_host_that_never_saw_the_turn(tmp_path: Path) -> None:
    """It is kept, and shipped under the turn's id."""
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "host-a.db", []) as answering:
        [turn_id] = say(answering, [("t-1", "one")])
    environ = {"THREADLINE_DESTINATIONS": "jsonl", "THREADLINE_JSONL_PATH": str(file)}
    rated = f"import threadline; threadline.rate(1, turn_id={turn_id!r}); threadline.flush(0.5)"
    subprocess.run(
        [sys.executable, "-c", rated], env=environment(tmp_path) | environ, cwd=tmp_path, check=True
    )
    shipped = command_line(tmp_path, environ, "ship", "--timeout", "40")
    assert shipped.returncode == 0, shipped.stderr
    [line] = lines_of(file)
    assert (line["kind"], line["record"]["turn_id"]) == ("rating", turn_id)
