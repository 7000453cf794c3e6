"""Two turns or two model calls side by side: only what differs is told at length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.pages.attacks import ATTACKS, attacked
from tests.pages.audit import audited
from tests.samples import all_samples, said, span, turn

import threadline
from threadline.client.defaults import serving_as_default
from threadline.render.page.pages import page_of

if TYPE_CHECKING:
    from threadline.model import Span

TRIP = all_samples()[0]


def call(*words: str, answer: str = "Yes.") -> Span:
    """A model call that was sent these words, one message each."""
    sent = tuple(said("user", text, number) for number, text in enumerate(words))
    told = (said("assistant", answer, 9),)
    return span("llm", "model", 0, 1, input_messages=sent, output_messages=told)


def test_the_same_turn_has_no_difference() -> None:
    """A difference is false where nothing differs."""
    difference = TRIP.turns[0].diff(TRIP.turns[0])
    assert not difference
    assert "asked: the same" in str(difference)


def test_what_was_asked_and_answered_is_told_line_by_line() -> None:
    """Gone and new lines are marked as in a patch."""
    difference = TRIP.turns[0].diff(TRIP.turns[2])
    assert difference
    text = str(difference)
    assert "- Which is drier tomorrow, Paris or Rome?" in text
    assert "+ Try Rome again, please." in text
    assert '- weather(city="Paris", days=2) ok' in text


def test_what_two_model_calls_were_sent_is_compared() -> None:
    """Of a long common history only the lines around the difference are told."""
    history = [f"Line {number}" for number in range(40)]
    difference = call(*history, "Tea?").diff(call(*history, "Coffee?"))
    assert [one.what for one in difference.compared if not one.is_same] == ["sent"]
    text = str(difference)
    assert "- Tea?\n+ Coffee?" in text
    assert "lines the same" in text
    assert "Line 3\n" not in text


def test_what_is_too_long_to_be_compared_is_not_called_the_same() -> None:
    """Where texts differ only far down, the difference says so, and how much is left there."""
    history = "\n".join(f"Line {number}" for number in range(6_000))
    difference = call(f"{history}\nTea?").diff(call(f"{history}\nCoffee?\nMilk?"))
    assert difference
    assert "- … and 1,002 more lines\n+ … and 1,003 more lines" in str(difference)


def test_a_call_that_only_one_turn_made_is_new() -> None:
    """Turns need not have made the same calls."""
    first = turn("t", 0, 1, said("user", "Hi", 0), spans=(call("a"),))
    second = msgspec.structs.replace(first, spans=(call("a"), call("b", answer="No.")))
    assert "model call 2: said:\n+ [assistant]\n+ No." in str(first.diff(second))


@pytest.mark.parametrize("name", ["script", "handler", "bidirectional", "terminal", "unclosed"])
def test_no_attack_acts_in_a_difference(name: str) -> None:
    """What differs is as untrusted as all else."""
    first, second = TRIP.turns[0], attacked(TRIP.turns[0], ATTACKS[name])
    assert audited(page_of(first.diff(second))).wrong == []
    assert audited(first.spans[5].diff(second.spans[5])._repr_html_()).wrong == []


def test_a_turn_is_rated_where_it_was_read() -> None:
    """`turn.rate` is stored with the turn that one looks at."""
    with threadline.Client(store="memory") as client, serving_as_default(client):
        with threadline.turn(thread_id="t-1", input="Tea?") as scope:
            scope.output = "Yes."
        threadline.open().turn(scope.id).rate(1, "well put")
        [rating] = threadline.open().turn(scope.id).ratings
        assert (rating.value, rating.comment) == (1.0, "well put")
        assert "rated +1: well put" in threadline.last()._repr_html_()
