"""What Freeplay answers, and what becomes of the record."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.faults import freeplay_server
from tests.faults.loopbacks import FreeplayLoopback
from tests.samples import said, span, turn
from tests.shipping import client_for, ingestion, say, say_at_length

import threadline
from threadline.clock import SystemClock
from threadline.destinations import Freeplay, Later
from threadline.ingest.freeplay_ids import FreeplayIds
from threadline.ingest.freeplay_shortening import shortened
from threadline.ingest.freeplay_turn import turn_requests
from threadline.ingest.pace import Pace
from threadline.ingest.shipping import open_outbox
from threadline.ingest.trying import item_of
from threadline.model import BlobPart, TextPart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.ingest.ingestion import IngestionClient
    from threadline.model import Span

PACE = Pace(first_wait_s=0.01, longest_wait_s=0.05, send_timeout_s=5.0, longest_told_s=0.05)
LONG = "word " * 500_000
IDS = FreeplayIds(freeplay_server.PROJECT)


@pytest.fixture
def client(tmp_path: Path) -> threadline.Client:
    return client_for(tmp_path / "chat.db", ["freeplay"], ship=False)


def ship(client: threadline.Client, target: Freeplay, seconds: float = 20) -> IngestionClient:
    client.store_recorded()
    sender = ingestion(client.settings.store, target, pace=PACE)
    sender.flush(seconds)
    sender.stop(1)
    return sender


def error_of(client: threadline.Client) -> str:
    return str(open_outbox(client.settings.store, SystemClock()).state("freeplay").error)


def test_a_turn_goes_on_where_it_was_stopped(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """Where only a request at a time is let through, nothing is sent twice and all arrives."""
    say_at_length(client, [("t", "one"), ("t", "two")])
    busy = {"do": "say", "status": 429, "headers": {"Retry-After": "0"}}
    server.behave(*[busy, {"do": "take"}] * 8)
    assert ship(client, server.target()).deliveries() == (2, 0, 0)
    assert [len(bodies) for bodies in server.objects().values()] == [1] * 8


def test_conversations_do_not_wait_for_one_another(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """While one request hangs, all that is said elsewhere arrives."""
    asked = [(f"t{n}", f"q{n}") for n in range(12)]
    say(client, asked)
    client.store_recorded()
    server.behave({"do": "hang"})
    sender = ingestion(
        client.settings.store, server.target(), pace=replace(PACE, send_timeout_s=60)
    )
    while len(server.objects()) < len(asked) - 1:
        sender.flush(0.1)
    assert sender.deliveries() == (0, len(asked), 0)  # it is still at it
    server.behave()
    sender.flush(20)
    sender.stop(1)
    assert sender.deliveries() == (len(asked), 0, 0)
    assert sorted(server.questions()) == sorted(asked)


def test_one_refused_request_of_a_turn_does_not_hold_up_the_rest(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """What is refused is named with the server's words; tried again, only it is still missing."""
    say_at_length(client, [("t", "one"), ("t", "two")])
    server.behave({"do": "pick", "word": "What is one?", "status": 422})
    assert ship(client, server.target()).deliveries() == (1, 0, 1)
    outbox = open_outbox(client.settings.store, SystemClock())
    [row] = outbox.listed(limit=5, put_aside_only=True)
    assert str(row.reason).startswith("the completion 'gpt-x': HTTP 422")
    assert str(row.reason).endswith("not that word")
    assert len(server.objects()) == 7
    server.behave()
    outbox.retry()
    assert ship(client, server.target()).deliveries() == (1, 0, 0)
    assert len(server.objects()) == 8


def test_an_object_that_is_there_already_is_delivered(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """A conflict over an id of ours is an earlier try that came through."""
    say_at_length(client, [("t", "one")])
    server.behave({"do": "say", "status": 409})
    assert ship(client, server.target()).deliveries() == (1, 0, 0)


def test_what_is_too_long_is_cut_and_says_so(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """Everything else stays, and the ids too."""
    with threadline.turn(thread_id="t", input=LONG, client=client) as told:
        told.llm_call([{"role": "user", "content": LONG}], "Too long to read", model="gpt-x")
        told.output = "Too long to read"
    server.behave({"do": "no_longer_than", "bytes": 1_200_000})
    assert ship(client, server.target()).deliveries() == (1, 0, 0)
    [[call], [trace]] = server.objects().values()
    asked, answered = call["messages"]
    assert asked["content"] == f"{LONG[:500_000]}[2000000 of 2500000 characters left out: too long]"
    assert answered["content"] == "Too long to read"
    assert trace["input"].endswith("characters left out: too long]")
    assert trace["output"] == "Too long to read"


def test_what_stays_too_long_is_put_aside(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """With the server's answer, and without holding others up."""
    say(client, [("t", LONG), ("t", "short")])
    server.behave({"do": "no_longer_than", "bytes": 2_000})
    assert ship(client, server.target()).deliveries() == (1, 0, 1)


def test_pictures_that_are_too_long_go_whole() -> None:
    """A part of one is of no use; the words beside it stay."""
    picture = BlobPart(b"0" * 2_000_000, mime_type="image/png")
    of = turn("t", 0, 9, spans=(asked_to_look(picture),))
    *_, call = (r for r in turn_requests(of, None, IDS) if "messages" in r.body)
    body = msgspec.json.decode(shortened(call.body, 1_000_000))
    words, noted = body["messages"][0]["content"]
    assert words == {"type": "text", "text": "What is this?"}
    assert noted["type"] == "text"
    assert re.fullmatch(r"\[image_url of 26\d{5} bytes left out: too long\]", noted["text"])


def asked_to_look(picture: BlobPart) -> Span:
    asked = said("user", "", 0, parts=(TextPart("What is this?"), picture))
    return span("llm", "m", 1, 2, input_messages=(asked,))


def test_nothing_is_begun_when_the_time_of_a_try_is_over(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """It waits for its turn again, and says nothing of the destination."""
    say_at_length(client, [("t", "one")])
    client.store_recorded()
    outbox = open_outbox(client.settings.store, SystemClock())
    rows = outbox.plan("freeplay", 9)
    items = [item_of(row, found) for row, found in outbox.records(rows).items()]
    [outcome] = server.target().send(items, timeout_s=0)
    assert outcome == Later("the time was over before it was all sent", 0.0, of_record=True)
    assert server.asked() == []


def test_a_wrong_project_is_named_and_everything_waits(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """A project may be corrected while a backlog waits."""
    ids = say(client, [("t", "one"), ("t", "two")])
    threadline.rate(1, turn_id=ids[0], client=client)
    url, wrong = f"http://127.0.0.1:{server.port}/api", "0f0f0f0f-0000-4000-8000-000000000000"
    target = Freeplay(url, freeplay_server.KEY, wrong)
    assert ship(client, target, 0.3).deliveries() == (0, 3, 0)
    assert f"there is no project {wrong} for this key" in error_of(client)
    assert ship(client, server.target()).deliveries() == (3, 0, 0)


def test_a_wrong_key_is_named_and_everything_waits(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """The key itself is in no sentence."""
    say(client, [("t", "one")])
    url = f"http://127.0.0.1:{server.port}/api"
    target = Freeplay(url, "some-wrong-key", freeplay_server.PROJECT)
    assert ship(client, target, 0.3).deliveries() == (0, 1, 0)
    assert "the credentials are not accepted" in error_of(client)
    assert "some-wrong-key" not in error_of(client)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[FreeplayLoopback]:
    with FreeplayLoopback(tmp_path / "elsewhere") as loopback:
        yield loopback


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_never_carries_the_key_or_a_word(
    client: threadline.Client, server: FreeplayLoopback, elsewhere: FreeplayLoopback, status: int
) -> None:
    """Whoever sends elsewhere is not the right address; where it points to, nothing arrives."""
    say(client, [("t", "one")])
    there = {"Location": f"http://127.0.0.1:{elsewhere.port}/api/v2/projects/all"}
    moved: dict[str, Any] = {"do": "say", "status": status, "headers": there}
    server.behave(*[moved] * 500)
    target = server.target()
    assert "the address is not the right one" in str(target.check(timeout_s=5))
    assert ship(client, target, 0.3).deliveries() == (0, 1, 0)
    assert elsewhere.asked() == []
