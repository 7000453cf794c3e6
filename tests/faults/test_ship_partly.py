"""A collector that takes a part only: what it took is not sent again, what it refused is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.faults.loopbacks import OtlpLoopback
from tests.shipping import ingestion, record

from threadline.clock import SystemClock
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TURNS = [("t", f"q{n:02}") for n in range(6)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OtlpLoopback]:
    with OtlpLoopback(tmp_path) as loopback:
        yield loopback


def partly(count: int, why: str) -> dict[str, str]:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = count
    answer.partial_success.error_message = why
    return {"do": "take_and_say", "body": answer.SerializeToString().decode("latin-1")}


def test_a_batch_that_is_taken_in_part_is_not_sent_again(
    server: OtlpLoopback, tmp_path: Path
) -> None:
    """Nobody says which spans they were: the whole batch is put aside, with the server's words."""
    store = tmp_path / "chat.db"
    record(store, TURNS, ["otlp"])
    server.behave(partly(2, f"too long, {server.secret}"))
    client = ingestion(store, server.target())
    client.flush(20)
    assert client.deliveries() == (0, 0, len(TURNS))
    assert server.questions() == TURNS
    [row, *_] = open_outbox(store, SystemClock()).listed(limit=9, put_aside_only=True)
    assert "2 spans among those of 6 records were refused: too long" in str(row.reason)
    assert server.secret not in str(row.reason)
    client.stop(1)


def test_from_then_on_each_record_goes_alone(server: OtlpLoopback, tmp_path: Path) -> None:
    """So that it is known which one was refused; the others are delivered."""
    store = tmp_path / "chat.db"
    record(store, TURNS[:1], ["otlp"])
    server.behave(partly(1, "no"))
    client = ingestion(store, server.target())
    client.flush(20)
    record(store, TURNS[1:], ["otlp"])
    server.behave({"do": "take"}, partly(1, "not this one"))
    client.flush(20)
    assert client.deliveries() == (len(TURNS) - 2, 0, 2)
    assert server.questions() == TURNS
    client.stop(1)


def test_a_warning_without_refused_spans_is_a_delivery(
    server: OtlpLoopback, tmp_path: Path
) -> None:
    """A server may say something though it took all; or answer with what is no protobuf."""
    store = tmp_path / "chat.db"
    for answer in (partly(0, "slow down"), {"do": "take_and_say", "body": "all is well"}):
        record(store, TURNS[:2], ["otlp"])
        server.behave(answer)
        client = ingestion(store, server.target())
        client.flush(20)
        assert client.deliveries() == (2, 0, 0)
        client.stop(1)
