"""Doctor tells what is wrong, and exits with 1 only if something is broken."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.fake_store import FakeStore
from tests.samples import all_samples

import threadline
import threadline.store
from threadline.cli.app import app
from threadline.errors import StoreNewerError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with something in it."""
    path = tmp_path / "shop.db"
    path.write_bytes(b"x" * 4200)
    fake = FakeStore(path, *all_samples())
    monkeypatch.setattr(threadline, "open", lambda _path=None: fake, raising=False)
    monkeypatch.setenv("THREADLINE_STORE", str(path))
    monkeypatch.setattr(threadline.store, "SQLITE_VERSION", "3.51.3", raising=False)
    return path


def examine() -> tuple[Result, dict[str, dict[str, Any]]]:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return result, {row["name"]: row for row in rows}


def test_a_sound_store_is_described(path: Path) -> None:
    result, found = examine()
    assert result.exit_code == 0
    assert found["path"]["value"] == f"{path} (4.2 kB)"
    assert found["contents"]["value"] == "9 conversations, 11 turns, 23 messages"
    assert found["journals"]["value"] == "none waiting"
    assert found["sqlite"]["tone"] == "good"
    assert found["store"]["value"] == f"{path} (from THREADLINE_STORE)"
    assert found["schema version"]["value"] == "1"
    assert "bad" not in {row["tone"] for row in found.values()}


def test_people_get_it_by_topic(path: Path) -> None:
    shown = CliRunner().invoke(app, ["doctor", "--store", str(path)]).stdout
    lines = shown.splitlines()
    assert [line for line in lines if line and line[0] != " "] == [
        "Installation",
        "Store",
        "Settings",
    ]
    assert f"{path} (from --store)" in shown


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("version", "tone"),
    [("3.40.1", "warn"), ("3.51.2", "warn"), ("3.51.3", "good"), ("4.0", "good")],
)
def test_an_sqlite_with_the_reset_race_is_named(
    monkeypatch: pytest.MonkeyPatch, version: str, tone: str
) -> None:
    monkeypatch.setattr(threadline.store, "SQLITE_VERSION", version)
    result, found = examine()
    assert (found["sqlite"]["value"], found["sqlite"]["tone"]) == (version, tone)
    assert result.exit_code == 0


def test_waiting_journals_are_counted(path: Path) -> None:
    folder = path.with_name("shop.db.journals")
    folder.mkdir()
    (folder / "1.journal").write_bytes(b"x" * 3000)
    (folder / "2.journal").write_bytes(b"")
    (folder / "other").write_bytes(b"x")
    _, found = examine()
    assert found["journals"]["value"] == "1 journal waiting, 3.0 kB"


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("package", "version", "tone"),
    [
        ("langchain-core", "1.7.2", "good"),
        ("langchain-core", "0.3.9", "warn"),
        ("haystack-ai", "2.30.0", "warn"),
        ("haystack-ai", "3.0.0rc1", "good"),
        ("langgraph", None, "quiet"),
    ],
)
def test_frameworks_are_told_with_whether_they_are_supported(
    monkeypatch: pytest.MonkeyPatch, package: str, version: str | None, tone: str
) -> None:
    def installed(name: str) -> str:
        if name != package or version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(importlib.metadata, "version", installed)
    _, found = examine()
    assert found[package]["tone"] == tone
    assert found[package]["value"] == (version or "not installed")


@pytest.mark.usefixtures("path")
def test_too_little_space_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(9, 8, 1000))
    result, found = examine()
    assert result.exit_code == 1
    assert found["free disk space"]["tone"] == "bad"
    assert "recording stops below 500 MB" in found["free disk space"]["note"]


def test_a_store_that_cannot_be_opened_is_bad(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path | None = None) -> FakeStore:
        raise StoreNewerError(path, 9, 1)

    monkeypatch.setattr(threadline, "open", fail)
    result, found = examine()
    assert result.exit_code == 1
    assert "upgrade threadline" in found["contents"]["note"]


def test_no_store_yet_is_nothing_bad(path: Path) -> None:
    path.unlink()
    result, found = examine()
    assert result.exit_code == 0
    assert "not there yet" in found["path"]["note"]
    assert "contents" not in found


def test_a_store_below_a_file_is_told_to_be_impossible(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADLINE_STORE", str(path / "deep" / "er.db"))
    result, found = examine()
    assert result.exit_code == 1
    assert found["path"]["tone"] == "bad"
    assert f"it can never be made: {path} is not a folder" in found["path"]["note"]
    assert "free disk space" not in found


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("store", ["/proc/x/y.db", "/proc/y.db"])
def test_a_folder_that_nobody_can_write_is_told_even_to_root(
    path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    del path
    monkeypatch.setenv("THREADLINE_STORE", store)
    result, found = examine()
    assert result.exit_code == 1
    assert "/proc cannot be written (" in found["path"]["note"]
    assert "journals" not in found


def test_a_folder_without_permission_is_told_with_the_reason(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_arguments: Any) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    path.unlink()
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    result, found = examine()
    assert result.exit_code == 1
    assert f"{path.parent} cannot be written (Permission denied)" in found["path"]["note"]


def test_looking_whether_a_store_can_be_made_leaves_nothing_behind(path: Path) -> None:
    path.unlink()
    examine()
    assert not list(path.parent.glob(".threadline*"))
    assert not path.exists()


@pytest.mark.usefixtures("path")
def test_a_file_system_without_a_size_is_not_told_to_be_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(0, 0, 0))
    _, found = examine()
    assert "tells no size" in found["free disk space"]["note"]
    assert "make room" not in found["free disk space"]["note"]
    monkeypatch.setenv("THREADLINE_MIN_FREE_BYTES", "0")
    assert examine()[1]["free disk space"]["tone"] != "bad"


def test_a_wrong_setting_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del path
    monkeypatch.setenv("THREADLINE_SAMPLE", "many")
    result, found = examine()
    assert result.exit_code == 1
    assert "a number from 0 to 1" in found["sample"]["note"]


def test_a_store_in_memory_is_told_to_be_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del path
    monkeypatch.setenv("THREADLINE_STORE", "memory")
    _, found = examine()
    assert found["path"]["value"] == "in memory"
