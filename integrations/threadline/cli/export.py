"""`threadline export`: conversations as a page, as lines of JSON, as tables for other programs."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from threadline.cli.checks import settings_in_force
from threadline.cli.options import (
    given,
    pass_session,
    rating_option,
    store_option,
    turn_filter_options,
)
from threadline.cli.outlet import STDOUT, outlet, refuse_to_overwrite, refuse_to_replace
from threadline.cli.session import place, quoted
from threadline.render.export.lines import line_of
from threadline.render.export.selection import selected, whole
from threadline.render.export.table_files import write_csv, write_parquet
from threadline.render.page.pages import page_of, page_of_many
from threadline.render.tables import TABLES
from threadline.render.values import counted
from threadline.store.adopting import every_thread
from threadline.store.connections import FileDatabase
from threadline.store.copying import copy_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import IO

    from threadline.cli.reader import Reader
    from threadline.cli.session import Session
    from threadline.model import Conversation

_FORMATS: Final = ("html", "jsonl", "contextai", "openai", "csv", "parquet")
_OF_TABLES: Final = ("csv", "parquet")


@click.command("export")
@click.option(
    "--format",
    "shape",
    type=click.Choice(_FORMATS),
    default="jsonl",
    show_default=True,
    help="html: one page; jsonl: all that was recorded, a conversation a line; contextai: its"
    " shape; openai: chat fine-tuning; csv and parquet: a table.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, allow_dash=True),
    default="-",
    help="The file to write, for parquet the folder.  [default: standard output]",
)
@click.option(
    "--table",
    type=click.Choice([table.name for table in TABLES]),
    default="messages",
    show_default=True,
    help="With csv and parquet: which table.",
)
@click.option(
    "--redact",
    multiple=True,
    metavar="RULE",
    help="Take more out of what is exported: pii, re:<pattern>; may be given several times.",
)
@click.option(
    "--sqlite",
    "copy",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Copy the whole store to this file instead, safely while others write to it.",
)
@turn_filter_options
@rating_option
@click.option("--text", metavar="TEXT", help="Only where this was said.")
@click.option("--since", metavar="WHEN", help="Not older: 2h, 3d, 2026-11-21 or an ISO time.")
@click.option("--until", metavar="WHEN", help="Not newer; written like --since.")
@click.option("--limit", type=click.IntRange(1), help="Only so many of the newest.  [default: all]")
@store_option
@pass_session
def export(
    session: Session,
    *,
    shape: str,
    output: Path,
    table: str,
    redact: tuple[str, ...],
    copy: Path | None,
    **filters: Any,
) -> None:
    """Write conversations for others: all, or those that the options narrow down."""
    store = session.open_store()
    wanted = given(filters)
    if copy is not None:
        if wanted or redact:
            message = "a copy is of the whole store; for a part of it export lines and import them"
            raise click.UsageError(message)
        _copy(session, store, copy)
        return
    _refuse_what_does_nothing(shape)
    _check_thread(session, store, wanted)
    if output != STDOUT:
        refuse_to_overwrite(store.path, output)
    if shape in _OF_TABLES:
        if redact:
            message = "tables are not redacted on the way; use jsonl, contextai, openai or html"
            raise click.UsageError(message)
        count, noun = _write_table(store, shape, output, table, wanted), "row"
    else:
        write: Callable[..., int] = _write_page if shape == "html" else _write_lines
        if shape == "jsonl" and not wanted and settings_in_force(session).tenant is None:
            write = partial(_write_everything, threads=_threads(store))
        with outlet(output) as file:
            count = write(file, store, shape=shape, redact=redact, **wanted)
        noun = "conversation"
    where = "" if output == STDOUT else f" to {quoted(str(output))}"
    session.say(f"{counted(count, noun)} of {place(store)} written{where}.", "dim")


def _refuse_what_does_nothing(shape: str) -> None:
    given_by = click.get_current_context().get_parameter_source("table")
    if shape not in _OF_TABLES and given_by is not ParameterSource.DEFAULT:
        message = f"--table goes with {' and '.join(_OF_TABLES)}, not with {shape}"
        raise click.UsageError(message)


def _check_thread(session: Session, store: Reader, wanted: dict[str, Any]) -> None:
    """Tell of a conversation that there is none of it: its name may be mistyped."""
    thread_id = wanted.get("thread_id")
    if thread_id and not store.conversations(thread_id=thread_id, limit=1):
        unknown = f"no conversation {quoted(repr(thread_id))} in {place(store)}"
        raise session.fail(unknown)


def _copy(session: Session, store: Reader, target: Path) -> None:
    if store.path is None or target.absolute() == store.path.absolute():
        message = f"{quoted(str(target))} cannot be a copy of {place(store)}"
        raise click.UsageError(message)
    refuse_to_replace(store.path, target)
    try:
        copy_store(store.path, target)
    except OSError as error:
        message = f"{target}: {error.strerror or error}"
        raise click.ClickException(message) from error
    session.say(f"{place(store)} copied to {quoted(str(target))}.", "dim")


def _write_page(file: IO[bytes], store: Reader, *, shape: str, **how: Any) -> int:
    del shape
    found = list(selected(store, **how))
    title = f"{counted(len(found), 'conversation')} recorded by Threadline"
    page = page_of(found[0]) if len(found) == 1 else page_of_many(found, title=title)
    file.write(page.encode())
    return len(found)


def _write_lines(file: IO[bytes], store: Reader, *, shape: str, **how: Any) -> int:
    return _write_each(file, selected(store, **how), shape)


def _write_everything(
    file: IO[bytes],
    store: Reader,
    *,
    shape: str,
    redact: tuple[str, ...],
    threads: Sequence[tuple[str, str]],
) -> int:
    return _write_each(file, whole(store, threads, redact=redact), shape)


def _write_each(file: IO[bytes], found: Iterable[Conversation], shape: str) -> int:
    count = 0
    for conversation in found:
        line = line_of(conversation, shape)
        if line is not None:
            file.write(line + b"\n")
            count += 1
    return count


def _threads(store: Reader) -> list[tuple[str, str]]:
    if store.path is None or not store.path.is_file():
        return []
    return every_thread(FileDatabase(store.path))


def _write_table(
    store: Reader, shape: str, output: Path, table: str, filters: dict[str, Any]
) -> int:
    if shape == "parquet":
        if output == STDOUT:
            message = "parquet needs a folder: --output FOLDER"
            raise click.UsageError(message)
        return write_parquet(store, table, output, **filters)
    with outlet(output) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        count = write_csv(store, table, text, **filters)
        text.flush()
        text.detach()
    return count
