"""The event streams that LangChain and LangGraph really sent, one file each in `langchain/`.

A stream is the hooks that a handler met while a small program ran: scripted models, real chains,
agents and graphs. Its first line says which versions sent it, each other line is one hook:

- `ev` is the hook without `on_`; `run` and `parent` are run ids, relabelled r1, r2, … in order of
  first sight; `name`, `tags`, `metadata` and `kw` are keyword arguments as they were passed;
- the payload is under `inputs`, `outputs`, `messages`, `generations`, `output`, `error`,
  `documents`, `chunk`, `event` or `data`; messages are dicts with a `type`, a LangGraph command is
  `{"__command__": …}`, an exception its `repr` with its class as `etype`, and values that are no
  JSON are their class and `repr`, shortened;
- `thread` is the thread that called the hook, `loop` tells that an event loop ran on it, `ctx` what
  the hook saw of a context variable of the caller's;
- the id of a message is `lc_run--r3-0` (made from run r3), `uuid:m1` (a random one) or null.

To add a stream:

1. Run the program with a handler that writes one line for every hook, as above: relabel ids in
   order of first sight, shorten what is long, keep the order. What the second half of an
   interrupted run sends is a file of its own whose labels run on from the first.
2. Put the file into `langchain/`, named after what happens in it. It may not name a machine.
3. Write into the table (`expected_agents.py`, `expected_chains.py`, `expected_graphs.py`) what the
   user and the assistant said in that program and how it ended: from the program, not from what
   `test_replay.py` then says. A stream that no table names fails a test.
4. Where the stream alone does not tell what langchain-core's context variable held around a hook
   (a parent that the arguments conceal, a session id in `configurable`), say it there too.

`rebuilding.py` makes objects of the lines again, `playing.py` calls the hooks, on threads as
recorded; `test_mutations.py` needs nothing of all this for a new stream: it takes every file.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.scenarios.script import Chat

FOLDER = Path(__file__).parent / "langchain"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))

Event = dict[str, Any]


@functools.cache
def read_stream(name: str) -> tuple[Event, ...]:
    """Return the hooks of a stream, in order."""
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return tuple(json.loads(line) for line in lines[1:])


@dataclass(frozen=True)
class Sitting:
    """Streams that came one after another, and the conversations that they are to leave.

    `same_as` names runs of later streams ("stream r2") by what an earlier one called them.
    `around` is the parent that langchain-core's context variable named for a run, where it is not
    the argument; `configurable` is what it held in every hook beneath a root.
    """

    streams: tuple[str, ...]
    chats: tuple[Chat, ...]
    same_as: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, str] = field(default_factory=dict)
    configurable: Mapping[str, Any] | None = None
