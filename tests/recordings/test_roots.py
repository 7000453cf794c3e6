"""What a recorded root was called, tagged and told of itself is on its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.playing import Player
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.sittings import ALONE
from tests.recordings.streams import NAMES, read_stream

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", NAMES)
def test_a_turn_is_named_as_its_root(name: str, tmp_path: Path) -> None:
    """Name, tags and the application's own metadata; nothing of the framework's."""
    path = tmp_path / "store.db"
    rebuilding = Rebuilding(name)
    roots = {str(rebuilding.id_of(e["run"])): e for e in reversed(read_stream(name))}
    with threadline.Client(store=path, min_free_bytes=0) as client:
        around = ALONE[name].around if name in ALONE else None
        player = Player([ThreadlineCallbackHandler(client)], rebuilding, around=around)
        player.expect(read_stream(name))
        for event in read_stream(name):
            player.play(event)
    with threadline.open(path) as store:
        turns = store.turns(kind=None)
    assert turns
    for turn in turns:
        root = roots[turn.id]
        assert turn.name == (root.get("name") or root["serialized"]["name"])
        assert list(turn.tags) == root.get("tags", [])
        given = root.get("metadata") or {}
        assert turn.metadata == {key: given[key] for key in ("m1",) if key in given}
