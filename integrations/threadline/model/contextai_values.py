"""What writing and reading the Context.ai shape must agree on: plain values, times, texts."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast, get_args, get_type_hints

import msgspec

from threadline.errors import ArgumentError
from threadline.model.message import text_of
from threadline.model.parts import Part, TextPart, ToolCallResponsePart

if TYPE_CHECKING:
    from threadline.model.turn import ToolObservation

Fields: TypeAlias = dict[str, Any]
R = TypeVar("R", bound=msgspec.Struct)

_TIMESTAMPS: Final = "an ISO 8601 text, or seconds to nanoseconds since 1970 as a number"

_NS_PER_MS: Final = 1_000_000
_NS_LIMIT: Final = 2**63  # what a store can hold
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a number since 1970 counts, told by its size: all of them mean the years 1973 to 5138.
_UNITS: Final = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
_ERROR: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_MISSING_FIELD: Final = re.compile(r"Object missing required field `(\w+)`")
_EXPECTED: Final = re.compile(r"Expected `(?P<allowed>[^`]*)`, got `(?P<got>[^`]*)`")
_UNKNOWN_WORD: Final = re.compile(r"Invalid (?:enum )?value '(?P<word>.*)'", re.DOTALL)


def plain(value: object, argument: str) -> Any:
    """Copy `value` as JSON values that every encoder takes.

    What JSON cannot say becomes the nearest thing that it can: bytes become base64, times ISO
    8601, NaN and infinity None, a lone surrogate U+FFFD.

    Raises:
        ArgumentError: if `value` has keys that are not words or numbers, or never ends.
    """
    try:
        return _well_formed(msgspec.to_builtins(value, str_keys=True, enc_hook=str))
    except (TypeError, RecursionError) as error:
        shown = type(value).__name__
        raise ArgumentError(argument, shown, "JSON values, not nested too deep") from error


def fields_of(record: msgspec.Struct) -> Fields:
    """Return the fields of a record that have something to say, as plain values."""
    fields: Fields = msgspec.to_builtins(record)
    fields.pop("record", None)
    return fields


def record_from(fields: Fields, record_type: type[R], place: str) -> R:
    """Build a record from plain values; a field that is None counts as absent.

    Raises:
        ArgumentError: naming the field at fault, starting from `place`.
    """
    try:
        return msgspec.convert({k: v for k, v in fields.items() if v is not None}, record_type)
    except msgspec.ValidationError as error:
        raise _argument_error(str(error), record_type, place) from error


def refused(place: str, name: str, value: object, allowed: str) -> ArgumentError:
    """Say what is wrong with `name` at `place`, without repeating what anybody said there."""
    shown = "absent" if value is None else type(value).__name__
    return ArgumentError(f"{place}.{name}".strip("."), shown, allowed)


def dict_at(value: object, place: str) -> Fields:
    """Return `value` if it is a dict.

    Raises:
        ArgumentError: if it is not.
    """
    if not isinstance(value, dict):
        raise refused(place, "", value, "a dict")
    return cast("Fields", value)


def list_at(value: object, place: str) -> list[Any]:
    """Return `value` if it is a list.

    Raises:
        ArgumentError: if it is not.
    """
    if not isinstance(value, list):
        raise refused(place, "", value, "a list")
    return cast("list[Any]", value)


def text_at(fields: Fields, name: str, place: str) -> str | None:
    """Return the text under `name`, or None if there is none.

    Raises:
        ArgumentError: if something else stands there.
    """
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise refused(place, name, value, "a text")


def timed(at_ns: int | None) -> Fields:
    """Return `event_timestamp`, and `at_ns` where milliseconds alone lose something.

    Example:
        >>> timed(1_704_164_645_678_000_000)
        {'event_timestamp': '2024-01-02T03:04:05.678Z'}
    """
    if at_ns is None:
        return {}
    try:
        moment = _EPOCH + timedelta(milliseconds=at_ns // _NS_PER_MS)
    except OverflowError:
        return {"at_ns": at_ns}
    text = moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    exact = {"at_ns": at_ns} if at_ns % _NS_PER_MS else {}
    return {"event_timestamp": text, **exact}


def ns_at(entry: Fields, place: str) -> int | None:
    """Return when an entry happened, from `at_ns`, else from `event_timestamp`.

    Raises:
        ArgumentError: if it holds something that is no time.
    """
    exact = entry.get("at_ns")
    if exact is not None and type(exact) is not int:
        raise refused(place, "at_ns", exact, "nanoseconds since 1970, a whole number")
    at_ns = _ns_from_timestamp(entry.get("event_timestamp"), place) if exact is None else exact
    if at_ns is not None and not -_NS_LIMIT <= at_ns < _NS_LIMIT:
        raise refused(place, "event_timestamp", at_ns, "a time between the years 1678 and 2262")
    return at_ns


def parts_from_text(text: str) -> tuple[Part, ...]:
    """Return the parts that a text alone stands for."""
    return (TextPart(text),) if text else ()


def observed_text(observation: ToolObservation) -> str:
    """Return what a tool answered as text; where it failed without an answer, the failure."""
    error = observation.error
    if observation.result is None and error is not None:
        return f"{error.type}: {error.message}" if error.message else error.type
    return text_of((ToolCallResponsePart(observation.result),))


def response_to(observation: ToolObservation) -> ToolCallResponsePart:
    """Return the part that tells a model just what was observed."""
    failed = observation.outcome == "error"
    return ToolCallResponsePart(observation.result, observation.call_id, failed)


def _well_formed(value: Any) -> Any:
    if isinstance(value, str):
        return _well_formed_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        fields = cast("Fields", value)
        return {_well_formed_text(key): _well_formed(item) for key, item in fields.items()}
    if isinstance(value, list | tuple):
        return [_well_formed(item) for item in cast("list[Any]", value)]
    return value


def _well_formed_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Through UTF-16, so that two halves of one character that stand together are joined.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _ns_from_timestamp(value: Any, place: str) -> int | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return _ns_from_iso(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return round(value * _ns_per_unit(abs(value)))
    except (ValueError, OverflowError) as error:
        raise refused(place, "event_timestamp", value, _TIMESTAMPS) from error
    raise refused(place, "event_timestamp", value, _TIMESTAMPS)


def _ns_from_iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _ns_per_unit(size: float) -> int:
    return next((factor for limit, factor in _UNITS if size < limit), 1)


def _argument_error(message: str, record_type: type[msgspec.Struct], place: str) -> ArgumentError:
    """Say in our words what msgspec says in its own."""
    found = _ERROR.fullmatch(message)
    what, path = (found["what"], found["path"] or "") if found else (message, "")
    shown, allowed = what, "what the field is made for"
    if missing := _MISSING_FIELD.fullmatch(what):
        path, shown, allowed = f"{path}.{missing[1]}", "absent", "a value"
    elif expected := _EXPECTED.fullmatch(what):
        shown, allowed = expected["got"], expected["allowed"]
    elif unknown := _UNKNOWN_WORD.fullmatch(what):
        shown, allowed = unknown["word"], _words_allowed(record_type, path)
    return ArgumentError(f"{place}{path}".lstrip("."), shown, allowed)


def _words_allowed(record_type: type[msgspec.Struct], path: str) -> str:
    if path.endswith(".type"):
        words = [str(part.__struct_config__.tag) for part in get_args(Part)]
    else:
        hint = get_type_hints(record_type).get(path.lstrip("."))
        words = [str(word) for word in get_args(hint) or hint or ()]
    return ", ".join(repr(word) for word in words) or "what the field is made for"
