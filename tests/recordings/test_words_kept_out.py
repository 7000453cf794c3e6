"""No word of any recorded stream reaches the disk where it is not to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.recordings.playing import Player
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.streams import NAMES, read_stream

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from pathlib import Path

_SECRET = "sk-" + "proj-" + "s7r34m" * 6


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({}, id="secrets"),
        pytest.param({"content": "metadata", "redact": []}, id="metadata"),
        pytest.param({"content": "off", "redact": []}, id="off"),
    ],
)
def test_no_word_of_a_stream_is_on_the_disk(chosen: dict[str, Any], tmp_path: Path) -> None:
    """In no hook's way: inputs, outputs, chunks, prompts, answers, documents, thread ids."""
    with threadline.Client(store=tmp_path / "store.db", min_free_bytes=0, **chosen) as client:
        handler = ThreadlineCallbackHandler(client)
        for name in NAMES:
            mark = f" {_SECRET}"
            thread = f"{name}{mark}" if not chosen else name
            player = Player([handler], Rebuilding(name, mark=mark, thread=thread))
            player.expect(read_stream(name))
            for event in read_stream(name):
                player.play(event)
            _check(tmp_path)
        report = client.flush()
        assert (report.pending, report.dropped) == (0, {})
        assert report.stored >= len(NAMES)
        _check(tmp_path)
    _check(tmp_path)


def _check(folder: Path) -> None:
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert data
    assert _SECRET.encode() not in data
