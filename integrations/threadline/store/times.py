"""Points in time as people write them: "2h" ago, a day, an ISO time, a datetime."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from threadline.errors import ArgumentError

ALLOWED: Final = 'a datetime, a time span such as "30m", "2h", "3d", "1w", or an ISO date or time'

_SPAN: Final = re.compile(r"(\d{1,6}) ?([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}-?\d")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND_NS: Final = 1_000_000_000


def moment_ns(argument: str, value: object, *, now_ns: int, end: bool = False) -> int:
    """Return the nanoseconds since the Unix epoch that `value` means.

    What names no time zone is local time. A day is its first moment or, with `end`, its last.

    Args:
        argument: What the value was given as, for the error.
        value: What was given.
        now_ns: What time it is.
        end: Whether a whole day counts up to its end.

    Raises:
        ArgumentError: if it is no time.

    Example:
        >>> moment_ns("since", "2h", now_ns=7_200_000_000_005)
        5
        >>> moment_ns("since", "1970-01-01T00:00:01Z", now_ns=0)
        1000000000
    """
    try:
        if isinstance(value, str):
            return _from_text(value.strip(), now_ns, end=end)
        if isinstance(value, dt.datetime):
            return _ns_of(value)
        if isinstance(value, dt.date):
            return _day_ns(value, end=end)
    except (ValueError, OverflowError, OSError) as error:
        raise ArgumentError(argument=argument, value=value, allowed=ALLOWED) from error
    raise ArgumentError(argument=argument, value=value, allowed=ALLOWED)


def _from_text(text: str, now_ns: int, *, end: bool) -> int:
    span = _SPAN.fullmatch(text.lower())
    if span is not None:
        return max(0, now_ns - int(span[1]) * _SECONDS[span[2]] * _SECOND_NS)
    if _DAY.fullmatch(text):
        return _day_ns(dt.date.fromisoformat(text), end=end)
    return _ns_of(dt.datetime.fromisoformat(text))


def _day_ns(day: dt.date, *, end: bool) -> int:
    if end:
        return _ns_of(dt.datetime.combine(day + dt.timedelta(days=1), dt.time())) - 1
    return _ns_of(dt.datetime.combine(day, dt.time()))


def _ns_of(moment: dt.datetime) -> int:
    since_epoch = moment.astimezone(dt.UTC) - _EPOCH
    seconds = since_epoch.days * 86_400 + since_epoch.seconds
    return seconds * _SECOND_NS + since_epoch.microseconds * 1000
