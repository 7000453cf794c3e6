"""The one thing that the viewer writes: a thumb or a comment, from its own pages only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.conftest import running
from tests.stored import Stored, turn_id

import threadline

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import httpx
    from tests.server.conftest import Running


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rating") / "rated.db"
    stored = Stored(path)
    stored.turn("t-1", ("user", "Hello?"), ("assistant", "Hi."))
    stored.turn("t-2", ("user", "Other"), ("assistant", "Thing"))
    stored.close()
    return path


@pytest.fixture(scope="module")
def rated(store: Path) -> Generator[Running]:
    with running(store) as started:
        yield started


@pytest.fixture(scope="module")
def visitor(rated: Running) -> Generator[httpx.Client]:
    with rated.client() as client:
        yield client


@pytest.fixture(scope="module")
def form(visitor: httpx.Client) -> dict[str, str]:
    """What the form of a turn brings along."""
    page = visitor.get("/conversation", params={"id": "t-1"}).text
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    assert set(found) == {"thread", "turn", "key"}
    return found


def ratings(store: Path) -> list[tuple[Any, ...]]:
    turn = threadline.open(store).turn(turn_id(1))
    assert turn is not None
    return [(one.value, one.comment, one.source) for one in turn.ratings]


def test_a_thumb_is_kept_and_leads_back(
    rated: Running, visitor: httpx.Client, form: dict[str, str], store: Path
) -> None:
    """The store has it when the answer comes; the reviewer is told apart from the user."""
    before = ratings(store)
    sent = {**form, "value": "1", "comment": " Well put "}
    answer = visitor.post("/rate", data=sent, headers={"origin": rated.base})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/conversation?id=t-1&turn=")
    assert ratings(store) == [*before, (1.0, "Well put", "reviewer")]


def test_a_comment_alone_is_feedback(
    rated: Running, visitor: httpx.Client, form: dict[str, str], store: Path
) -> None:
    """Words without a thumb judge nothing."""
    sent = {**form, "value": "", "comment": "Why so short?"}
    visitor.post("/rate", data=sent, headers={"origin": rated.base})
    turn = threadline.open(store).turn(turn_id(1))
    assert turn is not None
    assert [one.text for one in turn.feedback] == ["Why so short?"]


@pytest.mark.parametrize(
    ("changed", "headers", "code"),
    [
        ({}, {"origin": "https://evil.example"}, 403),
        ({}, {"origin": "null"}, 403),
        ({}, {"origin": ""}, 403),
        ({}, {}, 403),
        ({}, {"sec-fetch-site": "cross-site"}, 403),
        ({"key": ""}, {"origin": "own"}, 403),
        ({"key": "x" * 64}, {"origin": "own"}, 403),
        ({"turn": "nobody"}, {"origin": "own"}, 404),
        ({"turn": turn_id(2)}, {"origin": "own"}, 404),
        ({"thread": "t-2"}, {"origin": "own"}, 404),
        ({"comment": "x" * 70_000}, {"origin": "own"}, 413),
        ({}, {"origin": "own", "content-type": "text/plain"}, 415),
        ({}, {"origin": "own", "cookie": "threadline=1"}, 401),
    ],
)
def test_what_is_not_its_own_form_changes_nothing(
    rated: Running,
    visitor: httpx.Client,
    form: dict[str, str],
    store: Path,
    *,
    changed: dict[str, str],
    headers: dict[str, str],
    code: int,
) -> None:
    """Another origin, no origin, a wrong key, another turn: refused, and the store is as it was."""
    before = ratings(store)
    own = {name: rated.base if told == "own" else told for name, told in headers.items()}
    answer = visitor.post("/rate", data={**form, "value": "-1", **changed}, headers=own)
    assert answer.status_code == code
    assert ratings(store) == before


def test_a_rating_cannot_be_asked_for_by_an_address(
    visitor: httpx.Client, form: dict[str, str], store: Path
) -> None:
    """Following a link changes nothing."""
    before = ratings(store)
    assert visitor.get("/rate", params={**form, "value": "1"}).status_code == 405
    assert ratings(store) == before
