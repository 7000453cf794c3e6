"""What is told of an answer while it is spoken: much at once, and nothing that rules must judge."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadline.capture.heard import Heard

SECOND = 10**9


def heard(*chunks: str) -> Heard:
    """An answer that was asked about once, a second ago."""
    made = Heard()
    assert made.worth_telling(SECOND) is None
    made.extend(chunks)
    return made


def test_nothing_is_told_within_a_second() -> None:
    assert heard("Hello there, you.").worth_telling(2 * SECOND - 1) is None


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        (("Good morning, ", "dear fri"), "Good morning, dear"),
        (("The key is sk-proj-abcd",), "The key is"),
        (("Write to bob@exa",), "Write to"),
        (("Card 4111 1111 11",), "Card"),
        (("Call +44 (0)20 79",), "Call"),
        (("你好世界",), "你好世界"),
        (("Hello",), None),
        (("",), None),
    ],
)
def test_what_may_be_half_a_word_or_number_waits(chunks: tuple[str, ...], told: str | None) -> None:
    assert heard(*chunks).worth_telling(2 * SECOND) == told


@given(st.lists(st.text(max_size=40), max_size=200))
def test_all_that_is_told_is_a_beginning_and_bounded(chunks: list[str]) -> None:
    """However often it is asked, what goes to the journal stays in proportion to the answer."""
    made, told = heard(), []
    for number, chunk in enumerate(chunks):
        made.append(chunk)
        text = made.worth_telling((number + 2) * SECOND)
        if text is not None:
            told.append(text)
    answer = "".join(chunks)
    assert all(answer.startswith(text) for text in told)
    assert sum(map(len, told)) <= 9 * len(answer)
    assert all(len(b) > len(a) * 9 / 8 for a, b in pairwise(told))
