"""The charts of a report, drawn by Vega-Lite as SVG: no script, nothing to fetch, colours that follow the page.

Chosen by measuring one chart of 480 points: vl-convert 34 KB of SVG without a style or a script; pygal 152 KB with a
style and a script; Bokeh 1.3 MB and Plotly 4.8 MB, which draw only where scripts may run; Matplotlib 18 KB, with styles
in its attributes, which the page's policy forbids, and colours that cannot follow the reader's.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from resumable.errors import LibraryMissing
from resumable.models import iso
from resumable.monitor.coverage import Day
from resumable.report.facts import Facts, Point
from resumable.report.html import Html, joined, tag

WIDE, NARROW = 520, 300
"""Pixels that a chart's field is across: each is drawn twice, so that its letters are as large on a phone."""

HEIGHT = 190

DAYS_MOST = 200
"""Bars of records a day; more days are added up by several."""

Value = dict[str, Any]

_LINE: Value = {"type": "line", "interpolate": "step-after", "strokeWidth": 2}

DAY_LABELS, MONTH_LABELS = "%-d %b", "%b %Y"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart: its title, what its colours mean, what to know of it, and the drawing in two widths."""

    title: str
    legend: tuple[tuple[str, str], ...]
    """(colour, meaning); a colour is the name of a CSS variable."""
    note: str
    drawn: Html


def charts(facts: Facts, days: Sequence[Day]) -> list[Chart]:
    """Draw what there is something to draw of. Raises LibraryMissing where what draws is not installed."""
    drawn = [_records(days)] if any(cell.records for day in days for cell in day.cells) else []
    if facts.points:
        axis = _Axis(facts)
        drawn += [_pace(facts, axis), _latency(facts, axis)]
        if any(point.retries or point.rate_limited or point.tokens for point in facts.points):
            drawn.append(_trouble(facts, axis))
    return drawn


class _Axis:
    """The axis of time: the clock's, or the time at work where the job rested for most of it."""

    def __init__(self, facts: Facts) -> None:
        self._sparse = facts.sparse
        self._hours = facts.minutes >= 180
        self._rests = facts.rests
        first, last = facts.points[0].at, facts.points[-1].at + timedelta(minutes=facts.points[-1].minutes)
        long = last - first
        self._labels = _clock_labels(long)
        self._ticks = _ticks(first, last, timedelta(minutes=1))
        self._domain = [_ms(first), _ms(last)]
        when = f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} .. {last:%Y-%m-%d}"
        rests = "; dashed: a longer rest" if facts.rests else ""
        self.note = f"{when}, {f'time at work{rests}' if facts.sparse else 'UTC'}"

    def values(self, points: Sequence[Point], facts_of: Callable[[Point], Value]) -> list[Value]:
        """Return a datum for each point; where nothing follows it at once, its end and then nothing, to break lines."""
        found: list[Value] = []
        for point, following in itertools.zip_longest(points, points[1:]):
            length = timedelta(minutes=point.minutes)
            begin, end = self._at(point.at, point.worked), self._at(point.at + length, point.worked + length)
            known = facts_of(point)
            found.append({"t": begin, "e": end, **known})
            if following is None or following.at > point.at + length:
                found += [{"t": end, "e": end, **known}, {"t": end, "e": end, **dict.fromkeys(known)}]
        return found

    def encoding(self) -> Value:
        """Return how the axis is drawn."""
        kind = "quantitative" if self._sparse else "temporal"
        axis: Value = {"grid": False, "labelOverlap": True, "labelFlush": True, "title": None, "tickCount": 5}
        scale: Value = {"nice": False, "zero": False} if self._sparse else {"type": "utc", "domain": self._domain}
        if self._sparse:
            axis["labelExpr"] = f"datum.label + ' {'h' if self._hours else 'min'}'"
        else:
            axis |= {"format": self._labels, **self._ticks}
        return {"field": "t", "type": kind, "axis": axis, "scale": scale}

    def rests(self) -> list[Value]:
        """Return a layer of dashed lines where a rest was left out."""
        if not (self._sparse and self._rests):
            return []
        lines = [{"t": self._at(datetime.min.replace(tzinfo=UTC), worked)} for worked in self._rests[:60]]
        mark = {"type": "rule", "color": "var(--faint)", "strokeDash": [2, 3]}
        return [{"data": {"values": lines}, "mark": mark, "encoding": {"x": self.encoding()}}]

    def _at(self, at: datetime, worked: timedelta) -> str | float:
        if self._sparse:
            return round(worked / timedelta(minutes=60 if self._hours else 1), 3)
        return iso(at)


def _clock_labels(long: timedelta) -> str:
    """Return how the ticks of a stretch of time are written: the day only where there are several."""
    if long <= timedelta(days=1):
        return "%H:%M"
    return "%-d %b %H:%M" if long <= timedelta(days=4) else DAY_LABELS


def _pace(facts: Facts, axis: _Axis) -> Chart:
    values = axis.values(
        facts.points, lambda point: {"pages": round(point.pages, 1) or None, "allowed": round(point.allowed, 1) or None}
    )
    x, y = axis.encoding(), _y()
    area = _bar("pages")
    cap = {**_LINE, "color": "var(--cap)"}
    layers = [
        *axis.rests(),
        {"mark": area, "encoding": {"x": x, "x2": {"field": "e"}, "y": y("pages"), "y2": {"datum": 0}}},
        {"mark": cap, "encoding": {"x": x, "y": y("allowed")}},
    ]
    return Chart(
        title="Pages a minute",
        legend=(("pages", "pages recorded"), ("cap", "requests that were allowed")),
        note=axis.note,
        drawn=_drawn("Pages recorded a minute, against the requests a minute that were allowed", values, layers),
    )


def _latency(facts: Facts, axis: _Axis) -> Chart:
    names = ("p50", "p90", "p99")

    def facts_of(point: Point) -> Value:
        return {name: None if q is None else round(q, 3) for name, q in zip(names, point.quantiles, strict=True)}

    values = axis.values(facts.points, facts_of)
    x, y = axis.encoding(), _y()
    layers = [
        *axis.rests(),
        *(
            {"mark": {**_LINE, "color": f"var(--{name})"}, "encoding": {"x": x, "y": y(name)}}
            for name in reversed(names)
        ),
    ]
    return Chart(
        title="How long answers took",
        legend=(("p50", "half came within"), ("p90", "9 of 10"), ("p99", "99 of 100")),
        note=f"seconds; {axis.note}",
        drawn=_drawn("Seconds within which half, 9 of 10 and 99 of 100 answers came", values, layers),
    )


def _trouble(facts: Facts, axis: _Axis) -> Chart:
    values = axis.values(
        facts.points,
        lambda point: {
            # Nothing is no bar, not a bar of no height with a stroke around it.
            "limited": round(point.rate_limited, 2) or None,
            "retries": round(max(point.retries, point.rate_limited), 2) or None,
            "tokens": 0 if point.tokens else None,
        },
    )
    x, y = axis.encoding(), _y(least=1.0)
    token = {"type": "point", "shape": "diamond", "filled": True, "size": 70, "opacity": 1, "color": "var(--tokens)"}
    layers = [
        *axis.rests(),
        *(
            {"mark": _bar(name), "encoding": {"x": x, "x2": {"field": "e"}, "y": y(name), "y2": {"datum": 0}}}
            for name in ("retries", "limited")
        ),
        {
            "mark": token,
            "transform": [{"filter": "isValid(datum.tokens) && datum.t != datum.e"}],
            "encoding": {"x": x, "y": y("tokens")},
        },
    ]
    return Chart(
        title="Retries, 429s and new tokens",
        legend=(("retries", "asked again, a minute"), ("limited", "of those, after a 429"), ("tokens", "a new token")),
        note=axis.note,
        drawn=_drawn("Retries and refusals with status 429 a minute, and when a new token came", values, layers),
    )


def _records(days: Sequence[Day]) -> Chart:
    each = max(1, -(-len(days) // DAYS_MOST))
    values = []
    for n in range(0, len(days), each):
        some = days[n : n + each]
        begin = datetime.combine(some[0].date, datetime.min.time(), tzinfo=UTC)
        end = datetime.combine(some[-1].date, datetime.min.time(), tzinfo=UTC) + timedelta(days=1)
        # A window of several days is in each of them: its records are shared out.
        records = sum(cell.records / max(1.0, cell.window.length / timedelta(days=1)) for d in some for cell in d.cells)
        values.append({"t": iso(begin), "e": iso(end), "records": round(records / len(some)) or None})
    axis: Value = {"grid": False, "labelOverlap": True, "labelFlush": True, "title": None, "tickCount": 5}
    axis |= {"format": DAY_LABELS if len(days) <= 62 else MONTH_LABELS}
    first, last = (datetime.combine(day.date, datetime.min.time(), tzinfo=UTC) for day in (days[0], days[-1]))
    axis |= _ticks(first, last + timedelta(days=1), timedelta(days=1))
    domain = [_ms(first), _ms(last + timedelta(days=1))]
    x = {"field": "t", "type": "temporal", "axis": axis, "scale": {"type": "utc", "domain": domain}}
    mark = _bar("records") if len(values) > 60 else {"type": "bar", "color": "var(--records)", "binSpacing": 1}
    encoding = {"x": x, "x2": {"field": "e"}, "y": _y()("records"), "y2": {"datum": 0}}
    what = "Records a day" if each == 1 else f"Records a day, mean of {each} days"
    return Chart(
        title="Records a day",
        legend=(("records", "records stored"),),
        note="day of the window, UTC" if each == 1 else f"mean of {each} days, UTC",
        drawn=_drawn(what, values, [{"mark": mark, "encoding": encoding}]),
    )


def _ticks(first: datetime, last: datetime, each: timedelta) -> Value:
    """Return where the ticks of a short axis are, so that no two of them bear the same label; longer ones do alone."""
    count = (last - first) // each
    return {"values": [_ms(first + n * each) for n in range(count + 1)]} if count <= 5 else {}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _bar(name: str) -> Value:
    # The stroke closes the hairlines between bars that touch.
    colour = f"var(--{name})"
    return {"type": "bar", "color": colour, "stroke": colour, "strokeWidth": 0.6, "binSpacing": 0}


def _y(*, least: float | None = None) -> Callable[[str], Value]:
    written = "format(datum.value, datum.value >= 1000 ? '~s' : '~g')"
    axis = {"title": None, "tickCount": 4, "labelFlush": False, "labelExpr": written}
    # The axis reaches up to `least`, where the values do not: else there would be none of height where all are 0.
    scale: Value = {"zero": True} if least is None else {"domain": {"unionWith": [0, least]}}
    return lambda field: {"field": field, "type": "quantitative", "axis": axis, "scale": scale}


def _drawn(what: str, values: list[Value], layers: list[Value]) -> Html:
    """Draw in two widths, of which a style sheet shows one."""
    sizes = (("wide", WIDE), ("narrow", NARROW))
    return joined(
        *(
            tag("div", _svg(values, layers, width), class_=f"drawn {name}", role="img", aria_label=what)
            for name, width in sizes
        )
    )


def _svg(values: list[Value], layers: list[Value], width: int) -> Html:
    try:
        import vl_convert
    except ImportError:
        raise LibraryMissing("a report with charts", "vl-convert-python") from None
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": HEIGHT,
        "background": None,
        "data": {"values": values},
        "layer": layers,
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelColor": "var(--muted)",
                "labelFontSize": 12,
                "gridColor": "var(--grid)",
                "domainColor": "var(--faint)",
                "tickColor": "var(--faint)",
            },
        },
    }
    # Made of numbers and of names of ours alone.
    return Html(vl_convert.vegalite_to_svg(spec))
