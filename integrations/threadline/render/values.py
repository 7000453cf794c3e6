"""Recorded values as text: arguments, results, parts that are not words, tokens, judgements."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from threadline.model import BlobPart, FilePart, GenericPart, UriPart
from threadline.render.printable import escaped_json, one_line

if TYPE_CHECKING:
    from threadline.model import Part, Rating, Usage

UNFINISHED: Final = "not finished, or never returned"
"""What is to be said of an answer that the application did not get, or not whole."""

_KILOBYTE: Final = 1000
_NAME_WIDTH: Final = 60


def json_text(value: object) -> str:
    """Write any recorded value as one line of JSON that can be read back and cannot do harm.

    Example:
        >>> json_text({"city": "Paris", "days": [1, 2]})
        '{"city":"Paris","days":[1,2]}'
    """
    try:
        return escaped_json(msgspec.json.encode(value).decode())
    except (TypeError, ValueError):  # a lone surrogate, or something that JSON has no word for
        plain = msgspec.to_builtins(value, enc_hook=str, str_keys=True)
        return escaped_json(json.dumps(plain, separators=(",", ":")))


def value_text(value: object) -> str:
    """Return a recorded value for reading: words as they are, nothing for None, else JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)


def call_text(name: str, arguments: object) -> str:
    """Write a tool call the way a programmer would.

    Example:
        >>> call_text("weather", {"city": "Paris", "days": 2})
        'weather(city="Paris", days=2)'
    """
    return f"{one_line(name, width=_NAME_WIDTH) or 'tool'}({arguments_text(arguments)})"


def part_text(part: Part) -> str:
    """Describe a part that is not words in one line; words give an empty text.

    Example:
        >>> part_text(BlobPart(b"0" * 4200, mime_type="image/png"))
        'image/png, 4.2 kB'
    """
    text = ""
    match part:
        case BlobPart():
            text = f"{_medium(part, 'bytes')}, {size_text(len(part.content))}"
        case FilePart():
            text = f"{_medium(part, 'file')}, file {part.file_id}"
        case UriPart():
            text = f"{_medium(part, 'link')}, {part.uri}"
        case GenericPart():
            text = f"{part.kind} {value_text(part.value)}"
        case _:
            pass
    return text


def bracketed(part: Part) -> str:
    """Write a part that is not words as it stands beside words; nothing for words.

    Example:
        >>> bracketed(GenericPart("withheld", {"type": "text", "size": 9}))
        '(9 characters withheld)'
        >>> bracketed(BlobPart(b"0" * 4200, mime_type="image/png"))
        '[image/png, 4.2 kB]'
    """
    if isinstance(part, GenericPart) and part.kind == "withheld":
        return _withheld_text(part.value)
    text = part_text(part)
    return f"[{text}]" if text else ""


def tool_text(definition: dict[str, Any]) -> str:
    """Say in short which tool a model was offered: its name and what it takes.

    Example:
        >>> tool_text({"name": "weather", "input_schema": {"properties": {"city": {}, "days": {}}}})
        'weather(city, days)'
    """
    tool = _dict_of(definition.get("function")) or definition
    name = tool.get("name") or tool.get("type") or "tool"
    properties = _dict_of(tool.get("parameters") or tool.get("input_schema")).get("properties")
    names = ", ".join(map(str, _dict_of(properties)))
    return f"{one_line(str(name), width=_NAME_WIDTH)}({names})"


def arguments_text(arguments: object) -> str:
    """Write arguments, parameters or variables as `name=value`, with commas between."""
    if isinstance(arguments, dict):
        pairs = cast("dict[Any, Any]", arguments).items()
        return ", ".join(f"{key}={json_text(value)}" for key, value in pairs)
    return "" if arguments is None else json_text(arguments)


def size_text(byte_count: int) -> str:
    """Say how many bytes something has.

    Example:
        >>> size_text(900), size_text(4200), size_text(52_000_000_000)
        ('900 bytes', '4.2 kB', '52 GB')
    """
    if byte_count < _KILOBYTE:
        return f"{byte_count} bytes"
    value, units = byte_count / _KILOBYTE, ["kB", "MB", "GB", "TB"]
    while value >= _KILOBYTE and len(units) > 1:
        value /= _KILOBYTE
        units.pop(0)
    return f"{value:.1f} {units[0]}" if value < 10 else f"{value:.0f} {units[0]}"  # noqa: PLR2004 (one digit before the point)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun.

    Example:
        >>> counted(1, "turn"), counted(12000, "message")
        ('1 turn', '12,000 messages')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def usage_text(usage: Usage | None) -> str:
    """Say what went in and came out, in tokens, with what is worth knowing beside.

    Example:
        >>> from threadline.model import Usage
        >>> usage_text(Usage(input_tokens=1412, output_tokens=36, cache_read_tokens=1024))
        '1,412 → 36 tokens (1,024 cached)'
    """
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        return ""
    details = [
        f"{number:,} {name}"
        for number, name in (
            (usage.cache_read_tokens, "cached"),
            (usage.reasoning_tokens, "reasoning"),
        )
        if number
    ]
    beside = f" ({', '.join(details)})" if details else ""
    return f"{_number(usage.input_tokens)} → {_number(usage.output_tokens)} tokens{beside}"


def rating_value(value: float) -> str:
    """Write the value of a rating with its sign.

    Example:
        >>> rating_value(1), rating_value(-1), rating_value(0.25)
        ('+1', '-1', '+0.25')
    """
    return f"{value:+g}" if value else "0"


def rating_text(rating: Rating) -> str:
    """Say in one line who judged what and how.

    Example:
        >>> from threadline.model import Rating
        >>> rating_text(Rating(id="r", at_ns=1, value=-1, comment="Too slow"))
        'rated -1: Too slow'
    """
    judged = "rated" if rating.name == "rating" else f"{rating.name}:"
    value = rating.label or ("" if rating.value is None else rating_value(rating.value))
    by = "" if rating.source == "user" else f" by {rating.source}"
    comment = f": {rating.comment}" if rating.comment else ""
    return f"{judged} {value}{by}{comment}"


def _medium(part: BlobPart | FilePart | UriPart, otherwise: str) -> str:
    return part.mime_type or part.modality or otherwise


def _dict_of(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _withheld_text(told: object) -> str:
    about = _dict_of(told)
    kind, size = about.get("type", "text"), about.get("size")
    if kind != "text":
        return f"({str(kind).replace('_', ' ')} withheld)"
    return "(withheld)" if type(size) is not int else f"({counted(size, 'character')} withheld)"


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
