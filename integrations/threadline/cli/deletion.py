"""`threadline delete`: forget a conversation, or everything of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from threadline.cli.asking import ask
from threadline.cli.options import json_option, pass_session, store_option
from threadline.cli.session import place, quoted
from threadline.render.values import counted

if TYPE_CHECKING:
    from threadline.cli.reader import Reader
    from threadline.cli.session import Session

_COUNTED_UP_TO = 1000


@click.command("delete")
@click.option("--thread", "thread_id", metavar="ID", help="The conversation with this thread id.")
@click.option("--user", "user_id", metavar="ID", help="Every conversation of this user.")
@click.option("--tenant", metavar="NAME", help="The tenant that they belong to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@store_option
@pass_session
def delete(
    session: Session, *, yes: bool, as_json: bool, tenant: str | None, **whose: str | None
) -> None:
    """Delete a conversation, or all conversations of a user, for good."""
    chosen = {name: value for name, value in whose.items() if value}
    if len(chosen) != 1:
        message = "give either --thread ID or --user ID"
        raise click.UsageError(message)
    store = session.open_store()
    what = _describe(session, store, chosen, tenant)
    if what is not None and not yes:
        what = f"{what} from {place(store)} for good"
        ask(f"Delete {what}?", what_happens=f"this deletes {what}")
    number = 0 if what is None else store.delete(**chosen, tenant=tenant)
    if as_json:
        session.json_line({"deleted": number})
    elif what is not None:
        session.say(f"Deleted {counted(number, 'conversation')} from {place(store)}.")


def _describe(
    session: Session, store: Reader, chosen: dict[str, str], tenant: str | None
) -> str | None:
    """Say what would be deleted; None if a user has nothing to delete."""
    found = store.conversations(**chosen, tenant=tenant, limit=_COUNTED_UP_TO)
    messages = counted(sum(summary.message_count for summary in found), "message")
    if "thread_id" in chosen:
        ident = quoted(chosen["thread_id"])
        if not found:
            unknown = f"no conversation {ident!r} in {place(store)}"
            raise session.fail(unknown)
        return f"conversation {ident!r} ({messages})"
    user = quoted(chosen["user_id"])
    if not found:
        session.say(f"No conversations of user {user!r} in {place(store)}.")
        return None
    more = "more than " if found.cursor else ""
    return f"{more}{counted(len(found), 'conversation')} of user {user!r} ({more}{messages})"
