"""`threadline show`: one conversation or turn, as a chat or as a tree of spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import msgspec

from threadline.cli.chat_view import draw_chat
from threadline.cli.lookup import find_by_id, looked_at
from threadline.cli.options import json_option, pass_session, store_option
from threadline.cli.session import place, quoted
from threadline.cli.trace_view import draw_trace
from threadline.model import Conversation, Turn

if TYPE_CHECKING:
    from threadline.cli.lookup import Candidate
    from threadline.cli.reader import Reader
    from threadline.cli.session import Session

_SHOWN: Final = 8


@click.command("show")
@click.argument("ident", metavar="[ID]", required=False)
@click.option("--last", is_flag=True, help="The conversation with the newest turn.")
@click.option("--trace", is_flag=True, help="The tree of spans of each turn instead of the chat.")
@click.option(
    "--full",
    is_flag=True,
    help="Long texts, results and documents whole; with --trace what each model was sent and said.",
)
@click.option("--prelude", is_flag=True, help="Also what was said before recording began.")
@click.option("--tenant", metavar="NAME", help="The tenant that the conversation belongs to.")
@json_option
@store_option
@pass_session
def show(session: Session, ident: str | None, *, as_json: bool, **how: bool | str | None) -> None:
    """Show a conversation: by its thread id, the id of a turn, or the beginning of either."""
    if (ident is None) is not bool(how["last"]):
        message = "give either an ID or --last; `threadline list` shows the ids"
        raise click.UsageError(message)
    store = session.open_store()
    tenant = str(how["tenant"]) if how["tenant"] else None
    found = _last(store) if ident is None else _by_id(session, store, ident, tenant)
    if found is None:
        session.say(f"No conversations in {place(store)} yet.")
    elif as_json:
        _write_json(session, found, with_spans=bool(how["trace"]))
    elif how["trace"]:
        draw_trace(session, found, full=bool(how["full"]))
    else:
        draw_chat(session, found, full=bool(how["full"]), prelude=bool(how["prelude"]))


def _last(store: Reader) -> Conversation | None:
    turn = store.last()
    if turn is None:
        return None
    return store.conversation(turn.thread_id, tenant=turn.tenant) or _alone(turn, None)


def _by_id(session: Session, store: Reader, ident: str, tenant: str | None) -> Conversation:
    found = find_by_id(store, ident, tenant)
    if isinstance(found, Turn):
        return _alone(found, store.conversation(found.thread_id, tenant=found.tenant))
    if isinstance(found, Conversation):
        return found
    if found:
        raise session.fail(_ambiguity(ident, found))
    about = f"no conversation or turn {quoted(ident)!r} in {place(store)}"
    about += f": {looked_at(ident)}; `threadline list` shows what there is"
    raise session.fail(about)


def _ambiguity(ident: str, found: list[Candidate]) -> str:
    lines = [
        f"  {candidate.kind} {quoted(candidate.id)}"
        + (f"  (--tenant {quoted(candidate.tenant)})" if candidate.tenant else "")
        for candidate in found[:_SHOWN]
    ]
    more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n".join([f"{quoted(ident)!r} could be any of these:", *lines, *more])


def _alone(turn: Turn, conversation: Conversation | None) -> Conversation:
    """Return the conversation as if the turn were the only one of it."""
    if conversation is None:
        conversation = Conversation(thread_id=turn.thread_id, tenant=turn.tenant)
    nothing = {"prelude": (), "ratings": (), "feedback": (), "events": ()}
    times = {"created_ns": turn.started_ns, "updated_ns": turn.ended_ns or turn.started_ns}
    return msgspec.structs.replace(conversation, turns=(turn,), **nothing, **times)


def _write_json(session: Session, conversation: Conversation, *, with_spans: bool) -> None:
    if not with_spans:
        session.json_line(conversation.to_dict())
        return
    for turn in conversation.turns:
        session.json_line(turn)
