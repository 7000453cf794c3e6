"""`threadline import`: takes conversations from files and other stores into this one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from threadline.cli.checks import settings_in_force
from threadline.cli.options import json_option, pass_session, store_option
from threadline.cli.session import quoted
from threadline.client import Client
from threadline.importing.adopting import adopt, hold_to
from threadline.importing.adoption import ImportReport
from threadline.importing.files import ConversationFile, Unreadable
from threadline.render.values import counted
from threadline.settings import MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threadline.cli.session import Session
    from threadline.model import Conversation

_SHOWN: Final = 5


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--ship", is_flag=True, help="What is new also goes to the destinations.")
@json_option
@store_option
@pass_session
def import_files(session: Session, *, files: tuple[Path, ...], ship: bool, as_json: bool) -> None:
    """Take conversations in: of other stores, lines of JSON (ours, Context.ai's), CSV.

    They keep their times and ids, so that nothing comes twice. What another store deleted is
    deleted here too.
    """
    found = [ConversationFile(path) for path in files]
    unread: list[Unreadable] = []
    with _client(session, found) as client:
        held_to = [deletions for file in found if (deletions := file.deletions()) is not None]
        deleted = sum(hold_to(deletions, client) for deletions in held_to)
        report = ImportReport()
        for file in found:
            with session.counting(file.path.name, file.count()) as advance:
                told = _readable(file, unread)
                report += adopt(told, ship=ship, client=client, progress=advance)
    _tell(session, report, deleted, as_json=as_json)
    for one in unread[:_SHOWN]:
        session.say(quoted(f"{one.place}: {one.reason}"), "warn")
    if unread:
        rest = "the rest" if report.turns or report.notes or report.known else "nothing"
        what = f"{counted(len(unread), 'entry', 'entries')} could not be read; {rest} was taken in"
        raise session.fail(what)


def _client(session: Session, files: Sequence[ConversationFile]) -> Client:
    settings = settings_in_force(session)
    if settings.store == MEMORY:
        message = "there is nothing to import into: the store is in memory; name one with --store"
        raise click.UsageError(message)
    for file in files:
        if file.path.absolute() == settings.store:
            message = f"{file.path} is the store itself; name another one with --store"
            raise click.UsageError(message)
    return Client(store=settings.store)


def _readable(file: ConversationFile, unread: list[Unreadable]) -> Iterator[Conversation]:
    for one in file.conversations():
        if isinstance(one, Unreadable):
            unread.append(one)
        else:
            yield one


def _tell(session: Session, report: ImportReport, deleted: int, *, as_json: bool) -> None:
    if as_json:
        session.json_line({**msgspec.to_builtins(report), "deleted_here": deleted})
        return
    whose = counted(report.conversations, "conversation")
    told = f"Took in {counted(report.turns, 'turn')} of {whose}"
    session.say(f"{told}, and {counted(report.notes, 'note')}; {report.known:,} were here already.")
    if report.deleted or deleted:
        kept_out = f"{counted(report.deleted, 'turn')} stayed out and"
        session.say(f"{kept_out} {counted(deleted, 'conversation')} lost turns: they were deleted.")
