"""Shows a run while it goes: redrawn lines on a terminal, one plain line now and then elsewhere."""

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from resumable.clock import Clock
from resumable.errors import ResumableError
from resumable.manifest.expected import expected
from resumable.models import Counter, Event, EventKind
from resumable.text import amount, length, safe, span

if TYPE_CHECKING:
    from resumable.engine.context import LiveRun
    from resumable.manifest.rows import JobRow, Totals

RATE_OVER_SECONDS = 60.0
"""The pages a minute are those of the last minute."""

RATE_NEEDS_SECONDS = 3.0
"""Before that, a rate says more about the start than about the run."""

QUIET_SECONDS = 3.0
"""When no page has come for so long, the display says what the run is waiting for."""

REDRAW_SECONDS = 0.5

NEWS = frozenset(
    {
        EventKind.QUARANTINED,
        EventKind.RETAKE,
        EventKind.SPLIT,
        EventKind.WARNING,
        EventKind.ADOPTED,
        EventKind.REMOVED,
        EventKind.SETTLED,
        EventKind.OUTAGE,
        EventKind.PAGE_SIZE,
    }
)
"""Events that are worth a line of their own."""

WAITS = frozenset({EventKind.RATE_LIMITED, EventKind.RETRY, EventKind.CLOSING})


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is shown of a run at one moment."""

    totals: "Totals"
    expected: int | None
    """Pages of all windows; None until some window has named its count."""
    sure: bool
    """Whether every window has named its count."""
    per_minute: float | None
    allowed: float
    workers: int
    rate_limited: int
    retries: int
    token_seconds: float | None
    left_seconds: float | None
    elapsed_seconds: float
    at: str
    waiting: str
    news: tuple[str, ...]
    outage_since: datetime | None = None
    """Since when the source has answered nobody: then nothing can be said of the time left."""

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        totals = self.totals
        if self.expected:
            return min(1.0, totals.pages_done / self.expected)
        return totals.windows_done / totals.windows if totals.windows else 1.0

    @property
    def percent(self) -> str:
        """The same in percent; 100 only when it is all."""
        return f"{min(int(self.share * 100), 100)} %"

    @property
    def pages(self) -> str:
        """Pages done of those known, or of about so many."""
        of = "?" if self.expected is None else f"{'' if self.sure else '~'}{self.expected:,}"
        return f"{self.totals.pages_done:,} / {of}"

    @property
    def rate(self) -> str:
        """Pages a minute against what is allowed."""
        return f"{'-' if self.per_minute is None else format(self.per_minute, ',.0f')} / {self.allowed:,.0f} a minute"

    @property
    def token(self) -> str:
        """How long the token lives on."""
        if self.token_seconds is None:
            return "token -"
        if self.token_seconds >= 7200:
            return f"token {span(self.token_seconds)}"
        minutes = self.token_seconds / 60
        return f"token {minutes:.0f} min" if minutes >= 2 else f"token {self.token_seconds:.0f} s"


class MeasuredPace:
    """Pages a minute, over the last minute, from looks at how many are done."""

    def __init__(self, now: float, done: int) -> None:
        """Counts from this many pages on."""
        self._samples = collections.deque([(now, done)])
        self.last_page = now
        """When a look last found more pages than the one before."""

    def at(self, now: float, done: int) -> float | None:
        """Return the rate at a moment of the monotonic clock; None while it would say more about the start."""
        if done > self._samples[-1][1]:
            self.last_page = now
        self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] <= now - RATE_OVER_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        return max(0, done - before) / (now - since) * 60 if now - since >= RATE_NEEDS_SECONDS else None


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The line that says which job is run, and what was done of it before."""

    job: str
    text: str

    def __str__(self) -> str:
        return f"{self.job}  {self.text}"


class Meter:
    """Looks at a run now and then, and makes figures of it."""

    def __init__(self, live: "LiveRun", clock: Clock, news: frozenset[EventKind] = NEWS) -> None:
        """Counts from how things stand now."""
        self._kinds = news
        self._live = live
        self._clock = clock
        self._before = live.counters()
        self.first = live.totals()
        self._seen: Event | None = next(iter(live.manifest.events(1)), None)
        self._started = clock.monotonic()
        self._pace = MeasuredPace(self._started, self.first.pages_done)

    def headline(self) -> Headline:
        """Say which job it is and what was done before."""
        job, totals = self._live.manifest.job(), self.first
        windows = f"{amount(totals.windows, 'window')} of {length(job.spec.window)}"
        if not totals.pages_done and not totals.windows_done:
            return Headline(job=job.name, text=windows)
        done = f"{amount(totals.pages_done, 'page')} done"
        again = f", {totals.pages_quarantined:,} quarantined" if totals.pages_quarantined else ""
        return Headline(job=job.name, text=f"{windows} · resuming: {done}{again}")

    def look(self) -> Figures:
        """Read the manifest and return what is to be shown."""
        live, totals, counters = self._live, self._live.totals(), self._live.counters()
        now = self._clock.monotonic()
        known = expected(live.manifest, totals)
        per_minute = self._pace.at(now, totals.pages_done)
        left = None
        if per_minute and known.pages is not None:
            left = (known.pages - totals.pages_done) / per_minute * 60
        news, last = self._news()
        job = live.manifest.job()
        quiet = now - self._pace.last_page >= QUIET_SECONDS and last is not None and last.kind in WAITS
        return Figures(
            totals=totals,
            expected=known.pages,
            sure=known.sure,
            per_minute=per_minute,
            allowed=live.pacer.per_minute,
            workers=live.concurrency.size,
            rate_limited=counters[Counter.RATE_LIMITED] - self._before[Counter.RATE_LIMITED],
            retries=counters[Counter.RETRIES] - self._before[Counter.RETRIES],
            token_seconds=live.tokens.life_left_seconds(),
            left_seconds=None if job.outage_since else left,
            elapsed_seconds=now - self._started,
            at=known.at,
            waiting=_waiting(job) or (event_line(last) if quiet and last is not None else ""),
            news=news,
            outage_since=job.outage_since,
        )

    def _news(self) -> tuple[tuple[str, ...], Event | None]:
        events = self._live.manifest.events(100)
        fresh = events[events.index(self._seen) + 1 :] if self._seen in events else events
        last = events[-1] if events else None
        self._seen = last
        return tuple(event_line(event) for event in fresh if event.kind in self._kinds), last


def _waiting(job: "JobRow") -> str:
    """Say why everybody waits, and that this is what the time left depends on; nothing where nobody does."""
    if job.outage_since is None:
        return ""
    return safe(f"time left unknown: no answer since {job.outage_since:%H:%M:%S} UTC ({job.outage_why})")


class ProgressView(Protocol):
    """Where progress goes."""

    def begin(self, headline: Headline) -> None:
        """Begin, with the line that says which job it is."""

    def show(self, figures: Figures) -> None:
        """Show the figures."""

    def say(self, text: str) -> None:
        """Say something beside them."""

    def end(self) -> None:
        """Give the terminal back."""


class Plain:
    """Lines for a log: the same facts, no control characters."""

    def __init__(self, tell: Callable[[str], None], clock: Clock) -> None:
        """`tell` writes one line."""
        self._tell = tell
        self._clock = clock
        self._name = ""

    def begin(self, headline: Headline) -> None:
        """Write the headline."""
        self._name = headline.job
        self.say(str(headline))

    def show(self, figures: Figures) -> None:
        """Write one line, after one for each piece of news."""
        for text in figures.news:
            self.say(f"! {text}")
        if not self._name:
            return
        totals = figures.totals
        facts = [
            f"{figures.percent}, {figures.pages} pages, {totals.windows_done:,} / {totals.windows:,} windows",
            amount(totals.records, "record"),
            f"{figures.rate}, 429s {figures.rate_limited}, retries {figures.retries}, {figures.token}",
            f"left {span(figures.left_seconds)}" if figures.at and figures.left_seconds is not None else "",
            f"at {figures.at}" if figures.at else f"took {span(figures.elapsed_seconds)}",
            figures.waiting,
        ]
        self.say(f"{self._name}  {', '.join(fact for fact in facts if fact)}")

    def say(self, text: str) -> None:
        """Write a line with its time."""
        self._tell(f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ} {safe(text)}")

    def end(self) -> None:
        """Nothing was taken that had to be given back."""


class Both:
    """Two places where progress goes."""

    def __init__(self, first: ProgressView, second: ProgressView) -> None:
        """The first is for people, and says what the second need not keep."""
        self._first = first
        self._second = second

    def begin(self, headline: Headline) -> None:
        """Begin in both."""
        self._first.begin(headline)
        self._second.begin(headline)

    def show(self, figures: Figures) -> None:
        """Show the figures in both."""
        self._first.show(figures)
        self._second.show(figures)

    def say(self, text: str) -> None:
        """Say something in both."""
        self._first.say(text)
        self._second.say(text)

    def end(self) -> None:
        """End both."""
        self._first.end()
        self._second.end()


class Progress:
    """The watcher of a run; `watch` is handed to it."""

    def __init__(
        self, sink: ProgressView, clock: Clock, *, every_seconds: float, news: frozenset[EventKind] = NEWS
    ) -> None:
        """Shows anew every so many seconds; `news` are the events that get a line of their own."""
        self._news = news
        self._sink = sink
        self._clock = clock
        self._every = every_seconds
        self._condition = threading.Condition()
        self._over = False
        self.live: LiveRun | None = None
        """The run while it goes."""

    def say(self, text: str) -> None:
        """Say something to the people who watch."""
        self._sink.say(text)

    @contextlib.contextmanager
    def watch(self, live: "LiveRun") -> Iterator[None]:
        """Show a run from here on until this is left."""
        meter = Meter(live, self._clock, self._news)
        self._sink.begin(meter.headline())
        thread = threading.Thread(target=self._go_on, args=(meter,), name="progress", daemon=True)
        self.live = live
        thread.start()
        try:
            yield
        finally:
            with self._condition:
                self._over = True
                self._condition.notify_all()
            thread.join()
            self.live = None
            self._sink.end()

    def _go_on(self, meter: Meter) -> None:
        with self._condition:
            while not self._over:
                self._clock.wait(self._condition, self._every)
                try:
                    self._sink.show(meter.look())
                except ResumableError:
                    return  # a manifest that cannot be read ends the run, which says so itself


def event_line(event: Event) -> str:
    """Write an event on one line; what names itself is not named twice."""
    named = "" if event.kind in (EventKind.QUARANTINED, EventKind.WARNING) else f"{event.kind.value}: "
    return safe(named + event.text).replace("\n", " ")
