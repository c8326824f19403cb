"""The page of a report: one file, no script, nothing fetched, and every text in it escaped."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from resumable.models import Counter, Event, JobState, label
from resumable.monitor.coverage import MEANINGS, Day, Mark, days
from resumable.report.calendar import calendar
from resumable.report.charts import Chart, charts
from resumable.report.facts import Facts
from resumable.report.html import Html, joined, tag, void
from resumable.report.style import STYLE
from resumable.text import amount, length, reach, selection, size, span

LISTED = 100
"""Rows of a table; how many more there are is said."""

RECEIPT_SHOWN = 20_000
"""Characters of the receipt as it is."""


def page(facts: Facts) -> str:
    """Return the whole page. Raises UsageError where what draws the charts is not installed."""
    laid_out = days(facts.cells, facts.status.job.spec.query.zone)
    body = joined(
        _head(facts),
        _tiles(facts),
        _coverage(facts, laid_out),
        _charts(charts(facts, laid_out), facts),
        _missing(facts),
        _retakes(facts),
        _drift(facts),
        _history(facts),
        _receipt(facts),
        _foot(facts),
    )
    return f"<!doctype html>\n{_document(facts.status.job.name, body).markup}\n"


def _document(name: str, body: Html) -> Html:
    # A style that is not this very text, a script, an image, a form, a frame or a request: none of them is allowed.
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=policy),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="referrer", content="no-referrer"),
        tag("title", f"{name} - resumable"),
        Html(f"<style>{STYLE}</style>"),
    )
    return tag("html", head, tag("body", body), lang="en")


def _head(facts: Facts) -> Html:
    status, spec = facts.status, facts.status.job.spec
    chosen = "; ".join(selection(spec.query)) or "everything the client may see"
    return tag(
        "header",
        tag("h1", status.job.name, " ", tag("span", status.state.value, class_=f"state {status.state.value}")),
        tag("p", f"{spec.dataset}, {reach(spec.interval, spec.query.zone or 'UTC')}, windows of {length(spec.window)}"),
        tag("p", chosen, class_="muted"),
    )


def _tiles(facts: Facts) -> Html:
    totals, counters, job = facts.status.totals, facts.status.counters, facts.status.job
    requests = counters[Counter.REQUESTS]
    known = [
        ("records", f"{totals.records:,}", False),
        (f"of {totals.pages_known:,} known pages", f"{totals.pages_done:,}", False),
        (f"of {amount(totals.windows, 'window')} complete", f"{totals.windows_done:,}", False),
        ("in Parquet", size(totals.bytes), False),
        ("requests", f"{requests:,}", False),
        ("retries", f"{counters[Counter.RETRIES]:,}", False),
        ("answers with 429", f"{counters[Counter.RATE_LIMITED]:,}", False),
        ("tokens asked for", f"{counters[Counter.TOKEN_REFRESHES]:,}", False),
        ("windows downloaded again", f"{facts.taken_again:,}", False),
        ("pages quarantined", f"{totals.pages_quarantined:,}", totals.pages_quarantined > 0),
    ]
    if facts.minutes:
        known.append(("at work", span(facts.minutes * 60), False))
    if facts.latencies.total:
        known.append(("for half of the answers", _seconds(facts.latencies.quantile(0.5)), False))
    if job.completed_at:
        known.append(("completed, UTC", f"{job.completed_at:%Y-%m-%d %H:%M}", False))
    tiles = (
        tag("div", tag("b", figure), tag("span", what), class_="tile bad" if bad else "tile")
        for what, figure, bad in known
    )
    return tag("div", *tiles, class_="tiles")


def _coverage(facts: Facts, laid_out: Sequence[Day]) -> Html:
    legend = (
        tag("li", _swatch(mark.value), f"{facts.marks[mark]:,} {mark.value}", title=MEANINGS[mark])
        for mark in reversed(Mark)
        if facts.marks[mark]
    )
    return tag(
        "section",
        tag("h2", "Coverage"),
        tag("ul", *legend, class_="legend"),
        calendar(laid_out),
    )


def _charts(drawn: Iterable[Chart], facts: Facts) -> Html:
    shown = [
        tag(
            "div",
            tag("h3", chart.title),
            tag("p", chart.note, class_="muted"),
            tag("ul", *(tag("li", _swatch(colour), meaning) for colour, meaning in chart.legend), class_="legend"),
            chart.drawn,
            class_="chart",
        )
        for chart in drawn
    ]
    none = "Nothing was kept of how it went: an older version ran it, or it has not been run."
    missing = None if facts.points else tag("p", none, class_="muted")
    return tag("section", tag("h2", "How it went"), missing, tag("div", *shown, class_="charts"))


def _missing(facts: Facts) -> Html | None:
    pages = facts.quarantined
    if not pages:
        return None
    rows = ((label(page.window), f"page {page.number:,}", page.reason) for page in pages[:LISTED])
    return tag(
        "section",
        tag("h2", f"Quarantined: {amount(facts.status.totals.pages_quarantined, 'page')}"),
        tag("p", "Given up on for now; tried again by: ", tag("code", f"resumable resume {facts.status.job.name}")),
        _table(("window", "page", "reason"), rows),
        _more(facts, facts.status.totals.pages_quarantined - LISTED),
    )


def _retakes(facts: Facts) -> Html | None:
    if not facts.retakes:
        return None
    return tag(
        "section",
        tag("h2", "Windows downloaded again"),
        tag("p", "The source had changed while they were read, or did not agree with itself.", class_="muted"),
        _events(facts.retakes[-LISTED:]),
        _more(facts, len(facts.retakes) - LISTED, "earlier ones"),
    )


def _drift(facts: Facts) -> Html | None:
    drift = facts.status.drift
    if not drift:
        return None
    rows = ((path, f"{count:,}") for path, count in list(drift.items())[:LISTED])
    return tag(
        "section",
        tag("h2", "What the schema has no place for"),
        tag("p", "Nothing of it is lost: it is in the column ", tag("code", "_unmapped"), ", whole.", class_="muted"),
        _table(("path", "times"), rows, numbers=frozenset({1}), stacked=False),
    )


def _history(facts: Facts) -> Html | None:
    events = facts.history
    if not events:
        return None
    counts = ", ".join(f"{count:,} {kind.value}" for kind, count in facts.kinds.most_common())
    return tag(
        "section",
        tag("h2", "What happened"),
        tag("p", f"Kept in the manifest: {counts}.", class_="muted"),
        _events(events[-LISTED:]),
        _more(facts, len(events) - LISTED, "earlier ones"),
    )


def _receipt(facts: Facts) -> Html:
    receipt = facts.status.receipt
    if receipt is None:
        todo = (
            "The job is complete, and its receipt cannot be read."
            if facts.status.state is JobState.COMPLETE
            else "There is none before the job is complete."
        )
        return tag("section", tag("h2", "Receipt"), tag("p", todo, class_="muted"))
    known = {name: value for name, value in receipt.items() if name != "windows"}
    rows = ((name, _shown(value)) for name, value in known.items())
    listed, count = receipt.get("windows"), ""
    if isinstance(listed, list):
        count = f"It names {amount(len(listed), 'window')}, each with what was served and what is stored; "
    return tag(
        "section",
        tag("h2", "Receipt"),
        tag("p", f"{count}the file is receipt.json in the job's folder.", class_="muted"),
        _table(("fact", "value"), rows),
    )


def _foot(facts: Facts) -> Html:
    return tag("footer", f"Made by resumable at {facts.read_at:%Y-%m-%d %H:%M:%S} UTC. All times and days are UTC.")


def _events(events: Iterable[Event]) -> Html:
    rows = ((f"{event.at:%Y-%m-%d %H:%M:%S}", event.kind.value, event.text) for event in events)
    return _table(("when", "what", ""), rows, when=True)


def _table(
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: frozenset[int] = frozenset(),
    when: bool = False,
    stacked: bool = True,
) -> Html:
    def kind(column: int) -> str | None:
        return "number" if column in numbers else "when" if when and column == 0 else None

    head = tag("tr", *(tag("th", name, class_=kind(n)) for n, name in enumerate(names)))
    body = (tag("tr", *(tag("td", cell, class_=kind(n)) for n, cell in enumerate(row))) for row in rows)
    return tag("table", tag("thead", head), tag("tbody", *body), class_="stacked tight" if stacked else None)


def _more(facts: Facts, count: int, what: str = "more") -> Html | None:
    see = f"resumable status {facts.status.job.name} --json"
    return tag("p", f"and {count:,} {what}: see {see}", class_="muted") if count > 0 else None


def _swatch(name: str) -> Html:
    return tag("svg", tag("rect", width="12", height="12", rx="3", class_=f"k-{name}"), aria_hidden="true")


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever a receipt holds
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return json.dumps(value, ensure_ascii=False)[:RECEIPT_SHOWN]
