"""Charts as SVG, drawn here: stacked bars and lines, each with its numbers in a table behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.render.page.markup import Markup, element, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WIDE, _HIGH = 440, 170
_LONE: Final = 5
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 6, 10, 22
_INNER_WIDE: Final = _WIDE - _LEFT - _RIGHT
_INNER_HIGH: Final = _HIGH - _TOP - _BOTTOM
_BASE: Final = _TOP + _INNER_HIGH
_GAP: Final = 0.18
_LABELS: Final = 4
_STEPS: Final = (1, 2, 2.5, 5, 10)
_LINES: Final = 3


class Series(NamedTuple):
    """One quantity over time; None where there is nothing to tell."""

    name: str
    values: Sequence[float | None]


class Chart(NamedTuple):
    """What a chart shows.

    Attributes:
        title: What it is about.
        summary: The whole of it in a sentence.
        labels: What each place on the time axis is called.
        series: The quantities, the lowest first.
        told: Writes a value.
        is_stacked: Whether the quantities add up, drawn as bars; else as lines.
    """

    title: str
    summary: str
    labels: Sequence[str]
    series: Sequence[Series]
    told: Callable[[float], str] = lambda value: f"{value:,.0f}"
    is_stacked: bool = True


def chart_block(chart: Chart) -> Markup:
    """Draw a chart: its title, a sentence, the picture, a legend, and a table for who sees none."""
    head = element(
        "figcaption",
        element("h2", chart.title),
        element("p", chart.summary, class_="sum"),
    )
    return element("figure", head, _legend(chart), _picture(chart), _table(chart), class_="chart")


def _legend(chart: Chart) -> Markup:
    square = "M0 0h10v10h-10z"
    entries = [
        element(
            "li",
            element(
                "svg",
                element("path", d=square, class_=f"s{number}"),
                viewBox="0 0 10 10",
                aria_hidden="true",
            ),
            series.name,
        )
        for number, series in enumerate(chart.series)
    ]
    return element("ul", *entries, class_="legend")


def _picture(chart: Chart) -> Markup:
    step = _step(_highest(chart))
    top = step * _LINES
    drawn = _bars(chart, top) if chart.is_stacked else _curves(chart, top)
    return element(
        "svg",
        *(_grid_line(chart, step * number, top) for number in range(_LINES + 1)),
        *_time_labels(chart),
        *drawn,
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        role="img",
        aria_label=f"{chart.title}. {chart.summary}",
    )


def _highest(chart: Chart) -> float:
    columns = zip(*(series.values for series in chart.series), strict=True)
    join = sum if chart.is_stacked else max
    return max((join(value or 0 for value in column) for column in columns), default=0)


def _step(highest: float) -> float:
    """Return the distance between lines: a round number, so that all of it fits below the last."""
    least = max(highest, 1e-9) / _LINES
    power = 1e-9
    while power * 10 <= least:
        power *= 10
    return next((power * step for step in _STEPS if power * step >= least), power * 10)


def _grid_line(chart: Chart, value: float, top: float) -> Markup:
    height = f"{_BASE - _INNER_HIGH * value / top:.1f}"
    line = element("path", d=f"M{_LEFT} {height}H{_WIDE - _RIGHT}", class_="grid")
    text = element("text", chart.told(value), x=f"{_LEFT - 6}", y=height, dy="4", text_anchor="end")
    return joined([line, text])


def _time_labels(chart: Chart) -> list[Markup]:
    count = len(chart.labels)
    every = max(1, -(-count // _LABELS))
    return [
        element(
            "text",
            chart.labels[place],
            x=f"{_x(place, count):.1f}",
            y=f"{_HIGH - 6}",
        )
        for place in range(0, count, every)
    ]


def _x(place: float, count: int) -> float:
    return _LEFT + _INNER_WIDE * place / max(1, count)


def _bars(chart: Chart, top: float) -> list[Markup]:
    count = len(chart.labels)
    wide = _INNER_WIDE / max(1, count) * (1 - _GAP)
    below = [0.0] * count
    paths: list[Markup] = []
    for number, series in enumerate(chart.series):
        pieces: list[str] = []
        for place, value in enumerate(series.values):
            if value:
                foot = _BASE - _INNER_HIGH * below[place] / top
                high = max(0.7, _INNER_HIGH * value / top)
                left = _x(place + _GAP / 2, count)
                pieces.append(f"M{left:.1f} {foot:.1f}v-{high:.1f}h{wide:.1f}v{high:.1f}z")
                below[place] += value
        paths.append(element("path", d="".join(pieces), class_=f"bars s{number}"))
    return paths


def _curves(chart: Chart, top: float) -> list[Markup]:
    count = len(chart.labels)
    paths: list[Markup] = []
    for number, series in enumerate(chart.series):
        pieces: list[str] = []
        around = (None, *series.values, None)
        for place, (before, value, after) in enumerate(
            zip(around, around[1:], around[2:], strict=False)
        ):
            if value is None:
                continue
            x, y = _x(place + 0.5, count), _BASE - _INNER_HIGH * value / top
            if before is None and after is None:  # a lone point, which nobody would see
                pieces.append(f"M{x - _LONE:.1f} {y:.1f}h{2 * _LONE}")
            else:
                pieces.append(f"{'M' if before is None else 'L'}{x:.1f} {y:.1f}")
        paths.append(element("path", d="".join(pieces), class_=f"line s{number}"))
    return paths


def _table(chart: Chart) -> Markup:
    heads = [element("th", name, scope="col") for name in ("", *(s.name for s in chart.series))]
    rows = [
        element(
            "tr",
            element("th", label, scope="row"),
            *(element("td", "" if v is None else chart.told(v)) for v in values),
        )
        for label, *values in zip(
            chart.labels, *(series.values for series in chart.series), strict=True
        )
    ]
    table = element(
        "table",
        element("caption", chart.title, class_="unseen"),
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        tabindex="0",
    )
    return element("details", element("summary", "As a table"), table)
