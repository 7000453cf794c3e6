"""`threadline search`: where something was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from threadline.cli.listing import say_how_to_go_on
from threadline.cli.options import filter_options, given, json_option, pass_session, store_option
from threadline.cli.session import place, quoted
from threadline.render.cells import wrapped
from threadline.render.printable import one_line
from threadline.render.when import ago

if TYPE_CHECKING:
    from threadline.cli.session import Session
    from threadline.model import SearchHit

_SNIPPET_WIDTH: Final = 400
_READABLE: Final = 100


@click.command("search")
@click.argument("text")
@filter_options
@json_option
@store_option
@pass_session
def search(session: Session, text: str, *, as_json: bool, **filters: Any) -> None:
    """Find where something was said, newest first."""
    store = session.open_store()
    page = store.search(text, **given(filters))
    if as_json:
        for hit in page:
            session.json_line(msgspec.structs.asdict(hit))
        return
    for number, hit in enumerate(page):
        if number:
            session.line()
        _draw_hit(session, hit, text.split())
    if page:
        say_how_to_go_on(session, page.cursor)
    else:
        session.say(f"Nothing said like “{quoted(text)}” in {place(store)}.")


def _draw_hit(session: Session, hit: SearchHit, words: list[str]) -> None:
    role = one_line(hit.role or "", width=40)
    when = ago(hit.at_ns, now_ns=session.clock.now_ns())
    facts = "  ".join(filter(None, (role, when)))
    session.line(
        (quoted(hit.thread_id), "strong"),
        (f"  {facts}" if facts else "", "plain"),
        (f"  turn {quoted(hit.turn_id)}", "dim"),
    )
    snippet = one_line(hit.snippet, width=_SNIPPET_WIDTH)
    for line in wrapped(snippet, width=min(session.width, _READABLE) - 2):
        session.line((f"  {line}", "plain"), marked=words)
