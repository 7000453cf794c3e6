"""P4 for turns of many requests: whichever of them a fault hits, all arrive, once and in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.faults.test_ship_faults import FAULTS, PACE, TURNS, first_told
from tests.shipping import client_for, ingestion, say_at_length

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import FreeplayLoopback

REQUESTS = 4
"""A turn is two completions, a tool's trace and its own."""

PATIENT = replace(PACE, send_timeout_s=30)
"""So that no request is broken off whose outcome nobody would know then."""

HANGS = {"accepts and never answers", "reads nothing"}
"""Faults that only a timeout ends, and with them, on a busy machine, what was on its way."""


@pytest.mark.parametrize("taken", range(REQUESTS))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_mid_turn_loses_nothing_and_repeats_nothing_in_vain(
    server: FreeplayLoopback, tmp_path: Path, fault: str, taken: int
) -> None:
    """What was acknowledged before it is not sent again, what was not is."""
    with client_for(tmp_path / "chat.db", ["freeplay"], ship=False) as client:
        say_at_length(client, TURNS)
    server.behave(*[{"do": "take"}] * (REQUESTS + taken), *FAULTS[fault])
    pace = PACE if fault in HANGS else PATIENT
    sender = ingestion(tmp_path / "chat.db", server.target(), pace=pace)
    sender.flush(30)
    sender.stop(1)
    assert sender.deliveries() == (len(TURNS), 0, 0)
    came = list(server.objects().values())
    assert len(came) == len(TURNS) * REQUESTS
    assert fault in HANGS or max(map(len, came)) == 1
    assert all(body == again for body, *repeats in came for again in repeats)
    assert sorted(server.questions()) == sorted(TURNS)
    assert all(asked == sorted(asked) for asked in first_told(server.questions()).values())


@pytest.mark.parametrize("taken", range(REQUESTS))
def test_an_answer_that_never_came_repeats_an_object_under_its_id(
    server: FreeplayLoopback, tmp_path: Path, taken: int
) -> None:
    """Nobody knows whether it is there: it is sent again, the same to the letter."""
    with client_for(tmp_path / "chat.db", ["freeplay"], ship=False) as client:
        say_at_length(client, TURNS)
    server.behave(*[{"do": "take"}] * taken, {"do": "take_and_hang"})
    sender = ingestion(tmp_path / "chat.db", server.target(), pace=PACE)
    sender.flush(30)
    sender.stop(1)
    came = list(server.objects().values())
    assert len(came) == len(TURNS) * REQUESTS
    assert max(map(len, came)) > 1
    assert all(body == again for body, *repeats in came for again in repeats)
