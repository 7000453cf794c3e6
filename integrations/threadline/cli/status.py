"""`threadline status`: how much waits for each destination, and how each of them answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from threadline.cli.backlog import outbox_in_force
from threadline.cli.options import json_option, pass_session, store_option
from threadline.cli.table import Column, draw_table
from threadline.ingest.named import destinations_from
from threadline.render.delivery import destination_told
from threadline.render.printable import one_line
from threadline.render.values import counted
from threadline.render.when import ago
from threadline.store.journal import journal_folder, unfinished_writers
from threadline.store.outbox import Backlog, DestinationState

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.cli.session import Session
    from threadline.cli.table import Row
    from threadline.render.entries import Tone
    from threadline.settings import Settings
    from threadline.store.outbox import Outbox

_WIDE: Final = 1000
_NAME_WIDTH: Final = 60

_COLUMNS: Final = (
    Column("destination"),
    Column("waiting", right=True),
    Column("oldest"),
    Column("put aside", right=True),
    Column("delivered", right=True),
    Column("state"),
)


class _Standing(NamedTuple):
    """How a destination stands.

    `state` is None where it was never tried; `fault` is why it cannot be made of its settings.
    """

    name: str
    backlog: Backlog
    state: DestinationState | None
    is_configured: bool
    fault: str | None


@click.command("status")
@json_option
@store_option
@pass_session
def status(session: Session, *, as_json: bool) -> None:
    """Show how much waits for each destination, and how each of them answers."""
    settings, path, outbox = outbox_in_force(session)
    standings = _standings(settings, outbox)
    if not standings:
        session.say("No destinations: nothing leaves this machine.")
    now_ns = session.clock.now_ns()
    if as_json:
        for standing in standings:
            session.json_line(_as_json(standing, now_ns))
        return
    if standings:
        draw_table(session, _COLUMNS, [_row(standing, now_ns) for standing in standings])
    _say_what_was_left(session, path)


def _standings(settings: Settings, outbox: Outbox) -> list[_Standing]:
    backlogs, states = outbox.backlogs(), outbox.states()
    configured = dict(zip(settings.destination_names, settings.destinations, strict=True))
    return [
        _Standing(
            name,
            backlogs.get(name, Backlog()),
            states.get(name),
            name in configured,
            _fault(configured[name]) if name in configured else None,
        )
        for name in sorted({*backlogs, *states, *configured})
    ]


def _fault(given: Any) -> str | None:
    """Return why a destination cannot be made of its settings; nobody is asked anything."""
    wrong: list[str] = []
    destinations_from([given], warn=lambda _, why: wrong.append(why))
    return wrong[0] if wrong else None


def _told(standing: _Standing, now_ns: int) -> tuple[str, Tone]:
    if standing.fault is not None:
        return f"cannot be used: {standing.fault}", "bad"
    if standing.state is None and not standing.is_configured:
        return "not configured here", "warn"
    return destination_told(standing.state, standing.backlog, now_ns=now_ns)


def _as_json(standing: _Standing, now_ns: int) -> dict[str, Any]:
    backlog, state = standing.backlog, standing.state or DestinationState()
    oldest = None if backlog.oldest_ns is None else (now_ns - backlog.oldest_ns) / 1e9
    return {
        "destination": standing.name,
        "waiting": backlog.waiting,
        "oldest_s": oldest,
        "put_aside": backlog.put_aside,
        "delivered": state.delivered,
        "failures": state.failures,
        "retry_in_s": max(0.0, (state.until_ns - now_ns) / 1e9) if state.failures else None,
        "last_error": state.error,
        "configured": standing.is_configured,
        "cannot_be_used": standing.fault,
    }


def _row(standing: _Standing, now_ns: int) -> Row:
    backlog, state = standing.backlog, standing.state
    told, style = _told(standing, now_ns)
    return (
        (one_line(standing.name, width=_NAME_WIDTH), "strong"),
        (f"{backlog.waiting:,}", "plain"),
        (ago(backlog.oldest_ns, now_ns=now_ns) if backlog.oldest_ns else "", "plain"),
        (f"{backlog.put_aside:,}" if backlog.put_aside else "", "warn"),
        (f"{state.delivered if state else 0:,}", "plain"),
        (one_line(told, width=_WIDE), style),
    )


def _say_what_was_left(session: Session, path: Path) -> None:
    """Tell of processes that ended before the store had all that they recorded."""
    left = unfinished_writers(journal_folder(path))
    if left:
        ended = f"{counted(left, 'process', 'processes')} ended before all was stored"
        session.say(f"{ended}; `threadline ship` takes it in.", "warn")
