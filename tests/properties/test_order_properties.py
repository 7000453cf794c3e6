"""Whoever records and stores when: each conversation is delivered in the order it was had."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.shipping import Scripted, client_for, ingestion, say

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDERS = 3


class Step(NamedTuple):
    """One of several recorders records a turn or stores what it has; or what is due is sent."""

    what: Literal["record", "store", "send"]
    recorder: int
    thread_id: str


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(["record", "record", "store", "send"]),
        st.integers(0, RECORDERS - 1),
        st.sampled_from(["a", "b"]),
    ),
    min_size=4,
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(steps)
@example(
    [
        Step("record", 0, "a"),
        Step("record", 1, "a"),
        Step("store", 1, "a"),
        Step("send", 0, "a"),
    ]
)
def test_conversations_are_delivered_in_order(done: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_clients:
        path = Path(folder) / "s.db"
        destination = Scripted()
        clients = [
            open_clients.enter_context(client_for(path, [destination], ship=False))
            for _ in range(RECORDERS)
        ]
        sender = ingestion(path, destination).senders[0]
        said: defaultdict[str, list[str]] = defaultdict(list)
        for step in done:
            if step.what == "record":
                said[step.thread_id] += say(clients[step.recorder], [(step.thread_id, "so")])
            elif step.what == "store":
                clients[step.recorder].store_recorded()
            else:
                sender.send_due()
                assert delivered_to(destination) == {
                    thread_id: said[thread_id][: len(ids)]
                    for thread_id, ids in delivered_to(destination).items()
                }
        for client in clients:
            client.store_recorded()
        sender.send_due()
        assert delivered_to(destination) == {key: ids for key, ids in said.items() if ids}


def delivered_to(destination: Scripted) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for item in destination.delivered:
        found[str(item.record.thread_id)].append(item.record.id)
    return dict(found)
