"""`threadline list`: one line a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from threadline.cli.options import filter_options, given, json_option, pass_session, store_option
from threadline.cli.session import place
from threadline.cli.table import Column, draw_table
from threadline.model import Status
from threadline.render.printable import one_line
from threadline.render.when import ago

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.cli.table import Row
    from threadline.model import ConversationSummary, Page

_ID_WIDTH: Final = 1000
_USER_WIDTH: Final = 24
_PREVIEW_WIDTH: Final = 160

_COLUMNS: Final = (
    Column("thread"),
    Column("last"),
    Column("turns", right=True),
    Column("messages", right=True),
    Column("status"),
    Column("user"),
    Column("preview"),
)


@click.command("list")
@filter_options
@click.option("--text", metavar="TEXT", help="Only where this was said.")
@json_option
@store_option
@pass_session
def list_conversations(session: Session, *, as_json: bool, **filters: Any) -> None:
    """Show the newest conversations, newest first."""
    store = session.open_store()
    page = store.conversations(**given(filters))
    if as_json:
        for summary in page:
            session.json_line(msgspec.structs.asdict(summary))
    elif page:
        draw_table(session, _COLUMNS, _rows(session, page))
        say_how_to_go_on(session, page.cursor)
    else:
        is_narrowed = set(given(filters)) - {"limit"}
        sentence = "No such conversations in {}." if is_narrowed else "No conversations in {} yet."
        session.say(sentence.format(place(store)))


def say_how_to_go_on(session: Session, cursor: str | None) -> None:
    """Tell how to get the next page, if there is one."""
    if cursor is not None:
        session.say(f"There is more: --cursor {one_line(cursor, width=_ID_WIDTH)}", "dim")


def _rows(session: Session, page: Page[ConversationSummary]) -> list[Row]:
    now_ns = session.clock.now_ns()
    return [_row(summary, now_ns) for summary in page]


def _row(summary: ConversationSummary, now_ns: int) -> Row:
    status = summary.last_status
    return (
        (one_line(summary.thread_id, width=_ID_WIDTH), "strong"),
        (ago(summary.updated_ns, now_ns=now_ns), "plain"),
        (f"{summary.turn_count:,}", "plain"),
        (f"{summary.message_count:,}", "plain"),
        (status.value if status else "", _STATUS_STYLES.get(status, "warn")),
        (one_line(summary.user_id or "", width=_USER_WIDTH), "plain"),
        (_preview(summary), "dim"),
    )


def _preview(summary: ConversationSummary) -> str:
    mark = "(generated id) " if summary.id_source == "generated" else ""
    return one_line(mark + (summary.title or summary.preview), width=_PREVIEW_WIDTH)


_STATUS_STYLES: Final[dict[Status | None, str]] = {
    None: "dim",
    Status.OK: "good",
    Status.ERROR: "bad",
    Status.RUNNING: "dim",
}
