"""Text for people: figures, spans and paragraphs, with nothing in them that a terminal would obey."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from resumable.models import Interval, Organisation, Query, label

LINE_MOST = 100
"""Columns of a paragraph on a terminal, however wide that is."""

PASTED = frozenset({"look", "use", "parts", "receipt"})
"""Facts that are there to be copied."""

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


Watching = Callable[[int, int, str], None]
"""Is told of long work how much of it is done, of how much, and what these things are called."""


def unwatched(done: int, of: int, things: str) -> None:
    """Let it pass: nobody watches."""


def safe(text: str) -> str:
    """Return the text with every character that is not printable shown as its escape; line ends stay.

    Escape sequences and marks that reorder text come with job data; a terminal would obey them.
    """
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def amount(number: int, thing: str) -> str:
    """Write `1 page`, `3,412 pages`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """Write bytes as `118 KB`, `4.3 GB`."""
    scaled, unit = float(count), 0
    while scaled >= 999.5 and unit < len(_UNITS) - 1:
        scaled, unit = scaled / 1000, unit + 1
    return f"{scaled:.1f} {_UNITS[unit]}" if unit and scaled < 99.5 else f"{scaled:.0f} {_UNITS[unit]}"


def bar(share: float, width: int, *, plain: bool) -> tuple[str, str]:
    """Draw a share, from 0 to 1, as a bar: what is done of it and the rest; `plain` where only ASCII can be shown."""
    halves = int(share * width * 2)
    if plain:
        return "#" * (halves // 2), "-" * (width - halves // 2)
    full = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return full, "─" * (width - len(full))


def span(seconds: float) -> str:
    """Write a time as `41 s`, `3 m 20 s`, `1 h 07 m`, `2 d 03 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    minutes = round(whole / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} m"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24:02d} h"


def length(window: timedelta) -> str:
    """Write a window's length as it is typed: `1d`, `12h`, `8h30m`."""
    seconds, said = round(window.total_seconds()), ""
    for unit, many in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, many)
        said += f"{count}{unit}" if count else ""
    return said or "0s"


def moment(when: datetime, zone: str | None = None) -> str:
    """Write a moment as it is typed: its date alone at midnight of UTC, or of a zone."""
    when = when.astimezone(UTC if zone in (None, "UTC") else ZoneInfo(zone))
    if when.time() == datetime.min.time():
        return f"{when:%Y-%m-%d}"
    if zone is not None:
        return when.isoformat(timespec="seconds" if when.second else "minutes")
    return f"{when:%Y-%m-%dT%H:%MZ}" if not when.second else f"{when:%Y-%m-%dT%H:%M:%SZ}"


def reach(interval: Interval, zone: str | None = None) -> str:
    """Write a range as `2025-01-01 .. 2026-01-01`, with its zone where that is not UTC."""
    written = f"{moment(interval.start, zone)} .. {moment(interval.end, zone)}"
    return written if zone is None else f"{written} {zone}"


def selection(query: Query) -> list[str]:
    """Write what a query selects, one text a flag; empty for all there is."""
    named = (
        ("queue", query.queues),
        ("division", query.divisions),
        ("media-type", query.media_types),
        ("direction", query.directions),
        ("filter", (query.filter,) if query.filter else ()),
        ("each of", (amount(len(query.each), "id"),) if query.each else ()),
    )
    return [f"{name} {', '.join(_cut(value, 60) for value in values)}" for name, values in named if values]


def spoken(interval: Interval) -> str:
    """Write a window, or a range, as people type it: a day by its date."""
    return label(interval) if interval.length <= timedelta(days=1) else reach(interval)


_UNBROKEN = "\N{NO-BREAK SPACE}"


def unbroken(command: str) -> str:
    """Return a command that `paragraph` and `hanging` set on one line: broken, it could not be copied."""
    return command.replace(" ", _UNBROKEN)


def paragraph(sentences: Sequence[str], *, ending: str, width: int | None) -> str:
    """Set sentences as one paragraph that closes with `ending`, such as `exit 3`.

    With a width: wrapped, later lines indented, the ending at the right. Without (a log): the first sentence on the
    first line and the rest on the second, so that both can be searched.
    """
    first, rest = sentences[0], " ".join(sentence for sentence in sentences[1:] if sentence)
    if width is None:
        return "   ".join(["\n  ".join(text for text in (first, rest) if text), ending]).replace(_UNBROKEN, " ")
    width = max(40, min(width, LINE_MOST))
    lines = _wrapped(first, width, "") + (_wrapped(rest, width, "  ") if rest else [])
    room = width - len(lines[-1]) - len(ending)
    if room >= 2:
        lines[-1] += " " * room + ending
    else:
        lines.append(" " * (width - len(ending)) + ending)
    return "\n".join(lines)


def facts(pairs: Iterable[tuple[str, str]], *, width: int | None) -> list[str]:
    """Set named facts below each other, wrapped where a width is given; commands to paste stay in one piece."""
    lines = []
    for name, text in pairs:
        head = f"  {name:<9} "
        if width is None or name in PASTED:
            lines.append(head + text)
        else:
            lines += hanging(head, text, width=width)
    return lines


def hanging(head: str, text: str, *, width: int | None) -> list[str]:
    """Set a text after its head; where a width is given it is wrapped, with later lines below its start."""
    if width is None:
        return [head + text.replace(_UNBROKEN, " ")]
    return _wrapped(text, max(40, min(width, LINE_MOST)), head, later=" " * len(head))


def table(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Align columns with two spaces between them; those in `right` at their right edge."""
    cells = [[*row] for row in rows]
    if not cells:
        return []
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _wrapped(text: str, width: int, indent: str, *, later: str = "  ") -> list[str]:
    # A path, a URL or a command to paste must not be cut at its dashes.
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=later, break_on_hyphens=False, break_long_words=False
    )
    return [line.replace(_UNBROKEN, " ") for line in lines]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def described(organisation: Organisation) -> str:
    """Name an organisation for a person: by name and id where they are known, else by origin and client."""
    if organisation.id is not None:
        name = organisation.name or "an organisation without a name"
        return f"{name} ({organisation.id}, at {organisation.origin})"
    client = f", client {organisation.client}" if organisation.client else ""
    return f"an organisation that is not named (at {organisation.origin}{client})"
