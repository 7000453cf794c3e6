"""`threadline outbox`: what waits, and deciding about what a destination refused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from threadline.cli.asking import ask
from threadline.cli.backlog import outbox_in_force
from threadline.cli.options import destination_option, json_option, pass_session, store_option
from threadline.cli.session import quoted
from threadline.cli.table import Column, draw_table
from threadline.render.printable import one_line
from threadline.render.values import counted
from threadline.store.outbox import Backlog

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.store.outbox import Outbox

_WIDE: Final = 1000
_ROWS: Final = (
    Column("destination"),
    Column("kind"),
    Column("id"),
    Column("thread"),
    Column("tries", right=True),
    Column("reason"),
)


@click.group("outbox")
def outbox_commands() -> None:
    """Look at what waits, and decide about what a destination refused."""


@outbox_commands.command("list")
@click.option("--all", "show_all", is_flag=True, help="Also what only waits.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@destination_option
@json_option
@store_option
@pass_session
def list_rows(
    session: Session, *, as_json: bool, destination: str | None, show_all: bool, limit: int
) -> None:
    """Show what was put aside, with the reason."""
    _, _, outbox = outbox_in_force(session)
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
@destination_option
@store_option
@pass_session
def retry_rows(session: Session, *, record_id: str | None, destination: str | None) -> None:
    """Let what was put aside be tried again: one record, or all."""
    _, _, outbox = outbox_in_force(session)
    number = outbox.retry(destination, record_id)
    _check_found(session, number, record_id, destination)
    session.say(f"{counted(number, 'record')} will be tried again.")


@outbox_commands.command("discard")
@click.argument("record_id", metavar="[ID]", required=False)
@click.option(
    "--waiting", is_flag=True, help="What waits for --destination, such as a mistyped one."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@destination_option
@store_option
@pass_session
def discard_rows(
    session: Session, *, record_id: str | None, destination: str | None, waiting: bool, yes: bool
) -> None:
    """Never deliver what was put aside: one record, or all; the store keeps them."""
    if waiting and not destination:
        message = "--waiting needs --destination NAME"
        raise click.UsageError(message)
    _, _, outbox = outbox_in_force(session)
    if not yes:
        number = _number(outbox, destination, record_id, waiting=waiting)
        _check_found(session, number, record_id, destination)
        if number:
            _ask(number, destination, waiting=waiting)
    number = outbox.discard(destination, record_id, waiting=waiting)
    _check_found(session, number, record_id, destination)
    session.say(f"{counted(number, 'record')} given up.")


def _ask(number: int, destination: str | None, *, waiting: bool) -> None:
    state = "waiting" if waiting else "put aside"
    whose = f" for {quoted(destination)}" if destination else ""
    what = f"{counted(number, 'record')} {state}{whose}"
    ask(f"Never deliver {what}?", what_happens=f"{what} would never be delivered")


def _number(
    outbox: Outbox, destination: str | None, record_id: str | None, *, waiting: bool
) -> int:
    """Return how many records `discard` would give up."""
    if record_id is not None:
        rows = outbox.listed(destination, limit=sys.maxsize, put_aside_only=not waiting)
        return sum(row.is_put_aside != waiting and row.id == record_id for row in rows)
    backlogs = outbox.backlogs()
    chosen = [backlogs.get(destination, Backlog())] if destination else backlogs.values()
    return sum(one.waiting if waiting else one.put_aside for one in chosen)


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
