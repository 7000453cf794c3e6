"""`threadline doctor` asks a Context server with a request that changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from tests.faults.context_server import TOKEN

from threadline.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.faults.loopbacks import ContextLoopback


def told() -> tuple[str, str]:
    """What it says of the destination."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["doctor", "--json"])
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    [finding] = [f for f in found if f["topic"] == "Destinations"]
    assert TOKEN not in done.output
    return finding["tone"], finding["note"]


def test_it_says_in_a_sentence_what_is_wrong(
    server: ContextLoopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad token, a wrong address, nobody there, a missing setting; else that all is well."""
    monkeypatch.setenv("THREADLINE_STORE", str(tmp_path / "chat.db"))
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "context")
    monkeypatch.setenv("CONTEXT_API_BASE_URL", f"http://127.0.0.1:{server.port}")
    assert "CONTEXT_API_TOKEN" in told()[1]
    monkeypatch.setenv("CONTEXT_API_TOKEN", TOKEN)
    assert told()[0] == "good"
    server.behave({"do": "say", "status": 404})
    assert "the address is not the right one" in told()[1]
    monkeypatch.setenv("CONTEXT_API_TOKEN", "another-token")
    assert "the credentials are not accepted" in told()[1]
    server.stop()
    assert "cannot be reached" in told()[1]
    assert server.requests() == []
