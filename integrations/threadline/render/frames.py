"""Data frames: the tables with typed columns, for Arrow and pandas."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from threadline.errors import ArgumentError, MissingExtraError
from threadline.render.reading import rows_of
from threadline.render.tables import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.render.reading import Store
    from threadline.render.tables import Column, Kind, Row

_EXTRA: Final = "notebook"
_LAST_NS: Final = 2**63 - 1


def to_arrow(store: Store, table: str, *, limit: int | None = None, **filters: Any) -> Any:
    """Return a `pyarrow.Table`, oldest first; see `Reader.to_arrow`."""
    if limit is not None and limit < 1:
        raise ArgumentError(argument="limit", value=limit, allowed="a whole number from 1, or None")
    columns = table_of(table).columns
    groups = list(rows_of(store, table, limit=limit, **filters))
    groups.reverse()
    return arrow_table(columns, groups)


def to_pandas(store: Store, table: str, *, limit: int | None = None, **filters: Any) -> Any:
    """Return a `pandas.DataFrame`, oldest first; see `Reader.to_pandas`."""
    pandas = package("pandas")
    arrow = package("pyarrow")
    whole = {arrow.int64(): pandas.Int64Dtype()}  # a missing count makes no fraction of the others
    return to_arrow(store, table, limit=limit, **filters).to_pandas(types_mapper=whole.get)


def arrow_table(columns: Sequence[Column], groups: Iterable[list[Row]]) -> Any:
    """Return groups of rows as one Arrow table."""
    arrow = package("pyarrow")
    schema = arrow.schema([(column.name, _type(arrow, column.kind)) for column in columns])
    batches = [_batch(arrow, schema, columns, rows) for rows in groups if rows]
    return arrow.Table.from_batches(batches, schema=schema).unify_dictionaries()


def _batch(arrow: Any, schema: Any, columns: Sequence[Column], rows: list[Row]) -> Any:
    values = zip(*rows, strict=True)
    arrays = [
        arrow.array([_told(value, column.kind) for value in told], type=kind)
        for told, column, kind in zip(values, columns, schema.types, strict=True)
    ]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)


def _told(value: Any, kind: Kind) -> Any:
    """Return a value that the column's type can hold; what no type can hold is missing."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if kind == "texts" and value is not None:
        return [_told(text, "text") for text in value]
    if isinstance(value, int) and abs(value) > _LAST_NS:
        return None
    return value


def _type(arrow: Any, kind: Kind) -> Any:
    types: dict[Kind, Any] = {
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "category": arrow.dictionary(arrow.int32(), arrow.string()),
        "time": arrow.timestamp("ns", tz="UTC"),
        "count": arrow.int64(),
        "number": arrow.float64(),
        "truth": arrow.bool_(),
    }
    return types[kind]


def package(name: str) -> Any:
    """Import a package of the extra `notebook`, or a module of one."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(extra=_EXTRA, package=name.partition(".")[0]) from error
