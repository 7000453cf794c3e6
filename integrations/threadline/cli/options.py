"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from threadline.cli.session import Session
from threadline.model import Status
from threadline.store import times
from threadline.store.facets import THUMBS

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., object]")

pass_session = click.make_pass_decorator(Session)


def _take_store(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    if path is not None:
        context.ensure_object(Session).store_path = path.expanduser()


store_option = click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    expose_value=False,
    callback=_take_store,
    help="The store to look into.  [default: THREADLINE_STORE, else this project's own]",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per line, for pipes."
)
destination_option = click.option("--destination", metavar="NAME", help="Only this destination.")
tenant_option = click.option("--tenant", metavar="NAME", help="Only of this tenant.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="At most so many.",
)


def _pairs(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str] | None:
    pairs = [value.partition("=") for value in values]
    wrong = [key for key, equals, _ in pairs if not (key and equals)]
    if wrong:
        message = f"{wrong[0]!r} is not of the form KEY=VALUE"
        raise click.BadParameter(message)
    return {key: value for key, _, value in pairs} or None


_TIMES: Final = 'how long ago ("30m", "2h", "3d"), a day ("2026-11-21") or an ISO time'
TYPED: Final = {times.ALLOWED: _TIMES}
"""What may be typed, by what the reader itself allows: it takes more than text."""


def _judgement(
    _context: click.Context, _option: click.Parameter, given: str | None
) -> float | str | None:
    """Read a number, or which way a thumb points."""
    if given is None or given in THUMBS:
        return given
    try:
        return float(given)
    except ValueError:
        message = f"{given!r} is neither a number nor up nor down"
        raise click.BadParameter(message) from None


rating_option = click.option(
    "--rating",
    metavar="NUMBER",
    callback=_judgement,
    help="Only what was rated so: up, down, 0.8.",
)
_TURN_FILTERS: Final = (
    click.option("--thread", "thread_id", metavar="ID", help="Only of this thread."),
    click.option("--user", "user_id", metavar="ID", help="Only of this user."),
    click.option("--tag", metavar="TAG", help="Only with this tag."),
    click.option(
        "--metadata",
        metavar="KEY=VALUE",
        multiple=True,
        callback=_pairs,
        help="Only with this metadata; may be given several times.",
    ),
    click.option(
        "--status",
        type=click.Choice([status.value for status in Status]),
        help="Only where a turn ended so.",
    ),
    click.option("--tool", metavar="NAME", help="Only where this tool was used."),
    click.option("--model", metavar="NAME", help="Only where this model answered."),
    tenant_option,
)
_FILTERS: Final = (
    *_TURN_FILTERS[:-1],
    rating_option,
    click.option("--since", metavar="WHEN", help="Not older: 2h, 3d, 2026-11-21 or an ISO time."),
    click.option("--until", metavar="WHEN", help="Not newer; written like --since."),
    tenant_option,
    limit_option,
    click.option("--cursor", metavar="TEXT", help="Go on where an earlier page ended."),
)


def filter_options(command: F) -> F:
    """Add the filters of the reader to a command; it receives them as keyword arguments."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def turn_filter_options(command: F) -> F:
    """Add those filters to a command that look at a turn alone, whenever it was."""
    for option in reversed(_TURN_FILTERS):
        command = option(command)
    return command


def given(filters: dict[str, Any]) -> dict[str, Any]:
    """Return the filters that the user gave."""
    return {name: value for name, value in filters.items() if value is not None}
