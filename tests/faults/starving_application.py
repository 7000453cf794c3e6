"""An application whose disk is full, or whose folder is another's; run as a program of its own.

    starving_application.py nobody PATH        gives up the powers of root, talks, closes
    starving_application.py full PATH          fills the file system of PATH, talks, makes room
    starving_application.py limited PATH       no file may grow beyond a limit, which is lifted then
    starving_application.py full-to-the-end PATH

It prints, as JSON, what became of what was said at each stage and what was logged.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.application import Application, Lines, all_turns, numbers_of

import threadline
from threadline.capture.guard import hook_failures

NOBODY = 65534
TALKS = 60
FILLER = 20_000


def main(how: str, path: Path) -> None:
    """Starve in one of the ways."""
    hook_failures.reraise = True
    with Lines() as log:
        result = {"nobody": _nobody, "full": _full, "limited": _limited}[how](path)
    print(json.dumps({**result, "lines": log.lines}))  # noqa: T201 (what the test reads)


def _nobody(path: Path) -> dict[str, object]:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    client = threadline.Client(store=path, min_free_bytes=0)
    Application(client).talk(5)
    return _report(client.close())


def _full(path: Path) -> dict[str, object]:
    filler = path.with_name("filler")
    room = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize
    filler.write_bytes(b"x" * (room - 300_000))
    return _starve(path, filler.unlink)


def _limited(path: Path) -> dict[str, object]:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    return _starve(path, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))


def _starve(path: Path, make_room: object) -> dict[str, object]:
    """Talk until nothing more can be written, make room, and see what arrives."""
    client = threadline.Client(store=path, min_free_bytes=0)
    application = Application(client, filler=FILLER)
    application.talk(TALKS)
    starved = _report(client.flush())
    make_room()
    fed = _report(client.flush())
    application.talk()
    closed = _report(client.close())
    return {
        "starved": starved,
        "fed": fed,
        "closed": closed,
        "said": application.said,
        "found": numbers_of(all_turns(threadline.open(path))),
    }


def _report(report: threadline.FlushReport) -> dict[str, object]:
    return {"stored": report.stored, "pending": report.pending, "dropped": report.dropped}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
