"""How a project of Freeplay is named, and what is said where that went wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.faults import freeplay_server
from tests.shipping import client_for, ingestion, say, say_at_length

import threadline
from threadline.cli.app import app
from threadline.destinations import Freeplay
from threadline.errors import SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import FreeplayLoopback

KEY, PROJECT = freeplay_server.KEY, freeplay_server.PROJECT


@pytest.fixture
def environment(server: FreeplayLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREEPLAY_API_KEY", KEY)
    monkeypatch.setenv("FREEPLAY_PROJECT_ID", PROJECT)
    monkeypatch.setenv("FREEPLAY_API_URL", f"http://127.0.0.1:{server.port}")


@pytest.mark.usefixtures("environment")
def test_the_environment_is_enough(
    server: FreeplayLoopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of Freeplay's own packages; the host alone will do."""
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "freeplay")
    with threadline.Client(store=tmp_path / "chat.db", min_free_bytes=0) as client:
        [turn_id] = say(client, [("t", "Rain?")])
        assert client.flush(20).delivered == 1
    [trace] = [r["body"] for r in server.requests() if "agent_name" in r["body"]]
    assert trace["custom_metadata"]["turn_id"] == turn_id


@pytest.mark.parametrize(
    ("missing", "named"),
    [({"api_key": None}, "FREEPLAY_API_KEY"), ({"project_id": None}, "FREEPLAY_PROJECT_ID")],
)
def test_what_is_missing_is_named(missing: dict[str, None], named: str) -> None:
    """By the variable that would bring it."""
    given = {"api_key": KEY, "project_id": PROJECT, **missing}
    with pytest.raises(SettingError, match=named):
        Freeplay("https://app.freeplay.ai/api", **given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://app.freeplay.ai/api"},
        {"base_url": "https://user:password@app.freeplay.ai/api"},
        {"base_url": "app.freeplay.ai"},
        {"project_id": "../projects"},
        {"api_key": "fp-hidden\nX-More: 1"},
        {"redact": ["nonsense"]},
    ],
    ids=["in the clear", "password", "no scheme", "project", "key", "rule"],
)
def test_what_cannot_be_used_is_refused_at_once(wrong: dict[str, object]) -> None:
    """A credential is in no message."""
    given = {"api_key": "fp-hidden", "project_id": PROJECT, **wrong}
    with pytest.raises(SettingError) as refused:
        Freeplay(**given)
    assert "fp-hidden" not in str(refused.value)
    assert "password@" not in str(refused.value)


def test_a_key_goes_in_the_clear_only_where_that_is_allowed() -> None:
    """Such as to a gateway in the same cluster."""
    assert Freeplay("http://gateway:8080/api", KEY, PROJECT, allow_plain_http=True)


@pytest.mark.usefixtures("environment")
def test_doctor_says_what_is_wrong(
    server: FreeplayLoopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It only asks for the list of projects; the key is in no line of what it says."""
    monkeypatch.setenv("THREADLINE_DESTINATIONS", "freeplay")
    monkeypatch.setenv("THREADLINE_STORE", str(tmp_path / "chat.db"))
    assert doctors_finding() == ("good", "")
    assert server.asked() == ["GET /api/v2/projects/all"]
    other = "0f0f0f0f-0000-4000-8000-000000000000"
    monkeypatch.setenv("FREEPLAY_PROJECT_ID", other)
    assert doctors_finding() == ("bad", f"the key is accepted, but it has no project {other}")
    monkeypatch.setenv("FREEPLAY_API_KEY", "fp-another-secret")
    assert "the credentials are not accepted" in doctors_finding()[1]
    monkeypatch.setenv("FREEPLAY_API_KEY", KEY)
    monkeypatch.setenv("FREEPLAY_API_URL", f"http://127.0.0.1:{server.port}/wrong")
    assert "the address is not the right one" in doctors_finding()[1]
    server.stop()
    assert "cannot be reached" in doctors_finding()[1]
    monkeypatch.delenv("FREEPLAY_API_KEY")
    assert "FREEPLAY_API_KEY" in doctors_finding()[1]


def test_a_list_of_projects_that_cannot_be_read_says_nothing_against_one(
    server: FreeplayLoopback,
) -> None:
    """It may be longer than what is read of an answer."""
    server.behave({"do": "say", "status": 200, "body": '{"projects": [{"id": "a-'})
    target = server.target()
    assert target.check(timeout_s=5) is None
    target.close()


def doctors_finding() -> tuple[str, str]:
    said = CliRunner().invoke(app, ["doctor", "--json"], catch_exceptions=False).output
    assert KEY not in said
    assert "fp-another-secret" not in said
    findings = [json.loads(line) for line in said.splitlines()]
    [found] = [f for f in findings if f["topic"] == "Destinations"]
    return found["tone"], found["note"]


def test_an_origin_is_address_key_and_project_and_tells_no_key() -> None:
    """What waits for one account goes to no other by mistake."""
    given = {"base_url": "https://app.freeplay.ai/api", "api_key": KEY, "project_id": PROJECT}
    others = [{"base_url": "https://b.example"}, {"api_key": "other"}, {"project_id": "p-2"}]
    origins = [Freeplay(**{**given, **other}).origin for other in ({}, *others)]
    assert len(set(origins)) == 4
    assert Freeplay(**given).origin == origins[0]
    assert not any(KEY in origin for origin in origins)


def test_two_projects_have_ids_of_their_own() -> None:
    """Nothing of one conversation collides where it is shipped to both."""
    ids = [Freeplay(api_key=KEY, project_id=p)._ids.session("t") for p in (PROJECT, "another")]
    assert len(set(ids)) == 2


def test_two_tenants_with_one_thread_id_have_sessions_of_their_own() -> None:
    """A conversation's key is both."""
    ids = Freeplay(api_key=KEY, project_id=PROJECT)._ids
    assert len({ids.session("t"), ids.session("t", "a"), ids.session("t", "b")}) == 3


def test_what_is_shipped_again_is_the_same_object(server: FreeplayLoopback, tmp_path: Path) -> None:
    """By another destination of the same project, such as after a loss: same ids, same words."""
    with client_for(tmp_path / "chat.db", ["freeplay", "again"], ship=False) as client:
        say_at_length(client, [("t", "Rain?")])
    for name in ("freeplay", "again"):
        sender = ingestion(tmp_path / "chat.db", server.target(name=name))
        sender.flush(20)
        sender.stop(1)
        assert sender.deliveries() == (1, 0, 0)
    objects = server.objects()
    assert len(objects) == 4
    assert all(first == again for first, again in objects.values())
