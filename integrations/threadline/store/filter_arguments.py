"""The filters as callers give them, checked once: wrong ones are named with what is allowed."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

import msgspec

from threadline.errors import ArgumentError
from threadline.ids import storable
from threadline.model.turn import Status
from threadline.store.facets import THUMBS
from threadline.store.filters import Filters
from threadline.store.times import moment_ns

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

MAX_LIMIT: Final = 10_000


class CommonFilters(TypedDict, total=False):
    """The filters that searching and listing share, as callers give them."""

    tenant: str | None
    thread_id: str | None
    user_id: str | None
    tag: str | None
    metadata: Mapping[str, Any] | None
    status: Status | str | None
    rating: float | str | None
    tool: str | None
    model: str | None
    since: dt.datetime | dt.date | str | None
    until: dt.datetime | dt.date | str | None


class FilterArguments(CommonFilters, total=False):
    """The filters of lists, as callers give them."""

    text: str | None


def check_filters(
    given: Mapping[str, Any], *, now_ns: int, forms_of: Callable[[str], tuple[str, ...]]
) -> Filters:
    """Return the filters that were given, checked.

    Args:
        given: `FilterArguments`; what is None counts as not given.
        now_ns: What time it is.
        forms_of: Gives the forms of an id under which the store may hold it.

    Raises:
        ArgumentError: for a filter that does not exist or has a value that it cannot use.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    unknown = next((name for name in wanted if name not in FilterArguments.__annotations__), None)
    if unknown is not None:
        allowed = ", ".join(FilterArguments.__annotations__)
        raise ArgumentError(
            argument=unknown, value=wanted[unknown], allowed=f"one of these filters: {allowed}"
        )
    texts = {name: _text(name, wanted[name]) for name in _TEXTS if name in wanted}
    moments = {
        f"{name}_ns": moment_ns(name, wanted[name], now_ns=now_ns, end=name == "until")
        for name in ("since", "until")
        if name in wanted
    }
    if moments.get("since_ns", -math.inf) > moments.get("until_ns", math.inf):
        allowed = f"a time at or after since, which is {wanted['since']}"
        raise ArgumentError(argument="until", value=wanted["until"], allowed=allowed)
    ids = {f"{name}s": forms_of(texts.pop(name)) for name in _IDS if name in texts}
    checked: dict[str, Any] = {**texts, **moments, **ids}
    for name, check in _CHECKS.items():
        if name in wanted:
            checked[name] = check(wanted[name])
    return Filters(**checked)


def check_limit(limit: object) -> int:
    """Return `limit` if it is one.

    Raises:
        ArgumentError: if it is not.
    """
    if isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= MAX_LIMIT:
        return limit
    raise ArgumentError(
        argument="limit", value=limit, allowed=f"a whole number from 1 to {MAX_LIMIT:,}"
    )


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return storable(value)
    raise ArgumentError(argument=name, value=value, allowed="a text")


def _status(value: object) -> Status:
    try:
        return Status(cast("str", value))
    except ValueError as error:
        raise ArgumentError(argument="status", value=value, allowed=", ".join(Status)) from error


def _rating(value: object) -> str | float:
    if isinstance(value, str) and value in THUMBS:
        return value
    with contextlib.suppress(OverflowError):  # an integer may be larger than any float
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    raise ArgumentError(argument="rating", value=value, allowed="a finite number, 'up' or 'down'")


def _metadata(value: object) -> dict[str, Any]:
    allowed = "a mapping of texts to values that JSON has"
    try:
        entries = msgspec.convert(value, dict[str, Any])
        msgspec.json.encode([v for v in entries.values() if not isinstance(v, str)])
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise ArgumentError(argument="metadata", value=value, allowed=allowed) from error
    return {storable(key): item for key, item in entries.items()}


_IDS: Final = ("thread_id", "user_id")
_TEXTS: Final = (*_IDS, "tenant", "tag", "tool", "model", "text")
_CHECKS: Final[dict[str, Callable[[object], Any]]] = {
    "status": _status,
    "rating": _rating,
    "metadata": _metadata,
}
