"""What is wrong is told in the words of whoever typed it, and never as a traceback."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

import threadline
from threadline.cli.app import app
from threadline.errors import ArgumentError, StoreNewerError, StoreNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fake_store import FakeStore


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (StoreNotFoundError, 1, "no store at"),
        (lambda path: StoreNewerError(path, 9, 1), 1, "upgrade threadline"),
        (lambda _path: ArgumentError("since", "soon", "2h, 3d or a date"), 2, "--since is 'soon'"),
    ],
)
def test_errors_are_told_and_not_traced(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[Path], Exception],
    code: int,
    words: str,
) -> None:
    def fail(_path: Path | None = None) -> FakeStore:
        raise error(tmp_path / "shop.db")

    monkeypatch.setattr(threadline, "open", fail, raising=False)
    result = run("list")
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "--since", "yesterday"], ["--since is 'yesterday'", '"2h", "3d"', "2026-11-21"]),
        (["list", "--until", "soon"], ["--until is 'soon'", "an ISO time"]),
        (
            ["list", "--since", "1h", "--until", "2h"],
            ["--until is '2h'", "at or after since, which is 1h"],
        ),
        (["search", ""], ["TEXT is ''", "at least one word"]),
        (["list", "--text", ""], ["--text is ''", "at least one word"]),
        (["list", "--cursor", "x"], ["--cursor is 'x'"]),
        (["list", "--rating", "nan"], ["--rating is nan", "a finite number, 'up' or 'down'"]),
        (["export", "--rating", "-inf"], ["--rating is -inf", "a finite number"]),
    ],
)
def test_what_was_typed_wrong_is_told_the_way_it_is_typed(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    """Over a real store, whose reader also takes what nobody can type."""
    path = tmp_path / "a.db"
    with (
        threadline.Client(store=path) as client,
        threadline.turn(thread_id="t", input="Hello", client=client) as turn,
    ):
        turn.output = "Hi"
    result = run(*arguments, "--store", str(path))
    assert result.exit_code == 2
    assert f" {arguments[0]} [OPTIONS]" in result.stderr.splitlines()[0]
    assert "datetime" not in result.stderr
    assert [text for text in words if text not in result.stderr] == []


@pytest.mark.parametrize("command", [["list"], ["show", "t"], ["status"], ["export"]])
@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_database_of_somebody_else_is_told_to_be_one(
    tmp_path: Path, command: list[str], version: int
) -> None:
    """Whatever version its own schema has; not a byte of it changes."""
    path = tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (of_theirs)")
        connection.execute(f"PRAGMA user_version = {version}")
    check_told_to_be_no_store(path, command)


@pytest.mark.parametrize("command", [["list"], ["status"]])
def test_a_file_that_is_no_database_is_told_to_be_none(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database at all. " * 100)
    check_told_to_be_no_store(path, command)


def check_told_to_be_no_store(path: Path, command: list[str]) -> None:
    before = path.read_bytes()
    result = run(*command, "--store", str(path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{path} cannot be used: it is not a store of Threadline's" in result.stderr
    assert path.read_bytes() == before
