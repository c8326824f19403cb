"""Does a manifest agree with itself? SQLite does not notice every flipped bit, and two files make one manifest."""

from collections.abc import Iterator

from resumable.manifest import minutes, tables
from resumable.manifest.connection import Connection
from resumable.manifest.rows import interval
from resumable.text import amount, spoken

_DISAGREEING = """
SELECT start_ms, end_ms, state = 'complete' AND coalesce(last, 0) <> page_count
FROM window LEFT JOIN (
    SELECT window, take, count(*) AS pages, sum(rows) AS records, sum(size) AS bytes, max(number) AS last
    FROM page WHERE state = 'done' GROUP BY window, take
) AS found ON found.window = window.id AND found.take = window.take
WHERE coalesce(found.pages, 0) <> window.done
   OR coalesce(found.records, 0) <> window.records
   OR coalesce(found.bytes, 0) <> window.bytes
   OR state = 'complete' AND coalesce(last, 0) <> page_count
ORDER BY start_ms LIMIT ?
"""

FLAWS_NAMED = 100


def flaws(db: Connection) -> Iterator[str]:
    """Yield, in words, what does not agree: SQLite's own check, the windows' sums, the cover of the job's range.

    Costs one pass over the file. Raises ManifestUnusable where SQLite cannot even look.
    """
    yield from damage(db)
    for start, end, missing in db.rows(_DISAGREEING, (FLAWS_NAMED,)):
        what = "is called complete and lacks pages" if missing else "does not add up to its pages"
        yield f"the window {spoken(interval(start, end))} {what}"
    for first, last in holes(db):
        yield f"no window covers {spoken(interval(first, last))}"
    if db.version >= tables.MINUTES_SINCE:
        try:
            minutes.read(db)
        except (ValueError, TypeError, OverflowError) as failure:
            yield f"a minute of its history makes no sense ({failure})"


def damage(db: Connection) -> Iterator[str]:
    """Yield what SQLite itself finds wrong with the file. Raises ManifestUnusable where it cannot even look."""
    for (text,) in db.rows(f"PRAGMA integrity_check({FLAWS_NAMED})"):
        if text != "ok":
            yield f"SQLite says: {text}"
    # A connection that may not write does not even read the constraints, and its integrity check passes over them.
    for table, rules in tables.rules(db.version).items():
        broken = " OR ".join(f"NOT ({rule})" for rule in rules) or "FALSE"
        if count := db.value(f"SELECT count(*) FROM {table} WHERE {broken}"):  # noqa: S608 - of our own tables' text
            yield f"{amount(count, 'row')} of the table {table} cannot be"


def holes(db: Connection) -> list[tuple[int, int]]:
    """Return what of the job's range no window covers, in milliseconds; windows may overlap, and reach past it."""
    start, end = db.rows("SELECT start_ms, end_ms FROM job")[0]
    found = db.rows(
        "SELECT reached, start_ms FROM ("
        " SELECT start_ms, coalesce(max(end_ms) OVER"
        "  (ORDER BY start_ms, end_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), ?) AS reached FROM window)"
        " WHERE start_ms > reached ORDER BY reached LIMIT ?",
        (start, FLAWS_NAMED),
    )
    reached = db.value("SELECT coalesce(max(end_ms), ?) FROM window", (start,))
    return [(first, last) for first, last in [*found, *([(reached, end)] if reached < end else [])]]
