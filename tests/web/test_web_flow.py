"""The web flow from end to end: four workers, thumbs that reach any of them, every destination."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import freeplay_server
from tests.faults.loopbacks import KINDS, ContextLoopback, FreeplayLoopback, Loopback, OtlpLoopback
from tests.shipping import lines_of
from tests.web.serving import Answer, Service, command_line, serving

import threadline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKED = [(f"t-{n % 5}", f"question {n:02}") for n in range(20)]
ANSWER = "From nine to six."

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, Any]]:
    started: dict[str, Loopback] = {}
    for kind, made in KINDS.items():
        (tmp_path / kind).mkdir()
        started[kind] = made(tmp_path / kind)
        started[kind].start()
    yield started
    for server in started.values():
        server.stop()


def environ_for(folder: Path, servers: dict[str, Any]) -> dict[str, str]:
    """Return what a deployment would be told, to ship to a file and to all three servers."""
    otlp, freeplay, context = servers["otlp"], servers["freeplay"], servers["context"]
    return {
        "THREADLINE_DESTINATIONS": "jsonl,otlp,freeplay,context",
        "THREADLINE_JSONL_PATH": str(folder / "out.jsonl"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{otlp.port}",
        "FREEPLAY_API_URL": f"http://127.0.0.1:{freeplay.port}/api",
        "FREEPLAY_API_KEY": freeplay.secret,
        "FREEPLAY_PROJECT_ID": freeplay_server.PROJECT,
        "CONTEXT_API_BASE_URL": f"http://127.0.0.1:{context.port}",
        "CONTEXT_API_TOKEN": context.secret,
    }


def talk(service: Service) -> list[Answer]:
    """Hold five conversations at once, each question after the answer before; rate each turn."""

    def hold(thread_id: str) -> list[Answer]:
        return [answer_and_rate(service, *one) for one in ASKED if one[0] == thread_id]

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        held = list(pool.map(hold, sorted({thread_id for thread_id, _ in ASKED})))
    return [answer for answers in held for answer in answers]


def answer_and_rate(service: Service, thread_id: str, question: str) -> Answer:
    """Ask; then rate the answer until another worker than the one that answered took a thumb."""
    answer = service.chat(thread_id, question)
    assert answer.text == ANSWER
    while service.thumb(answer.turn_id, 1, "well put") == answer.worker:
        pass
    return answer


def test_turns_and_thumbs_of_four_workers_reach_every_destination_in_order(
    tmp_path: Path, servers: dict[str, Any]
) -> None:
    """Each turn once, each thumb after its turn, each conversation in its order."""
    environ = environ_for(tmp_path, servers)
    with serving(tmp_path, environ) as service:
        answers = talk(service)
    assert len({answer.worker for answer in answers}) > 1
    shipped = command_line(tmp_path, environ, "ship")
    assert shipped.returncode == 0, shipped.stderr
    in_the_store(tmp_path, answers)
    in_the_file(tmp_path / "out.jsonl", answers)
    otlp, freeplay, context = servers["otlp"], servers["freeplay"], servers["context"]
    for server in servers.values():
        assert sorted(server.questions()) == sorted(ASKED)
        in_order(server.questions())
    thumbs_follow_in_otlp(otlp)
    thumbs_follow_in_freeplay(freeplay)
    thumbs_follow_in_context(context)


def in_order(asked: list[tuple[str, str]]) -> None:
    """Check that each conversation's questions came in the order in which they were asked."""
    for thread_id in {thread_id for thread_id, _ in ASKED}:
        questions = [question for thread, question in asked if thread == thread_id]
        assert questions == sorted(questions)


def in_the_store(folder: Path, answers: list[Answer]) -> None:
    with threadline.open(folder / "chat.db") as store:
        turns = store.turns(limit=100)
        assert sorted((turn.thread_id, turn.input) for turn in turns) == sorted(ASKED)
        assert {turn.id for turn in turns} == {answer.turn_id for answer in answers}
        for turn in turns:
            assert (turn.status, turn.output, turn.user_id) == ("ok", ANSWER, "ada")
            assert {(r.value, r.comment, r.user_id) for r in turn.ratings} == {
                (1.0, "well put", "ada")
            }


def in_the_file(file: Path, answers: list[Answer]) -> None:
    lines = lines_of(file)
    places = {line["id"]: n for n, line in enumerate(lines)}
    assert len(places) == len(lines)
    assert {answer.turn_id for answer in answers} <= places.keys()
    rated = {line["record"]["turn_id"] for line in lines if line["kind"] == "rating"}
    assert rated == {answer.turn_id for answer in answers}
    turns = [line["record"] for line in lines if line["kind"] == "turn"]
    asked = [(turn["thread_id"], turn["messages"][0]["parts"][0]["content"]) for turn in turns]
    assert sorted(asked) == sorted(ASKED)
    in_order(asked)
    for n, line in enumerate(lines):
        assert line["kind"] == "turn" or places[line["record"]["turn_id"]] < n


def thumbs_follow_in_otlp(server: OtlpLoopback) -> None:
    traces: set[bytes] = set()
    rated: set[bytes] = set()
    for span in server.spans():
        if any(event.name == "gen_ai.evaluation.result" for event in span.events):
            assert span.trace_id in traces
            rated.add(span.trace_id)
        else:
            traces.add(span.trace_id)
    assert rated == traces


def thumbs_follow_in_freeplay(server: FreeplayLoopback) -> None:
    known: set[str] = set()
    rated: set[str] = set()
    for request in server.requests():
        if "-feedback/" in request["path"]:
            ident = request["path"].split("/")[-1]
            assert ident in known
            assert request["body"]["freeplay_feedback"] == "positive"
            rated.add(ident)
        else:
            known |= {request["body"].get("completion_id", ""), request["path"].split("/")[-1]}
    assert len(rated) >= len(ASKED)


def thumbs_follow_in_context(server: ContextLoopback) -> None:
    for thread_id in {thread_id for thread_id, _ in ASKED}:
        answers = [e for e in server.thread(thread_id) if e.get("role") == "assistant"]
        assert [answer["rating"] for answer in answers] == [1] * len(answers)
        assert answers
