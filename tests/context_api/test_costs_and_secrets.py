"""How many bytes the Context API is sent, and where its token goes: nowhere else."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.context_api.shop import Shop
from tests.faults.context_server import TOKEN
from tests.faults.loopbacks import ContextLoopback

from threadline.destinations import ContextApi
from threadline.errors import SettingError
from threadline.ingest.named import named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TURNS = 50
MESSAGE_BYTES = 120
REQUEST_BYTES = 300


def text_of(entry: dict[str, object]) -> int:
    """How many bytes the words of an entry have, as JSON writes them."""
    words = [entry.get("message"), entry.get("observation"), entry.get("name"), entry.get("input")]
    return sum(len(json.dumps(word, ensure_ascii=False).encode()) - 2 for word in words if word)


def head_of(request: dict[str, Any]) -> int:
    """How many bytes stand before the body: the line of the request, and headers."""
    lines = [f"{request['method']} {request['path']} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request["headers"].items()]
    return sum(len(line) + 2 for line in [*lines, ""])


def test_a_long_conversation_costs_little_more_than_its_text(
    server: ContextLoopback, shop: Shop
) -> None:
    """Shipped turn by turn: the history is not sent again, and little stands beside the words."""
    for number in range(TURNS):
        question = f"{number}: is the reading room open on Sunday? " * 5
        if number % 5:
            shop.ask(question, "Yes, from ten to four. " * 10, user_id="u-1")
        else:
            shop.ask_with_tools(question, "Yes, it is. " * 20)
        shop.ship()
    requests, entries = server.requests(), [entry for _, entry in server.entries()]
    assert len(requests) == TURNS
    sent = sum(request["bytes"] + head_of(request) for request in requests)
    text = sum(map(text_of, entries))
    assert sent <= text + MESSAGE_BYTES * len(entries) + REQUEST_BYTES * len(requests)
    assert sent > text


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[ContextLoopback]:
    """Another server, where redirects point to."""
    with ContextLoopback(tmp_path / "elsewhere") as loopback:
        yield loopback


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_carries_the_token_nowhere(
    server: ContextLoopback, elsewhere: ContextLoopback, shop: Shop, status: int
) -> None:
    """It is not followed: what waits is delivered when the server takes it itself."""
    address = f"http://127.0.0.1:{elsewhere.port}/api/v1/log/conversation/thread"
    server.behave({"do": "say", "status": status, "headers": {"Location": address}})
    shop.ask("q0", "a0")
    assert shop.ship() == (1, 0, 0)
    assert elsewhere.requests() == []
    assert server.questions() == [("t-1", "q0")]


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("http://context.example", TOKEN, "https://"),
        ("https://me:pass-word@context.example", TOKEN, "without a user"),
        ("context.example", TOKEN, "begins with"),
        ("https://context.example", f"{TOKEN}\n", "printable"),
    ],
)
def test_what_would_give_the_token_away_is_refused_and_not_told(
    url: str, token: str, words: str
) -> None:
    """It goes over TLS or to this machine; the sentence that says so holds no secret."""
    with pytest.raises(SettingError, match=words) as refused:
        ContextApi(url, token)
    assert TOKEN not in str(refused.value)
    assert "pass-word" not in str(refused.value)


def test_plain_http_is_for_this_machine_or_by_choice() -> None:
    """A server in the same pod, or one that the setting names."""
    assert ContextApi("http://localhost:9", TOKEN).name == "context"
    allowed = ContextApi("http://context.example", TOKEN, allow_plain_http=True)
    assert TOKEN not in repr(allowed)


def test_address_and_token_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name; without an address nothing goes anywhere, as there is none by default."""
    for variable in ("CONTEXT_API_TOKEN", "CONTEXT_API_BASE_URL"):
        with pytest.raises(SettingError, match="CONTEXT_API_"):
            named("context")
        monkeypatch.setenv(variable, TOKEN if "TOKEN" in variable else "https://context.example")
    assert named("context").name == "context"
    with pytest.raises(SettingError, match="fewer than 40"):
        ContextApi("https://context.example", TOKEN, "t" * 40)


def test_own_redaction_rules_hold_for_what_is_sent(
    server: ContextLoopback, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In words, tools, metadata and events; the store keeps what it had."""
    caplog.set_level(logging.DEBUG)
    shop = Shop(tmp_path / "chat.db", server, {"redact": ["re:4711"]})
    shop.ask("Order 4711?", "4711 is on its way", metadata={"order": "4711"})
    assert shop.ship() == (1, 0, 0)
    shop.close()
    assert "4711" not in json.dumps(server.requests())
    assert TOKEN not in caplog.text
