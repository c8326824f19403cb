"""What `status --watch` draws: lines of a terminal's size, the calendar as large as there is room for it."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rich.text import Text

from resumable.cli.text.views import ROUTINE
from resumable.models import Counter, Event, JobState, label
from resumable.monitor.coverage import Day, Mark
from resumable.monitor.progress import event_line
from resumable.monitor.watch import View
from resumable.text import amount, bar, length, reach, safe, selection, span

BAR_MOST, PULSE_MOST = 40, 40

EVENTS_MOST, EVENTS_LEAST = 8, 2
QUARANTINED_MOST = 4

BLOCK_GAP = 4

SHORT = timedelta(days=21)
"""Of a job up to so long, a line of the calendar is a day and a sign is a window."""

LEVELS = "▁▂▃▄▅▆▇█"

SIGNS = {
    # mark              sign, plain, colour
    Mark.COMPLETE: ("■", "#", "green"),
    Mark.PROVISIONAL: ("▣", "+", "cyan"),
    Mark.OPEN: ("◧", "o", "yellow"),
    Mark.PLANNED: ("·", ".", "dim"),
    Mark.QUARANTINED: ("✗", "x", "bold red"),
}

COLOURS = {
    JobState.COMPLETE: "green",
    JobState.RUNNING: "green",
    JobState.INTERRUPTED: "yellow",
    JobState.INCOMPLETE: "yellow",
}

Piece = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Where it is drawn."""

    width: int
    height: int
    plain: bool
    """Whether only ASCII can be shown."""
    typed: Callable[[str], str] = str
    """Makes of a command what works from where this one was typed."""

    def line(self, *pieces: Piece) -> Text:
        """Return one line that is not longer than the screen is wide."""
        made = Text.assemble(*((_shown(text, plain=self.plain), style) for text, style in pieces if text))
        made.truncate(self.width, overflow="crop" if self.plain else "ellipsis")
        return made


def drawn(view: View, screen: Screen) -> list[Text]:
    """Return the lines, not more than the screen has: figures, calendar, quarantined pages, last events."""
    head = _head(view, screen)
    room = screen.height - len(head)
    events = [event for event in view.status.events if event.kind not in ROUTINE]
    missing = _missing(view, screen)
    foot = [screen.line(("Ctrl-C ends the watching, and nothing else.", "dim"))]
    least = min(len(events), EVENTS_LEAST)
    calendar = _calendar(view, screen, rows=room - len(missing) - least - len(foot) - 4)
    room -= len(calendar) + len(missing) + len(foot)
    shown = min(len(events), EVENTS_MOST, max(0, room - 2))
    news = [_event(event, screen) for event in events[len(events) - shown :]] if shown else []
    sections = [head, calendar, missing, news, foot]
    lines = list(itertools.chain.from_iterable([Text(), *part] for part in sections if part))[1:]
    return lines[: screen.height]


def _head(view: View, screen: Screen) -> list[Text]:
    status, totals, counters = view.status, view.status.totals, view.status.counters
    spec = status.job.spec
    chosen = "".join(f", {text}" for text in selection(spec.query))
    known = view.expected
    of = "?" if known.pages is None else f"{'' if known.sure else '~'}{known.pages:,}"
    tail = f"  {int(view.share * 100)} %  {totals.pages_done:,} / {of}   {amount(totals.records, 'record')}"
    full, rest = bar(view.share, max(8, min(BAR_MOST, screen.width - 10 - len(tail))), plain=screen.plain)
    limited = counters[Counter.RATE_LIMITED]
    rate = "-" if view.per_minute is None else f"{view.per_minute:,.0f}"
    allowed = f" / {view.allowed:,.0f} a minute" if view.allowed else " a minute"
    quarantined = f"   quarantined {totals.pages_quarantined:,}" if totals.pages_quarantined else ""
    return [
        screen.line(
            (status.job.name, "bold"),
            (f"  {status.state.value}", COLOURS.get(status.state, "")),
            (
                f"  {spec.dataset}, {reach(spec.interval, spec.query.zone)}{chosen}, windows of {length(spec.window)}",
                "dim",
            ),
        ),
        screen.line(("pages    ", "dim"), (full, "green"), (rest, "dim"), (tail, "")),
        screen.line(
            ("rate     ", "dim"),
            (f"{rate}{allowed}   ", ""),
            (f"429s {limited:,}", "yellow" if limited else ""),
            (f"   retries {counters[Counter.RETRIES]:,}   tokens {counters[Counter.TOKEN_REFRESHES]:,}", ""),
        ),
        *_pulse(view, screen),
        screen.line(
            ("left     ", "dim"),
            (_left(view, screen), ""),
            (f"   windows {totals.windows_done:,} / {totals.windows:,}", ""),
            (quarantined, "red"),
        ),
    ]


def _left(view: View, screen: Screen) -> str:
    if view.status.state is JobState.COMPLETE:
        return "nothing: all windows are complete"
    if not view.running:
        return f"not running: {screen.typed(f'resumable resume {view.status.job.name}')}"
    return f"{'-' if view.left_seconds is None else span(view.left_seconds)}   now at {view.at}"


def _pulse(view: View, screen: Screen) -> Iterator[Text]:
    """Yield the pages of the last minutes as small bars; a full one is what was allowed."""
    room = min(PULSE_MOST, screen.width - 30)
    if len(view.pages) < 2 or room < 5 or screen.height < 12:
        return
    pages = view.pages[-room:]
    most = max([view.allowed, *(count or 0 for count in pages)]) or 1.0
    levels = ".:-=+*#@" if screen.plain else LEVELS
    bars = "".join(" " if n is None else levels[min(len(levels) - 1, int(n / most * len(levels)))] for n in pages)
    yield screen.line(("         ", ""), (bars, "blue"), (f"  a minute, the last {len(pages)}", "dim"))


def _calendar(view: View, screen: Screen, *, rows: int) -> list[Text]:
    """Return as much of the calendar as has room, around where the job is now, and what its signs mean."""
    if not view.days or rows < 1:
        return []
    long = view.days[-1].date - view.days[0].date
    blocks = _by_day(view.days) if long <= SHORT else _by_month(view.days)
    widest = max(sum(len(text) for text, _ in block) for block in blocks)
    columns = max(1, (screen.width + BLOCK_GAP) // (widest + BLOCK_GAP))
    most = rows * columns
    first, before = 0, ""
    if len(blocks) > most:
        most = max(1, rows - 1) * columns
        front = next((n for n, block in enumerate(blocks) if _unfinished(block)), len(blocks) - 1)
        first = min(max(0, front - most // 2), len(blocks) - most)
        what = "days" if long <= SHORT else "months"
        before = f"{what} {first + 1} to {min(first + most, len(blocks))} of {len(blocks)}"
    shown = blocks[first : first + most]
    high = -(-len(shown) // columns)
    lines = []
    for row in range(high):
        pieces: list[Piece] = []
        for column in range(row, len(shown), high):
            gap = BLOCK_GAP + widest - sum(len(text) for text, _ in shown[column - high]) if column >= high else 0
            pieces += [(" " * gap, ""), *shown[column]]
        lines.append(screen.line(*pieces))
    if before:
        lines.append(screen.line((before, "dim")))
    return [*lines, _legend(view, screen)]


def _by_month(days: Sequence[Day]) -> list[list[Piece]]:
    blocks = []
    for (year, month), some in itertools.groupby(days, lambda day: (day.date.year, day.date.month)):
        there = {day.date.day: day.mark for day in some}
        last = ((date(year, month, 1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)).day
        signs = [_sign(there.get(day)) for day in range(1, last + 1)]
        blocks.append([(f"{year}-{month:02d}  ", "dim"), *_runs([*signs, *[(" ", "")] * (31 - last)])])
    return blocks


def _by_day(days: Sequence[Day]) -> list[list[Piece]]:
    return [[(f"{day.date:%m-%d}  ", "dim"), *_runs([_sign(cell.mark) for cell in day.cells])] for day in days]


def _sign(mark: Mark | None) -> Piece:
    return (" ", "") if mark is None else (SIGNS[mark][0], SIGNS[mark][2])


def _runs(signs: Sequence[Piece]) -> list[Piece]:
    """Put neighbours of one colour together."""
    return [
        ("".join(text for text, _ in some), style) for style, some in itertools.groupby(signs, lambda sign: sign[1])
    ]


def _unfinished(block: Sequence[Piece]) -> bool:
    wanted = {SIGNS[mark][2] for mark in (Mark.OPEN, Mark.PLANNED)}
    return any(style in wanted for _, style in block[1:])


def _legend(view: View, screen: Screen) -> Text:
    pieces: list[Piece] = []
    for mark in reversed(Mark):
        if view.marks[mark]:
            pieces += [_sign(mark), (f" {mark.value} {view.marks[mark]:,}   ", "")]
    return screen.line(*pieces)


def _missing(view: View, screen: Screen) -> list[Text]:
    pages, count = view.quarantined, view.status.totals.pages_quarantined
    most = min(QUARANTINED_MOST, max(0, (screen.height - 12) // 4))
    if not pages or not most:
        return []
    lines = [
        screen.line((f"✗ {label(page.window)} page {page.number:,}  ", "red"), (page.reason, ""))
        for page in pages[:most]
    ]
    more = count - len(lines)
    return [*lines, screen.line((f"  and {more:,} more", "dim"))] if more > 0 else lines


def _event(event: Event, screen: Screen) -> Text:
    return screen.line((f"{event.at:%H:%M:%S}  ", "dim"), (event_line(event), ""))


def _shown(text: str, *, plain: bool) -> str:
    """Return a text of one line that cannot be obeyed, in what the terminal has letters for."""
    text = safe(text).replace("\n", " ")
    if not plain:
        return text
    for sign, other, _ in SIGNS.values():
        text = text.replace(sign, other)
    return text.encode("ascii", "backslashreplace").decode()
