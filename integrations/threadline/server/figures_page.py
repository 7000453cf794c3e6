"""Figures over time, drawn as charts: turns, latency, tokens, cost, tools, ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.model.figures import percentile
from threadline.render.page.markup import Markup, element
from threadline.render.values import counted
from threadline.render.when import duration, moment
from threadline.server.addresses import FIGURES, address
from threadline.server.charts import Chart, Series, chart_block
from threadline.server.frame import framed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from threadline.model.figures import Bucket, Figures
    from threadline.server.prices import Prices
    from threadline.server.viewer import Viewer

_SECOND: Final = 1_000_000_000
_HOUR: Final = 3600 * _SECOND
_DAY: Final = 24 * _HOUR
_MOST: Final = 60
_THOUSAND: Final = 1000


class _Span(NamedTuple):
    """A stretch of time that one may choose: how it is called, and how it is divided."""

    told: str
    length_ns: int
    parts: int


_SPANS: Final = {
    "24h": _Span("24 hours", _HOUR, 24),
    "7d": _Span("7 days", 6 * _HOUR, 28),
    "30d": _Span("30 days", _DAY, 30),
    "90d": _Span("90 days", 3 * _DAY, 30),
}
_ALL: Final = "all"
_USUAL: Final = "7d"


def figures_page(viewer: Viewer, query: Mapping[str, str]) -> str:
    """Draw the figures of a stretch of time."""
    chosen = query.get("span", _USUAL)
    reader = viewer.stores.figures_reader()
    span = _whole(reader.began_ns(), viewer) if chosen == _ALL else _SPANS.get(chosen)
    if span is None:
        chosen, span = _USUAL, _SPANS[_USUAL]
    end_ns = _end(viewer.now_ns, span.length_ns, viewer.zone)
    figures = reader.figures(
        first_ns=end_ns - span.length_ns * span.parts,
        length_ns=span.length_ns,
        count=span.parts,
    )
    return framed(
        element("h1", "Figures"),
        _choice(chosen),
        element("div", *map(chart_block, _charts(figures, viewer)), class_="charts"),
        title="Figures",
        here=FIGURES,
    )


def _whole(began_ns: int | None, viewer: Viewer) -> _Span:
    """Divide all the time that the store knows into whole days, not too many stretches of them."""
    age = max(_DAY, viewer.now_ns - (began_ns or viewer.now_ns))
    days = -(-age // _DAY) + 1
    each = -(-days // _MOST)
    return _Span("all", each * _DAY, -(-days // each))


def _end(now_ns: int, length_ns: int, zone: dt.tzinfo | None) -> int:
    """Return when the stretch ends in which it is now; whole days end at midnight, as seen here."""
    local = moment(now_ns, zone=zone)
    offset = local.utcoffset() if local else None
    shift = int(offset.total_seconds()) * _SECOND if offset else 0
    length = min(length_ns, _DAY)
    return (now_ns + shift) // length * length + length - shift


def _choice(chosen: str) -> Markup:
    links = [
        element(
            "a",
            told,
            href=address(FIGURES, span=name),
            aria_current="true" if name == chosen else None,
        )
        for name, told in (*((n, s.told) for n, s in _SPANS.items()), (_ALL, "All"))
    ]
    return element("nav", *links, class_="choice", aria_label="Stretch of time")


def _charts(figures: Figures, viewer: Viewer) -> Iterator[Chart]:
    buckets = figures.buckets
    labels = [_label(bucket.start_ns, figures.length_ns, viewer.zone) for bucket in buckets]
    yield _turns(buckets, labels)
    yield _latency(buckets, labels)
    yield _tokens(buckets, labels)
    if viewer.prices is not None:
        yield _cost(buckets, labels, viewer.prices)
    yield _tools(buckets, labels)
    yield _ratings(buckets, labels)


def _label(at_ns: int, length_ns: int, zone: dt.tzinfo | None) -> str:
    local = moment(at_ns, zone=zone)
    if local is None:
        return ""
    day = f"{local.day} {local:%b}"
    return day if length_ns >= _DAY else f"{day} {local:%H:%M}"


def _turns(buckets: Sequence[Bucket], labels: Sequence[str]) -> Chart:
    turns, failed = sum(b.turns for b in buckets), sum(b.failed for b in buckets)
    summary = f"{counted(turns, 'turn')}, {failed:,} failed{_part(failed, turns)}"
    fine = Series("ended well", [b.turns - b.failed - b.unfinished for b in buckets])
    wrong = Series("failed", [b.failed for b in buckets])
    other = Series("left, waiting or under way", [b.unfinished for b in buckets])
    return Chart("Turns", summary, labels, [fine, wrong, other])


def _latency(buckets: Sequence[Bucket], labels: Sequence[str]) -> Chart:
    ordered = sorted(took for bucket in buckets for took in bucket.durations_ns)
    told = [f"{name} {duration(percentile(ordered, part))}" for name, part in _PERCENTILES]
    summary = ", ".join(told) if ordered else "No turn ended in this time."
    series = [
        Series(name, [_seconds(b.percentile_ns(part)) for b in buckets])
        for name, part in _PERCENTILES
    ]
    return Chart("Time a turn takes", summary, labels, series, _in_seconds, is_stacked=False)


def _tokens(buckets: Sequence[Bucket], labels: Sequence[str]) -> Chart:
    taken, given = sum(b.input_tokens for b in buckets), sum(b.output_tokens for b in buckets)
    summary = f"{taken:,} in, {given:,} out"
    series = [
        Series("in", [b.input_tokens for b in buckets]),
        Series("out", [b.output_tokens for b in buckets]),
    ]
    return Chart("Tokens", summary, labels, series, _short)


def _cost(buckets: Sequence[Bucket], labels: Sequence[str], prices: Prices) -> Chart:
    costs = [_cost_of(bucket, prices) for bucket in buckets]
    unknown = sorted({m for b in buckets for m in b.tokens if prices.cost_of(m, 0, 0) is None})
    summary = f"{sum(costs):,.2f} together"
    if unknown:
        summary += f"; without {', '.join(name or 'unnamed models' for name in unknown)}"
    return Chart("Cost", summary, labels, [Series("cost", costs)], _money)


def _cost_of(bucket: Bucket, prices: Prices) -> float:
    return sum(
        prices.cost_of(model, usage.input_tokens or 0, usage.output_tokens or 0) or 0
        for model, usage in bucket.tokens.items()
    )


def _tools(buckets: Sequence[Bucket], labels: Sequence[str]) -> Chart:
    calls, failures = sum(b.tool_calls for b in buckets), sum(b.tool_failures for b in buckets)
    summary = f"{counted(calls, 'tool call')}, {failures:,} failed{_part(failures, calls)}"
    fine = Series("came back", [b.tool_calls - b.tool_failures for b in buckets])
    wrong = Series("failed", [b.tool_failures for b in buckets])
    return Chart("Tools", summary, labels, [fine, wrong])


def _ratings(buckets: Sequence[Bucket], labels: Sequence[str]) -> Chart:
    liked, disliked = sum(b.liked for b in buckets), sum(b.disliked for b in buckets)
    summary = f"{liked:,} good, {disliked:,} bad{_part(disliked, liked + disliked)}"
    series = [
        Series("good", [b.liked for b in buckets]),
        Series("bad", [b.disliked for b in buckets]),
    ]
    return Chart("Ratings", summary, labels, series)


def _part(number: int, whole: int) -> str:
    return f" ({100 * number / whole:.1f} %)" if whole and number else ""


def _seconds(length_ns: int | None) -> float | None:
    return None if length_ns is None else length_ns / _SECOND


def _in_seconds(value: float) -> str:
    return duration(round(value * _SECOND))


def _money(value: float) -> str:
    return f"{value:,.2f}"


def _short(value: float) -> str:
    for unit, name in ((_THOUSAND**3, "G"), (_THOUSAND**2, "M"), (_THOUSAND, "k")):
        if value >= unit:
            return f"{value / unit:,.3g}{name}"
    return f"{value:,.0f}"


_PERCENTILES: Final = (("half within", 0.5), ("95 % within", 0.95), ("99 % within", 0.99))
