"""P4 over real sockets: whatever a server does, everything arrives, once and in order."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trustme
from tests.faults.loopbacks import KINDS, Loopback
from tests.shipping import client_for, ingestion, record, say

from threadline.ingest.pace import Pace
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from threadline.destinations import Destination
    from threadline.ingest.ingestion import IngestionClient

TURNS = [(f"t{n % 3}", f"q{n:02}") for n in range(12)]
PACE = Pace(first_wait_s=0.01, longest_wait_s=0.05, send_timeout_s=0.4, longest_told_s=0.1)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loopback]:
    with KINDS[request.param](tmp_path) as loopback:
        yield loopback


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def shipped(store: Path, target: Destination, seconds: float = 20) -> IngestionClient:
    client = ingestion(store, target, pace=PACE)
    client.flush(seconds)
    client.stop(1)
    return client


def first_told(questions: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """By thread, each question where it came first."""
    threads: dict[str, list[str]] = {}
    for thread_id, question in dict.fromkeys(questions):
        threads.setdefault(thread_id, []).append(question)
    return threads


FAULTS = {
    "reset after headers": [{"do": "reset"}] * 2,
    "accepts and never answers": [{"do": "hang"}],
    "reads nothing": [{"do": "slow"}],
    "500": [{"do": "say", "status": 500}] * 3,
    "503 with Retry-After": [{"do": "say", "status": 503, "headers": {"Retry-After": "0"}}] * 2,
    "429 with a date": [
        {"do": "say", "status": 429, "headers": {"Retry-After": "Sun, 01 Nov 2015 00:00:00 GMT"}}
    ],
    "429": [{"do": "say", "status": 429}] * 2,
    "401": [{"do": "say", "status": 401}],
    "redirect": [{"do": "say", "status": 307, "headers": {"Location": "http://127.0.0.1:9/x"}}],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_every_turn_arrives_once_and_in_order(
    server: Loopback, store: Path, fault: str
) -> None:
    """What was not taken is sent again; what was, is not."""
    record(store, TURNS, [server.kind])
    server.behave(*FAULTS[fault])
    client = shipped(store, server.target())
    assert client.deliveries() == (len(TURNS), 0, 0)
    assert sorted(server.questions()) == sorted(TURNS)
    assert all(asked == sorted(asked) for asked in first_told(server.questions()).values())


def test_answers_are_asked_for_as_plain_bytes(server: Loopback, store: Path) -> None:
    """They are read as they come: a packed one would hide what it says was refused."""
    record(store, TURNS[:1], [server.kind])
    shipped(store, server.target())
    assert server.requests()
    for request in server.requests():
        sent = {name.lower(): value for name, value in request["headers"].items()}
        assert sent["accept-encoding"] == "identity"


def test_an_answer_that_never_came_leaves_nothing_twice_under_several_ids(
    server: Loopback, store: Path
) -> None:
    """It is sent again under the same ids; not at all, where it can be seen that it is there."""
    record(store, TURNS, [server.kind])
    server.behave({"do": "take_and_hang"})
    client = shipped(store, server.target())
    assert client.deliveries() == (len(TURNS), 0, 0)
    assert set(server.questions()) == set(TURNS)
    ids = server.ids()
    assert len(set(ids)) == len(TURNS)
    assert (len(ids) == len(TURNS)) == (server.kind == "context")


@pytest.mark.parametrize("status", [400, 413])
def test_one_refused_turn_is_put_aside_with_the_servers_words(
    server: Loopback, store: Path, status: int
) -> None:
    """The others arrive; the reason is kept with the row."""
    record(store, TURNS, [server.kind])
    server.behave({"do": "pick", "word": "q05", "status": status})
    client = shipped(store, server.target())
    assert client.deliveries() == (len(TURNS) - 1, 0, 1)
    assert sorted(server.questions()) == sorted(set(TURNS) - {("t2", "q05")})
    [row] = open_outbox(store, client._clock).listed(limit=5, put_aside_only=True)
    assert f"HTTP {status}" in str(row.reason)
    assert "not that word" in str(row.reason)


def test_a_server_that_is_down_and_comes_back_gets_everything(
    server: Loopback, store: Path
) -> None:
    """Nothing listens for a whole run; the next one delivers."""
    record(store, TURNS, [server.kind])
    server.stop()
    client = shipped(store, server.target(), 0.3)
    assert client.deliveries() == (0, len(TURNS), 0)
    server.start()
    shipped(store, server.target())
    assert sorted(server.questions()) == sorted(TURNS)


@pytest.mark.parametrize("kind", KINDS)
def test_two_servers_do_not_wait_for_each_other(tmp_path: Path, store: Path, kind: str) -> None:
    """One destination hangs; another one gets everything meanwhile."""
    folders = [tmp_path / name for name in ("one", "two")]
    servers: list[Loopback] = []
    for folder in folders:
        folder.mkdir()
        servers.append(KINDS[kind](folder))
    try:
        for loopback in servers:
            loopback.start()
        record(store, TURNS, ["hangs", "answers"])
        servers[0].behave(*[{"do": "hang"}] * 50)
        client = ingestion(
            store, servers[0].target(name="hangs"), servers[1].target(name="answers"), pace=PACE
        )
        while client.deliveries()[0] < len(TURNS):
            client.flush(0.2)
        client.stop(0.1)
        assert client.deliveries() == (len(TURNS), len(TURNS), 0)
        assert sorted(servers[1].questions()) == sorted(TURNS)
    finally:
        for loopback in servers:
            loopback.stop()


def test_the_secret_is_told_nowhere(
    server: Loopback, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a log line nor a report, neither the store nor the outbox holds the credential."""
    caplog.set_level(logging.DEBUG)
    record(store, TURNS, [server.kind])
    server.behave(
        {"do": "say", "status": 400, "body": f"bad token {server.secret}"},
        *[{"do": "say", "status": 401, "body": server.secret}] * 3,
        {"do": "reset"},
    )
    target = server.target()
    client = shipped(store, target)
    server.stop()
    told = [str(target.check(timeout_s=1))]
    told += [repr(client.deliveries()), repr(target), caplog.text]
    files = [file.read_bytes() for file in store.parent.glob("chat.db*") if file.is_file()]
    assert not any(server.secret in text for text in told)
    assert not any(server.secret.encode() in data for data in files)


def test_check_says_in_a_sentence_what_is_wrong(server: Loopback) -> None:
    """An empty request finds out; nothing is delivered by it."""
    target = server.target()
    assert target.check(timeout_s=5) is None
    server.behave({"do": "say", "status": 403}, {"do": "say", "status": 404})
    assert "credentials are not accepted" in str(target.check(timeout_s=5))
    assert "address is not the right one" in str(target.check(timeout_s=5))
    server.stop()
    assert "cannot be reached" in str(target.check(timeout_s=5))
    assert server.questions() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_certificate_gets_nothing(tmp_path: Path, store: Path, kind: str) -> None:
    """What cannot prove who it is sees neither turns nor credentials; they wait."""
    authority, identity = trustme.CA(), tmp_path / "server.pem"
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(identity))
    server = KINDS[kind](tmp_path, str(identity))
    server.start()
    try:
        record(store, TURNS, [kind])
        client = ingestion(store, server.target(scheme="https"), pace=PACE)
        outbox = open_outbox(store, client._clock)
        while (error := outbox.state(kind).error) is None:
            client.flush(0.2)
        client.stop(1)
        assert client.deliveries() == (0, len(TURNS), 0)
        assert "certificate verify failed" in error
        shipped(store, server.target(scheme="https", verify=str(trusted)))
        assert sorted(server.questions()) == sorted(TURNS)
    finally:
        server.stop()


def test_an_application_with_a_hanging_server_goes_on(server: Loopback, store: Path) -> None:
    """Recording and closing wait for nobody; the next process delivers all of it."""
    server.behave(*[{"do": "hang"}] * 50)
    client = client_for(store, [server.target()], shutdown_timeout=0.2)
    say(client, TURNS)
    client.store_recorded()
    assert client.close().pending == len(TURNS)
    server.behave()
    shipped(store, server.target())
    assert set(server.questions()) == set(TURNS)
