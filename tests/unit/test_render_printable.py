"""Recorded text can never drive a terminal, whatever it is."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.hostile import HOSTILE

from threadline.render.cells import cells, cut, padded, wrapped
from threadline.render.excerpt import excerpt
from threadline.render.printable import one_line, printable
from threadline.render.values import call_text, json_text

DANGEROUS = (
    [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
    + list("\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff")
    + ["\u00ad", "\U000e0001", "\U000e0041", "\ufff9", "\U0001d173", "\ud800", "\udfff"]
)
PARTS = st.sampled_from([*DANGEROUS, "👩", "❤️", "a", " ", "日", "م", "ی", "क", "्", "e\u0301"])
ANY_TEXT = st.one_of(
    st.text(st.characters(codec=None, categories=None)),
    st.lists(st.one_of(PARTS, st.characters(codec=None))).map("".join),
)
VISIBLE_FORMAT = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)


def harmful(text: str) -> list[str]:
    """The characters of a text that a terminal may obey, or that change what is read."""
    return [
        character
        for place, character in enumerate(text)
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in VISIBLE_FORMAT
        and not (character in "\u200c\u200d" and 0 < place < len(text) - 1)
    ]


@given(ANY_TEXT)
@example(HOSTILE)
def test_printable_text_keeps_only_newlines_and_tabs_of_all_controls(text: str) -> None:
    shown = printable(text)
    assert set(harmful(shown)) <= {"\n", "\t"}
    shown.encode()


@given(ANY_TEXT)
@example(HOSTILE)
def test_making_text_printable_twice_changes_nothing(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """All that is no control or format character, in any script, but for hidden selectors."""
    if not any(0xE0100 <= ord(character) <= 0xE01EF for character in text):
        assert printable(text).replace("\ufffd", "") == text.replace("\ufffd", "") or any(
            0x13430 <= ord(character) <= 0x1345F for character in text
        )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("👩‍👩‍👧‍👦", id="family"),
        pytest.param("👩🏽‍🚀", id="skin-tone"),
        pytest.param("❤️‍🔥", id="variation-selector"),
        pytest.param("می‌خواهم", id="persian"),
        pytest.param("क्‍ष", id="hindi"),
    ],
)
def test_joiners_that_shape_what_is_read_are_kept(text: str) -> None:
    assert printable(text) == text
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\x1b[31mb", "a␛[31mb", id="escape"),
        pytest.param("a\rb\bc\x7f", "a␍b␈c␡", id="overwriting"),
        pytest.param("a\r\nb\u2028c", "a\nb\nc", id="line-ends"),
        pytest.param("a\x9b2J", "a�2J", id="C1"),
        pytest.param("a\u202eb\u2066c", "a�b�c", id="reading-order"),
        pytest.param("a\u200b\u200d\ufeff\u00adb", "ab", id="invisible"),
        pytest.param("a" + "\U000e0041" * 9, "a�", id="hidden-tags"),
        pytest.param("a\ud800b", "a�b", id="lone-surrogate"),
    ],
)
def test_what_could_do_harm_is_shown_as_something_that_cannot(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(ANY_TEXT, st.integers(-1, 40))
@example(HOSTILE, 200)
@example("\n" * 5000 + "late words", 20)
def test_one_line_is_one_safe_line_of_at_most_its_width(text: str, width: int) -> None:
    line = one_line(text, width=width)
    assert cells(line) <= max(0, width)
    assert harmful(line) == []
    assert line == line.strip()
    assert "  " not in line
    line.encode()


def test_one_line_cuts_a_very_long_text_where_it_would_cut_it_anyway() -> None:
    text = "word\t\n " * 200_000
    assert one_line(text, width=30) == "word word word word word word…"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=8,
)


@given(JSON_VALUES)
@example({HOSTILE: [HOSTILE]})
def test_json_says_the_same_and_can_do_no_harm(value: object) -> None:
    text = json_text(value)
    assert harmful(text) == []
    assert not set(text) & set("\u200c\u200d")
    assert json.loads(text) == value


@given(ANY_TEXT, JSON_VALUES)
def test_any_call_can_be_written(name: str, arguments: object) -> None:
    assert harmful(one_line(call_text(name, arguments))) == []


@given(ANY_TEXT.map(printable), st.integers(2, 30))
@example("東京は晴れです。" * 9, 7)
@example("    " * 40 + "deep", 10)
@example("\t日", 2)
@example("0\t00", 2)
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    lines = wrapped(text, width=width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(ANY_TEXT.map(printable), st.integers(0, 30))
def test_a_padded_cell_has_its_width(text: str, width: int) -> None:
    line = one_line(text, width=width)
    assert cells(padded(line, width=width)) == width
    assert cells(cut(line, width=max(0, width - 1))) <= max(0, width - 1)


@given(ANY_TEXT, st.integers(1, 50), st.integers(1, 5))
def test_an_excerpt_says_what_it_leaves_out(text: str, characters: int, lines: int) -> None:
    part = excerpt(text, characters=characters, lines=lines)
    whole = text.strip("\r\n").rstrip()
    assert part.left_out <= len(whole)
    assert part.text == printable(whole[: len(whole) - part.left_out])
    assert excerpt(text, characters=None).left_out == 0
