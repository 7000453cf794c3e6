"""`threadline ship`, `status` and `outbox`: delivery, by hand and to look at."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

import threadline
from threadline.cli.checks import settings_in_force
from threadline.cli.options import json_option, pass_session, store_option
from threadline.cli.session import quoted
from threadline.cli.table import Column, draw_table
from threadline.errors import StoreNotFoundError
from threadline.ingest.named import destinations_from
from threadline.ingest.origins import origin_of
from threadline.ingest.shipping import follow as follow_outbox
from threadline.ingest.shipping import open_outbox, ship_once, shipper
from threadline.render.delivery import destination_told
from threadline.render.printable import one_line
from threadline.render.values import counted
from threadline.render.when import ago
from threadline.store.journal import journal_folder, unfinished_writers
from threadline.store.outbox import Backlog, DestinationState

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.cli.table import Row
    from threadline.ingest.destination import Destination
    from threadline.ingest.ingestion import IngestionClient
    from threadline.settings import Settings
    from threadline.store.outbox import Outbox

_WIDE: Final = 1000
_SHORT_WIDTH: Final = 60
_LEFT: Final = 3

_STATUS: Final = (
    Column("destination"),
    Column("waiting", right=True),
    Column("oldest"),
    Column("put aside", right=True),
    Column("delivered", right=True),
    Column("state"),
)
_ROWS: Final = (
    Column("destination"),
    Column("kind"),
    Column("id"),
    Column("thread"),
    Column("tries", right=True),
    Column("reason"),
)

name_option = click.option("--destination", metavar="NAME", help="Only this destination.")


@click.command("ship")
@click.option("--follow", is_flag=True, help="Go on with what is recorded from now on.")
@click.option(
    "--backfill",
    is_flag=True,
    help="Ship everything that is stored, also what was delivered: for a new destination.",
)
@click.option("--yes", is_flag=True, help="Do not ask whether to deliver again.")
@click.option(
    "--adopt",
    metavar="NAME",
    multiple=True,
    help="Send there what was recorded for another address or key of this destination.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0),
    default=60.0,
    show_default=True,
    help="Seconds to go on trying where a destination does not answer.",
)
@name_option
@json_option
@store_option
@pass_session
def ship(session: Session, *, as_json: bool, destination: str | None, **how: Any) -> None:
    """Deliver what waits for the destinations; exit 3 if something is left."""
    settings, path = store_in_force(session)
    chosen = _chosen(session, settings, destination)
    outbox = open_outbox(path, session.clock)
    if how["backfill"] and not how["yes"]:
        _confirm_again(outbox, chosen)
    if not how["follow"]:
        threadline.open(path)  # takes in what processes that are gone have left
    for target in chosen if how["backfill"] else ():
        outbox.backfill(target.name)
    _adopt(session, outbox, chosen, how["adopt"])
    guards = settings.is_default_store
    orphaned = threading.Event()
    client = shipper(
        outbox,
        chosen,
        path=path,
        clock=session.clock,
        guards_origin=guards,
        on_orphans=orphaned.set,
    )
    if how["follow"]:
        delivered, pending, rejected = follow_outbox(
            client,
            stopped=_until_told(),
            take_in=lambda: threadline.open(path),
            orphaned=orphaned,
            clock=session.clock,
            last_words_s=settings.shutdown_timeout,
        )
    else:
        delivered, pending, rejected = ship_once(client, how["timeout"])
    if as_json:
        session.json_line({"delivered": delivered, "pending": pending, "rejected": rejected})
    else:
        told = f"Delivered {counted(delivered, 'record')}; {pending:,} waiting"
        session.say(f"{told}, {rejected:,} put aside.", "warn" if pending or rejected else "plain")
        _say_why(session, outbox, client)
    if pending:
        raise click.exceptions.Exit(_LEFT)


@click.command("status")
@json_option
@store_option
@pass_session
def status(session: Session, *, as_json: bool) -> None:
    """Show how much waits for each destination, and how each of them answers."""
    settings, path, outbox = _open(session)
    backlogs, states = outbox.backlogs(), outbox.states()
    names = sorted({*backlogs, *states, *settings.destination_names})
    if not names:
        session.say("No destinations: nothing leaves this machine.")
    now = session.clock.now_ns()
    rows: list[Row] = []
    for name in names:
        backlog, state = backlogs.get(name, Backlog()), states.get(name, DestinationState())
        if as_json:
            session.json_line(_status_json(name, backlog, state, now))
        else:
            rows.append(_status_row(name, backlog, state, now))
    if rows:
        draw_table(session, _STATUS, rows)
    if not as_json:
        _say_what_was_left(session, path)


@click.group("outbox")
def outbox_commands() -> None:
    """Look at what waits, and decide about what a destination refused."""


@outbox_commands.command("list")
@click.option("--all", "show_all", is_flag=True, help="Also what only waits.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@name_option
@json_option
@store_option
@pass_session
def list_rows(
    session: Session, *, as_json: bool, destination: str | None, show_all: bool, limit: int
) -> None:
    """Show what was put aside, with the reason."""
    _, _, outbox = _open(session)
    found = outbox.listed(destination, limit=limit, put_aside_only=not show_all)
    if as_json:
        for row in found:
            session.json_line(row._asdict())
    elif found:
        cells = [
            (row.destination, row.kind, row.id, row.thread_id or "", f"{row.attempts}")
            for row in found
        ]
        draw_table(
            session,
            _ROWS,
            [
                (
                    *((one_line(cell, width=_WIDE), "plain") for cell in shown),
                    (one_line(row.reason or "", width=_WIDE), "warn"),
                )
                for shown, row in zip(cells, found, strict=True)
            ],
        )
    else:
        session.say("Nothing waits." if show_all else "Nothing was put aside.")


@outbox_commands.command("retry")
@click.argument("record_id", metavar="[ID]", required=False)
@name_option
@store_option
@pass_session
def retry_rows(session: Session, *, record_id: str | None, destination: str | None) -> None:
    """Let what was put aside be tried again: one record, or all."""
    _, _, outbox = _open(session)
    number = outbox.retry(destination, record_id)
    _check_found(session, number, record_id, destination)
    session.say(f"{counted(number, 'record')} will be tried again.")


@outbox_commands.command("discard")
@click.argument("record_id", metavar="[ID]", required=False)
@click.option(
    "--waiting", is_flag=True, help="What waits for --destination, such as a mistyped one."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@name_option
@store_option
@pass_session
def discard_rows(
    session: Session, *, record_id: str | None, destination: str | None, waiting: bool, yes: bool
) -> None:
    """Never deliver what was put aside: one record, or all; the store keeps them."""
    if waiting and not destination:
        message = "--waiting needs --destination NAME"
        raise click.UsageError(message)
    _, _, outbox = _open(session)
    if not yes:
        state = f"waits for {quoted(destination or '')}" if waiting else "was put aside"
        what = "this record" if record_id else f"everything that {state}"
        click.confirm(f"Never deliver {what}?", abort=True, err=True)
    number = outbox.discard(destination, record_id, waiting=waiting)
    _check_found(session, number, record_id, destination)
    session.say(f"{counted(number, 'record')} given up.")


def _confirm_again(outbox: Outbox, chosen: tuple[Destination, ...]) -> None:
    """Ask before a destination that has records already gets them a second time."""
    had = quoted(", ".join(one.name for one in chosen if outbox.state(one.name).delivered))
    if not had:
        return
    if not sys.stdin.isatty():
        message = f"--backfill sends everything again to {had}; confirm it with --yes"
        raise click.UsageError(message)
    click.confirm(f"Send everything again to {had}?", abort=True, err=True)


def _adopt(
    session: Session, outbox: Outbox, chosen: tuple[Destination, ...], names: tuple[str, ...]
) -> None:
    targets = {one.name: one for one in chosen}
    for name in names:
        if name not in targets:
            wanted = f"{quoted(name)} is none of the destinations: {', '.join(targets)}"
            raise session.fail(wanted)
        origin = origin_of(targets[name])
        if origin is not None:
            outbox.adopt(name, origin)


def store_in_force(session: Session) -> tuple[Settings, Path]:
    """Return the settings in force, and the store that they or the user name."""
    settings = settings_in_force(session)
    if not isinstance(settings.store, Path):
        wanted = "a store in memory is shipped only by its own process; name a file with --store"
        raise session.fail(wanted)
    return settings, settings.store


def _open(session: Session) -> tuple[Settings, Path, Outbox]:
    settings, path = store_in_force(session)
    if not path.exists():
        raise StoreNotFoundError(path)
    return settings, path, open_outbox(path, session.clock)


def _check_found(
    session: Session, number: int, record_id: str | None, destination: str | None
) -> None:
    """Tell of a record or a destination that there is nothing of: it may be mistyped."""
    if number or not (record_id or destination):
        return
    what = f"record {quoted(record_id)}" if record_id else "such record"
    whose = f" for {quoted(destination)}" if destination else ""
    unknown = f"there is no {what}{whose}; `threadline outbox list --all` shows all"
    raise session.fail(unknown)


def _say_why(session: Session, outbox: Outbox, client: IngestionClient) -> None:
    """Tell of each destination for which something is left what it waits for."""
    backlogs, states = outbox.backlogs(), outbox.states()
    now = session.clock.now_ns()
    for sender in client.senders:
        backlog = backlogs.get(sender.name, Backlog())
        if not backlog.waiting:
            continue
        state = states.get(sender.name, DestinationState())
        if sender.is_occupied:
            told = "another process is sending"
        elif state.failures:
            told, _ = destination_told(state, backlog, now_ns=now)
        elif sender.is_trying:
            told = "no answer within the time that there was"
        else:
            told = "waits for what another process recorded before and has not stored yet"
        session.say(one_line(f"{sender.name}: {told}", width=_WIDE), "warn")


def _say_what_was_left(session: Session, path: Path) -> None:
    """Tell of processes that ended before the store had all that they recorded."""
    left = unfinished_writers(journal_folder(path))
    if left:
        ended = f"{counted(left, 'process', 'processes')} ended before all was stored"
        session.say(f"{ended}; `threadline ship` takes it in.", "warn")


def _chosen(session: Session, settings: Settings, name: str | None) -> tuple[Destination, ...]:
    names = [name] if name else list(settings.destinations)
    if not names:
        wanted = "no destination is named; set THREADLINE_DESTINATIONS or give --destination"
        raise session.fail(wanted)
    wrong: list[str] = []
    made = destinations_from(names, warn=lambda what, why: wrong.append(f"{what}: {why}"))
    if wrong:
        raise session.fail(quoted(wrong[0]))
    return made


def _until_told() -> threading.Event:
    """Return an event that is set when the system asks this process to end."""
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


def _status_json(
    name: str, backlog: Backlog, state: DestinationState, now_ns: int
) -> dict[str, Any]:
    oldest = None if backlog.oldest_ns is None else (now_ns - backlog.oldest_ns) / 1e9
    return {
        "destination": name,
        "waiting": backlog.waiting,
        "oldest_s": oldest,
        "put_aside": backlog.put_aside,
        "delivered": state.delivered,
        "failures": state.failures,
        "retry_in_s": max(0.0, (state.until_ns - now_ns) / 1e9) if state.failures else None,
        "last_error": state.error,
    }


def _status_row(name: str, backlog: Backlog, state: DestinationState, now_ns: int) -> Row:
    told, style = destination_told(state, backlog, now_ns=now_ns)
    return (
        (one_line(name, width=_SHORT_WIDTH), "strong"),
        (f"{backlog.waiting:,}", "plain"),
        (ago(backlog.oldest_ns, now_ns=now_ns) if backlog.oldest_ns else "", "plain"),
        (f"{backlog.put_aside:,}" if backlog.put_aside else "", "warn"),
        (f"{state.delivered:,}", "plain"),
        (one_line(told, width=_WIDE), style),
    )
