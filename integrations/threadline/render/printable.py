r"""Recorded text made safe to show: it can never drive a terminal or fake what is beside it.

Recorded text is untrusted: a model, a tool or a web page can put terminal escape sequences,
characters that reverse the reading order and invisible ones in it. Everything that was recorded
passes through here before it is drawn: `printable` for text, `one_line` for a cell of a table,
`escaped_json` for what a pipe reads.
"""

from __future__ import annotations

import re
from typing import Final

from threadline.render.cells import ELLIPSIS, cut

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_DIRECTION: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE: Final = "\u00ad\u180e\u200b-\u200d\u2060\ufeff\U000e0100-\U000e01ef"
_FORMAT: Final = (
    "\u2061-\u2065\u206a-\u206f\ufff0-\ufffb\U00013430-\U0001345f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SURROGATES: Final = "\ud800-\udfff"
_BREAKS: Final = "\u2028\u2029"

UNSAFE: Final = re.compile(
    f"[\\x00-\\x1f\\x7f-\\x9f{_DIRECTION}{_INVISIBLE}{_FORMAT}{_SURROGATES}{_BREAKS}]"
)
"""Whatever may not reach a terminal; `printable` lets newline, tab and real joiners through."""

_LINE_ENDS: Final = re.compile("\r\n|[\u2028\u2029]")
_LEFT_OUT: Final = re.compile(f"[{_INVISIBLE}]")
_TAGS: Final = re.compile("[\U000e0000-\U000e007f]+")
_SQUEEZED: Final = re.compile(f"[\\s{UNSAFE.pattern[1:-1]}]+")
_HEADROOM: Final = 4
_SPACE: Final = 0x20
_DELETE: Final = 0x7F
_LAST_OF_PLANE: Final = 0xFFFF

_EMOJI: Final = (
    "\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934-\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff\ufe0f"
)
_JOINING: Final = "\u0600-\u0605\u0610-\u061b\u061d-\u06ff\u0700-\u085f\u08a0-\u0dff"
_REAL_JOINER: Final = re.compile(
    f"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
)
"""A joiner that holds an emoji together, or shapes a letter of Persian, Hindi and the like."""


def printable(text: str) -> str:
    r"""Make recorded text safe to show over several lines; newlines and tabs stay.

    Control characters become their pictures; characters that change the reading order, runs of
    tags and lone surrogates become U+FFFD; invisible characters are left out, except for joiners
    inside an emoji or between letters that need them. Doing it twice changes nothing.

    Example:
        >>> printable("Paris\x1b[2J is\r\nlovely")
        'Paris␛[2J is\nlovely'
    """
    if text.isascii() and text.isprintable():
        return text
    lines = _TAGS.sub(REPLACEMENT, _LINE_ENDS.sub("\n", text))
    joiners = {match.start() for match in _REAL_JOINER.finditer(lines)}
    return UNSAFE.sub(lambda m: m[0] if m.start() in joiners else _stand_in(m[0]), lines)


def one_line(text: str, *, width: int = 72) -> str:
    r"""Squeeze recorded text into one printable line of at most `width` columns.

    Control and format characters and lone surrogates become spaces, so that printing a
    conversation can never move the cursor, change the title, fake another line or fail.

    Args:
        text: Text as it was recorded.
        width: The most columns to take; an ellipsis takes the last one when text is cut. Wide
            characters take two.

    Returns:
        One line, without leading, trailing or repeated spaces.

    Example:
        >>> one_line("Paris\x1b[2J is\n  lovely", width=12)
        'Paris [2J i…'
    """
    head = text.lstrip()[: max(0, width) * _HEADROOM + 256]
    line = _squeeze(head)
    if len(head) < len(text.strip()) and not line.endswith(ELLIPSIS):
        line = _squeeze(text)
    return cut(line, width=width)


def escaped_json(text: str) -> str:
    r"""Write every unsafe character of a JSON text as an escape, which loses nothing.

    JSON escapes C0 control characters by itself; it lets C1 controls, characters that change the
    reading order, invisible ones and line separators through, and some terminals obey those.

    Example:
        >>> escaped_json('{"a":"\x9b2J"}')
        '{"a":"\\u009b2J"}'
    """
    return UNSAFE.sub(lambda match: _json_escape(match[0]), text)


def _squeeze(text: str) -> str:
    joiners = {match.start() for match in _REAL_JOINER.finditer(text)}
    return _SQUEEZED.sub(
        lambda m: m[0] if m.start() in joiners and len(m[0]) == 1 else " ", text
    ).strip()


def _stand_in(character: str) -> str:
    code = ord(character)
    if character in "\n\t":
        return character
    if code < _SPACE:
        return chr(0x2400 + code)
    if code == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return "" if _LEFT_OUT.match(character) else REPLACEMENT


def _json_escape(character: str) -> str:
    if ord(character) <= _LAST_OF_PLANE:
        return f"\\u{ord(character):04x}"
    units = character.encode("utf-16-be").hex()
    return f"\\u{units[:4]}\\u{units[4:]}"
