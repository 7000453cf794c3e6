"""What reaches a terminal or a pipe: nothing that was recorded can drive it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
PROGRAM = """
import sys, pathlib
sys.path.insert(0, {root!r})
import threadline
from tests.fake_store import FakeStore
from tests.hostile import hostile
from tests.samples import all_samples
store = FakeStore(pathlib.Path({path!r}), *{conversations})
threadline.open = lambda path=None: store
from threadline.cli import main
sys.argv = ["threadline", *{arguments!r}]
main()
"""
COMMANDS = (
    ("list",),
    ("list", "--json"),
    ("show", "--last", "--full", "--prelude"),
    ("show", "--last", "--json"),
    ("show", "--last", "--trace"),
    ("show", "--last", "--trace", "--full"),
    ("show", "--last", "--trace", "--json"),
    ("search", "evil"),
    ("search", "evil", "--json"),
    ("tail", "-n", "9", "--full"),
    ("tail", "-n", "9", "--json"),
    ("export",),
    ("export", "--format", "contextai"),
    ("export", "--format", "openai"),
    ("export", "--format", "html"),
    ("export", "--format", "csv"),
    ("show", "t"),
    ("delete", "--thread", "t\x1b[2J\x9b"),
    ("show", "nothing\x1b[2J\x9b\u202e\r"),
    ("doctor",),
    ("doctor", "--json"),
)


def program(tmp_path: Path, arguments: tuple[str, ...], *, hostile: bool = True) -> list[str]:
    conversations = "[hostile()]" if hostile else "all_samples()"
    text = PROGRAM.format(
        root=str(ROOT),
        path=str(tmp_path / "evil\x1b[31m.db"),
        conversations=conversations,
        arguments=list(arguments),
    )
    return [sys.executable, "-c", text]


def on_terminal(command: list[str], **environment: str) -> bytes:
    """Run a command on a terminal of its own and return every byte that it wrote there."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "90", **environment},
    )
    os.close(follower)
    written = bytearray()
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux tells that the other side is closed
            break
        if not piece:
            break
        written += piece
    process.wait()
    os.close(leader)
    return bytes(written).replace(b"\r\n", b"\n")  # the terminal's own doing


def controls(written: bytes) -> set[str]:
    """Every character but a newline that a terminal might obey."""
    text = written.decode()
    unsafe = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
                        "\u2060-\u206f\ufeff\U000e0000-\U000e007f]")  # fmt: skip
    return set(unsafe.findall(text))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_hostile_text_writes_no_control_character_into_a_pipe(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(program(tmp_path, arguments), capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.stdout or done.stderr
    assert controls(done.stdout) | controls(done.stderr) == set()


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_hostile_text_drives_no_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Only our own colours reach it; links, titles, clipboards, cursors and resets do not."""
    written = on_terminal(program(tmp_path, arguments))
    assert b"Traceback" not in written
    assert controls(COLOURS.sub(b"", written)) == set()


def test_markup_in_recorded_text_is_only_text(tmp_path: Path) -> None:
    written = on_terminal(program(tmp_path, ("show", "--last", "--full")))
    plain = " ".join(COLOURS.sub(b"", written).decode().split())
    assert "[bold red]markup[/] [link=https://evil.example]x[/link] :smile:" in plain


def test_a_terminal_gets_colours_and_no_color_takes_them_away(tmp_path: Path) -> None:
    command = program(tmp_path, ("show", "trip"), hostile=False)
    assert COLOURS.search(on_terminal(command))
    assert b"\x1b" not in on_terminal(command, NO_COLOR="1")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = program(tmp_path, ("show", "--last", "--full"), hostile=False)
    command[2] = command[2].replace("main()", "store.held[0] = store.held[2]\nmain()")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_a_terminal_without_unicode_gets_question_marks(tmp_path: Path) -> None:
    command = program(tmp_path, ("show", "trip"), hostile=False)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert b"? weather(" in done.stdout


def test_only_one_place_makes_text_for_the_terminal() -> None:
    """What is not painted there would not pass `printable` on its way out."""
    sources = (ROOT / "integrations" / "threadline" / "cli").glob("*.py")
    imports_rich = re.compile(r"^(from|import) rich", re.MULTILINE)
    users = {path.name for path in sources if imports_rich.search(path.read_text())}
    assert users - {"demo.py"} == {"paint.py", "session.py"}
