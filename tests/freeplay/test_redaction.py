"""What a rule of this destination matches goes nowhere near it; the store keeps what it had."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.shipping import client_for, ingestion, lines_of

import threadline
from threadline.destinations import JsonLines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import FreeplayLoopback

CANARY = "ada.canary@example.org"


def record_everywhere(client: threadline.Client) -> None:
    """Put the canary where anything can be put."""
    with threadline.conversation(
        CANARY, user_id=CANARY, metadata={"mail": CANARY, CANARY: 1}, tags=[CANARY], client=client
    ):
        with threadline.turn(
            input=CANARY, name=CANARY, metadata={"to": [CANARY]}, client=client
        ) as turn:
            turn.llm_call([{"role": "user", "content": CANARY}], CANARY, model=CANARY)
            turn.tool(CANARY, {"to": CANARY}, result={"sent": CANARY}, error=CANARY)
            threadline.event(CANARY, metadata={"to": CANARY}, client=client)
            turn.output = CANARY
        with (
            pytest.raises(ValueError, match=CANARY),
            threadline.turn(input=CANARY, client=client),
        ):
            raise ValueError(CANARY)
    threadline.rate(
        CANARY, name=CANARY, comment=CANARY, user_id=CANARY, turn_id=turn.id, client=client
    )
    threadline.feedback(CANARY, thread_id=CANARY, client=client)
    threadline.update(CANARY, title=CANARY, client=client)


@pytest.mark.parametrize("rules", [["pii"], [re.compile("ada[.]canary")]], ids=["name", "pattern"])
def test_what_a_rule_matches_is_in_no_request(
    server: FreeplayLoopback, tmp_path: Path, rules: list[Any]
) -> None:
    """Words, names, metadata, keys of it, ids; another destination is not touched by it."""
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "chat.db", ["freeplay", "jsonl"], ship=False) as client:
        record_everywhere(client)
    for target in (server.target(redact=rules), JsonLines(file)):
        sender = ingestion(tmp_path / "chat.db", target)
        sender.flush(20)
        sender.stop(1)
        assert sender.deliveries() == (5, 0, 0)
    assert "canary" not in server.counted.read_text()
    assert "canary" not in str(server.asked())
    assert "redacted" in server.counted.read_text()
    assert all("canary" in str(line) for line in lines_of(file))


def test_without_a_rule_it_goes_out_as_it_was_recorded(
    server: FreeplayLoopback, tmp_path: Path
) -> None:
    """What the other test looks for is there to be found."""
    with client_for(tmp_path / "chat.db", ["freeplay"], ship=False) as client:
        record_everywhere(client)
    sender = ingestion(tmp_path / "chat.db", server.target())
    sender.flush(20)
    sender.stop(1)
    assert all("canary" in str(request) for request in server.requests())


def test_requests_that_belong_together_do_so_after_redaction(
    server: FreeplayLoopback, tmp_path: Path
) -> None:
    """Ids that a rule matches are hashed alike in every process: one session, one trace."""
    with client_for(tmp_path / "chat.db", ["freeplay"], ship=False) as client:
        record_everywhere(client)
    for _ in range(2):
        sender = ingestion(tmp_path / "chat.db", server.target(redact=["pii"]))
        sender.flush(20)
        sender.stop(1)
    paths = [r["path"].split("/") for r in server.requests()]
    sessions = {p[7] if p[6] == "id" else p[6] for p in paths if p[5] == "sessions"}
    assert len(sessions) == 1
