"""Tables as files: CSV for spreadsheets, Parquet by day for DuckDB, ClickHouse or Spark."""

from __future__ import annotations

import csv
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from threadline.render.frames import arrow_table, package
from threadline.render.printable import printable
from threadline.render.reading import rows_of
from threadline.render.tables import table_of
from threadline.render.values import json_text
from threadline.render.when import iso_time, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from threadline.render.reading import Store
    from threadline.render.tables import Column, Row

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_NO_DAY: Final = "unknown"


def write_csv(store: Store, table: str, file: TextIO, **filters: Any) -> int:
    """Write a table as CSV, newest first; returns how many rows it has.

    Times are ISO 8601 in UTC, as precise as they are known. A text that a spreadsheet would take
    for a formula begins with an apostrophe there: what was recorded may be anybody's.
    """
    columns = table_of(table).columns
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    count = 0
    for rows in rows_of(store, table, **filters):
        for row in reversed(rows):
            writer.writerow([_cell(v, c) for v, c in zip(row, columns, strict=True)])
        count += len(rows)
    return count


def write_parquet(store: Store, table: str, folder: Path, **filters: Any) -> int:
    """Write a table as Parquet files below `folder`, one or more in each `day=YYYY-MM-DD`.

    Returns:
        How many rows were written. Files of an earlier export with the same names are replaced.

    Raises:
        MissingExtraError: without the extra `notebook`.
    """
    parquet = package("pyarrow.parquet")
    columns = table_of(table).columns
    count = 0
    for number, rows in enumerate(rows_of(store, table, **filters)):
        for day, told in _by_day(columns, rows):
            file = folder / f"day={day}" / f"{table}-{number:06d}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            parquet.write_table(arrow_table(columns, [told]), file)
        count += len(rows)
    return count


def _by_day(columns: Sequence[Column], rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    place = next((n for n, column in enumerate(columns) if column.kind == "time"), None)
    days: dict[str, list[Row]] = {}
    for row in rows:
        days.setdefault(_day(None if place is None else row[place]), []).append(row)
    yield from days.items()


def _day(at_ns: int | None) -> str:
    day = None if at_ns is None else moment(at_ns, zone=dt.UTC)
    return f"{day:%Y-%m-%d}" if day else _NO_DAY


def _cell(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if column.kind == "time":
        return _precise(value)
    if column.kind in {"count", "number"}:
        return str(value)
    if column.kind == "truth":
        return "true" if value else "false"
    text = printable(json_text(value) if column.kind == "texts" else str(value))
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _precise(at_ns: int) -> str:
    fraction = f"{at_ns % 1_000_000_000:09d}".rstrip("0")
    whole = iso_time(at_ns) or ""
    return f"{whole[:-1]}.{fraction}Z" if whole and fraction else whole
