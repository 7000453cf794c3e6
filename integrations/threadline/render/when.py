"""Times and durations as people say them."""

from __future__ import annotations

import datetime as dt
from typing import Final

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_WEEK: Final = 7 * _DAY


def ago(at_ns: int | None, *, now_ns: int, zone: dt.tzinfo | None = None) -> str:
    """Say how long ago something was; after a week the day itself.

    Args:
        at_ns: When it was; None or 0 if nobody knows.
        now_ns: What time it is.
        zone: The time zone that days are told in; the machine's own by default.

    Example:
        >>> ago(0, now_ns=1), ago(1, now_ns=200 * 1_000_000_000)
        ('', '3 min ago')
    """
    if not at_ns:
        return ""
    age = now_ns - at_ns
    if age < -_MINUTE or age >= _WEEK:
        return day(at_ns, zone=zone)
    if age < _MINUTE:
        return "just now"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if age >= unit:
            return f"{age // unit} {name} ago"
    return ""


def day(at_ns: int | None, *, zone: dt.tzinfo | None = None) -> str:
    """Return the day of a time, such as `21 Nov 2026`.

    Example:
        >>> day(1_795_255_200_000_000_000, zone=dt.UTC)
        '21 Nov 2026'
    """
    local = _local(at_ns, zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}" if local else ""


def time_of_day(at_ns: int | None, *, zone: dt.tzinfo | None = None) -> str:
    """Return the time of day of a time, such as `10:00:00`.

    Example:
        >>> time_of_day(1_795_255_200_000_000_000, zone=dt.UTC)
        '10:00:00'
    """
    local = _local(at_ns, zone)
    return f"{local:%H:%M:%S}" if local else ""


def iso_time(at_ns: int) -> str | None:
    """Return a time as machines read it, in UTC; None where no calendar knows it.

    Example:
        >>> iso_time(1_795_255_200_000_000_000)
        '2026-11-21T10:00:00Z'
    """
    utc = moment(at_ns, zone=dt.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}" if utc else None


def duration(length_ns: int | None) -> str:
    """Say how long something took, in about three figures.

    Example:
        >>> [duration(n) for n in (None, 0, 41_000, 2_340_000, 1_230_000_000, 754_000_000_000)]
        ['', '0 ms', '0.04 ms', '2.3 ms', '1.23 s', '12 min 34 s']
    """
    if length_ns is None:
        return ""
    if length_ns < _SECOND:
        return f"{_figures(length_ns / 1_000_000)} ms"
    if length_ns < _MINUTE:
        return f"{_figures(length_ns / _SECOND, small=2)} s"
    seconds = length_ns // _SECOND
    if length_ns < _HOUR:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _figures(value: float, *, small: int = 1) -> str:
    if value == 0:
        return "0"
    if value < 1:
        return f"{value:.2f}"
    return f"{value:.{small}f}" if value < 10 else f"{value:.{small - 1}f}"  # noqa: PLR2004 (one digit before the point)


def _local(at_ns: int | None, zone: dt.tzinfo | None) -> dt.datetime | None:
    return moment(at_ns, zone=zone) if at_ns else None


def moment(at_ns: int, *, zone: dt.tzinfo | None) -> dt.datetime | None:
    """Return a recorded time as one of a calendar; None where no calendar knows it."""
    try:
        return dt.datetime.fromtimestamp(at_ns / _SECOND, tz=dt.UTC).astimezone(zone)
    except (OverflowError, OSError, ValueError):
        return None


_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
