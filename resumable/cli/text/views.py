"""What is said about jobs: how one stands, how a run ended, which there are."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence

from resumable.cli.text.look_line import look_line
from resumable.datasets.catalogue import breakdown_of
from resumable.errors import Failure
from resumable.manifest.rows import Quarantined
from resumable.models import Counter, EventKind, JobState, WindowContract
from resumable.status import Status, cheaper_contract
from resumable.storage.job_files import PARTS, RECEIPT, JobFiles
from resumable.text import amount, described, facts, hanging, length, paragraph, reach, safe, selection, size, table

Typed = Callable[[str], str]
"""Makes of a command what works from where this one was typed."""

PROBLEMS_SHOWN = 10

HISTORY_SHOWN = 5

ROUTINE = frozenset({EventKind.TOKEN, EventKind.SNAPSHOT, EventKind.REMOTE, EventKind.ORGANISATION})
"""Events that a healthy job is full of."""

MEANINGS = {
    Failure.NO_RECORDS: "an answer named pages and held no records; its start is quoted. It is tried again next time.",
    Failure.RATE_LIMITED: "the server is asked too often: others use the same client, or --rate is too high.",
    Failure.OVERLOADED: "the server was in trouble. It is tried again next time.",
    Failure.TIMED_OUT: "the server did not manage the query in its own time: narrow it by a filter.",
    Failure.TOO_BIG: "a single record is larger than what is taken of an answer.",
    Failure.NOT_THE_API: "what answers there is not the API: look at GENESYS_REGION and GENESYS_API_URL.",
    Failure.NO_MORE_JOBS: "others have as many jobs on the server as it lets be at once. It is tried again next time.",
    Failure.QUERY_REFUSED: "the server refuses the request itself: look at the filters and the ids in them.",
    Failure.NOT_JSON: "the answer was not JSON: a proxy or a gateway answered in Genesys' place.",
}
"""What the failures that have an advice mean, in words."""


def status_lines(status: Status, home: JobFiles, *, width: int | None, typed: Typed) -> list[str]:
    """Show a job's progress, gaps and errors."""
    spec, totals = status.job.spec, status.totals
    windows = f"{totals.windows_done:,} of {totals.windows:,} complete, {length(spec.window)} each"
    quarantined = f", {totals.pages_quarantined:,} quarantined" if totals.pages_quarantined else ""
    known = [
        ("dataset", spec.dataset),
        *([] if status.job.organisation is None else [("of", described(status.job.organisation))]),
        ("range", ", ".join([reach(spec.interval, spec.query.zone), *selection(spec.query)])),
        ("windows", windows),
        ("pages", f"{status.expected.of(totals.pages_done)}{quarantined}"),
        ("records", f"{totals.records:,}, {size(totals.bytes)}"),
        ("requests", ", ".join(_counted(status.counters))),
        *_others(status),
        *_learned(status),
        *_closing(status),
        *_behind(status),
        ("parts", home.store.place(PARTS)),
    ]
    lines = [f"{status.job.name}  {status.state.value}", *facts(known, width=width)]
    more = typed(f"resumable status {status.job.name} --json")
    problems = [*problem_lines(status.quarantined, more), *_named(status.short, more)]
    for line in problems + _named(status.missing, more, "not there as recorded: "):
        lines += hanging("  ", line.strip(), width=width)
    history = [event for event in status.events if event.kind not in ROUTINE][-HISTORY_SHOWN:]
    for event in history:
        lines += hanging(f"  {event.at:%Y-%m-%d %H:%M:%S}  ", f"{event.kind.value}: {event.text}", width=width)
    if status.state not in (JobState.COMPLETE, JobState.RUNNING):
        lines.append(f"  Resume with: {typed(f'resumable resume {status.job.name}')}")
    return [safe(line) for line in lines]


def _behind(status: Status) -> list[tuple[str, str]]:
    """Say since when a job that has run is not complete, and what last went wrong."""
    behind, last = status.behind, status.last_failure
    if status.state is JobState.COMPLETE:
        return []
    known = [] if behind is None else [("since", f"{behind.since:%Y-%m-%d %H:%M} UTC, {amount(behind.runs, 'run')}")]
    if last is not None:
        known.append(("failed", f"{last.at:%Y-%m-%d %H:%M:%S} {last.asked}: {last.reason}"))
    return known


def _others(status: Status) -> list[tuple[str, str]]:
    """Say how much of the allowance others use, while the job runs and somebody does."""
    if status.state is not JobState.RUNNING or not status.used_by_others:
        return []
    return [("others", f"{amount(status.used_by_others, 'request')} a minute with the same client")]


def _learned(status: Status) -> list[tuple[str, str]]:
    """Say what is known of the source: that it answers nobody, and what it was found not to carry."""
    known = []
    if (since := status.job.outage_since) is not None:
        known.append(("outage", f"no answer since {since:%Y-%m-%d %H:%M:%S} UTC: {status.job.outage_why}"))
    if status.job.deep_limit is not None:
        known.append(("wall", f"the server lets {status.job.deep_limit:,} records of a window be paged through"))
    if status.smaller_pages:
        known.append(("heavy", f"{amount(status.smaller_pages, 'window')} in smaller pages, for they were too heavy"))
    return known


def jobs_lines(known: Sequence[Status], broken: Iterable[tuple[str, str]]) -> list[str]:
    """List jobs, one a line."""
    rows = [("JOB", "STATE", "PAGES", "OF", "RECORDS", "SIZE", "LAST CHANGE")]
    for status in known:
        totals = status.totals
        rows.append(
            (
                status.job.name,
                status.state.value,
                f"{totals.pages_done:,}",
                status.expected.figure,
                f"{totals.records:,}",
                size(totals.bytes),
                f"{status.job.updated_at:%Y-%m-%d %H:%M}",
            )
        )
    lines = table(rows, right=frozenset({2, 3, 4, 5}))
    return [safe(line) for line in [*lines, *(f"{name}  cannot be read: {why}" for name, why in broken)]]


def ending(status: Status, home: JobFiles, *, nothing_to_do: bool, width: int | None, typed: Typed) -> list[str]:
    """Tell that a job is complete, how that was checked, and what to do with it."""
    totals, spec = status.totals, status.job.spec
    if totals.records == 0:
        return [safe(line) for line in _no_data(status, width)]
    what = [
        amount(totals.windows, "window"),
        amount(totals.pages_done, "page"),
        amount(totals.records, "record"),
        size(totals.bytes),
    ]
    head = f"complete: {', '.join(what)}" + (
        " (it was complete already; nothing was asked for)" if nothing_to_do else ""
    )
    known = [
        *_closing(status),
        ("receipt", home.store.place(RECEIPT)),
        ("look", look_line(home.store.place(PARTS), breakdown_of(spec.dataset))),
        ("use", typed(f"resumable export {status.job.name} --to {status.job.name}.parquet")),
    ]
    return [safe(line) for line in [paragraph([head], ending="exit 0", width=width), *facts(known, width=width)]]


def shortfall(status: Status, *, typed: Typed) -> list[str]:
    """Name the pages that are quarantined and the windows that wait, and say what kept them."""
    more = typed(f"resumable status {status.job.name} --json")
    return [safe(line) for line in [*problem_lines(status.quarantined, more), *_named(status.short, more)]]


def _counted(counters: Mapping[Counter, int]) -> list[str]:
    named = (("retries", Counter.RETRIES), ("429s", Counter.RATE_LIMITED), ("tokens", Counter.TOKEN_REFRESHES))
    return [f"{counters[Counter.REQUESTS]:,}", *(f"{name} {counters[counter]:,}" for name, counter in named)]


def _closing(status: Status) -> list[tuple[str, str]]:
    """Say what the receipt says, where it says more than that all is well, and what would have been cheaper."""
    receipt = status.receipt
    known = _open(status)
    cheaper = cheaper_contract(status)
    if cheaper is not None:
        name, requests = cheaper
        pages = f"{status.totals.pages_known:,}"
        known.append(("cheaper", f"{name} would need about {requests:,} requests for the same, in place of {pages}"))
    if status.contracts:
        known.append(("taken", _by_contract(status.contracts)))
    if receipt is not None:
        checked = ["every window against what the server said of it"]
        twice = receipt.get("duplicates", {})
        for name, words in (("within_windows", "came twice in a window"), ("across_windows", "are in two windows")):
            if twice.get(name):
                checked.append(f"{amount(twice[name], 'record')} {words}")
        if receipt.get("retakes"):
            checked.append(f"windows downloaded again {receipt['retakes']} times, because they had changed")
        known.append(("checked", "; ".join(checked)))
        if receipt.get("counted"):
            known.append(_count(receipt["counted"], receipt["records"]))
        if receipt.get("provisional_windows"):
            count = amount(receipt["provisional_windows"], "window")
            known.append(
                ("recent", f"{count} may still change at the source; download them again later with --look-back 4d")
            )
    if status.drift:
        path = next(iter(status.drift))
        known.append(("unmapped", f"{amount(len(status.drift), 'path')} the schema has no place for, such as {path}"))
    return known


def _by_contract(contracts: Mapping[WindowContract, int]) -> str:
    """Say how many windows came by which contract, and what replaces those of the query."""
    jobs, query = contracts.get(WindowContract.JOBS, 0), contracts.get(WindowContract.QUERY, 0)
    said = f"{amount(jobs, 'window')} by jobs on the server, {query:,} by the query"
    return f"{said}, which a later run with --look-back replaces by jobs" if query else said


def _open(status: Status) -> list[tuple[str, str]]:
    """Say how many records have not ended."""
    found = status.open_records
    if not found.count:
        return []
    since = "" if found.since is None else f", the oldest since {found.since:%Y-%m-%d}"
    again = "" if status.state is not JobState.COMPLETE else "; a later run with --look-back downloads them again"
    return [("open", f"{amount(found.count, 'record')} without an end{since}{again}")]


def _named(lines: Sequence[str], see: str, before: str = "") -> list[str]:
    """Name the first of some lines, and say how many more there are, and what shows them."""
    more = len(lines) - PROBLEMS_SHOWN
    named = [f"  {before}{line}" for line in lines[:PROBLEMS_SHOWN]]
    return named + ([f"  ... and {more:,} more: see `{see}`"] if more > 0 else [])


def _count(counted: Mapping[str, int], records: int) -> tuple[str, str]:
    """Say what another contract counts beside what came."""
    text = f"{counted['records']:,} by the query beside it in {amount(counted['windows'], 'window')}, {records:,} came"
    for name, words in (("windows_with_more", "more"), ("windows_with_fewer", "fewer")):
        if counted[name]:
            text += f"; it counts {words} in {amount(counted[name], 'window')}"
    return "counted", text


def _no_data(status: Status, width: int | None) -> list[str]:
    spec, totals = status.job.spec, status.totals
    chosen = selection(spec.query)
    found = f"no data found: {amount(totals.windows, 'window')} complete, and no record in any of them."
    if chosen:
        advice = (
            f"{'; '.join(chosen)}. An id that does not exist is no error to the server: it finds nothing. Check them,"
        )
        advice += " or run once without them, over one day and with another --job."
    else:
        advice = "none. The client sees only the divisions that its roles are granted for: check those."
    known = [
        (
            "range",
            f"{reach(spec.interval, spec.query.zone or 'UTC')}. Is there data in it, in this organisation?",
        ),
        ("filters", advice),
    ]
    return [paragraph([found], ending="exit 0", width=width), *facts(known, width=width)]


def problem_lines(quarantined: Sequence[Quarantined], see: str) -> list[str]:
    """Name the pages that are missing, and say what kept them."""
    lines = [f"  {page}" for page in quarantined[:PROBLEMS_SHOWN]]
    if len(quarantined) > PROBLEMS_SHOWN:
        lines.append(f"  ... and {len(quarantined) - PROBLEMS_SHOWN:,} more: see `{see}`")
    counts = Tally(MEANINGS[page.failure] for page in quarantined if page.failure in MEANINGS)
    return lines + [f"  {count} x {meaning}" for meaning, count in counts.most_common()]
