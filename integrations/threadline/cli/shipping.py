"""`threadline ship`: delivery by hand, or by a process that does nothing else."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final

import click

import threadline
from threadline.cli.asking import ask
from threadline.cli.backlog import store_in_force
from threadline.cli.following import FollowLog
from threadline.cli.options import destination_option, json_option, pass_session, store_option
from threadline.cli.session import quoted
from threadline.ingest.named import destinations_from
from threadline.ingest.origins import origin_of
from threadline.ingest.shipping import follow as follow_outbox
from threadline.ingest.shipping import open_outbox, ship_once, shipper
from threadline.render.delivery import destination_told
from threadline.render.printable import one_line
from threadline.render.values import counted
from threadline.store.outbox import Backlog, DestinationState

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.ingest.destination import Destination
    from threadline.ingest.ingestion import IngestionClient
    from threadline.settings import Settings
    from threadline.store.outbox import Outbox

_WIDE: Final = 1000
_LEFT: Final = 3


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
@destination_option
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
        stopped = _until_told()
        log = FollowLog(session, outbox, [target.name for target in chosen])
        log.begin(path)
        delivered, pending, rejected = follow_outbox(
            client,
            stopped=stopped,
            take_in=lambda: threadline.open(path),
            orphaned=orphaned,
            clock=session.clock,
            last_words_s=settings.shutdown_timeout,
            on_look=log.look,
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


def _confirm_again(outbox: Outbox, chosen: tuple[Destination, ...]) -> None:
    """Ask before a destination that has records already gets them a second time."""
    had = quoted(", ".join(one.name for one in chosen if outbox.state(one.name).delivered))
    if had:
        ask(
            f"Send everything again to {had}?",
            what_happens=f"--backfill sends everything again to {had}",
        )


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
