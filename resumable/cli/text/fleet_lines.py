"""One table for all jobs of a fleet."""

from collections.abc import Iterable, Sequence

from resumable.datasets.resolve import of_job
from resumable.fleet.outcome import JobOutcome
from resumable.fleet.planned import FleetPlan
from resumable.models import JobState
from resumable.status import Status, requests_left
from resumable.text import safe, size, span, table

NOTE_MOST = 100
"""Characters of a message in a table."""


def outcome_lines(outcomes: Iterable[JobOutcome]) -> list[str]:
    """Tell how each job stands after a run of the fleet."""
    rows = [("CLIENT", "JOB", "STATE", "PAGES", "RECORDS", "EXIT", "")]
    for outcome in outcomes:
        exit_code = "-" if outcome.exit_code is None else str(outcome.exit_code)
        pages, records = _pages(outcome), f"{outcome.records:,}" if outcome.pages_known else "-"
        job = outcome.job
        rows.append((job.client.name, job.name, outcome.state, pages, records, exit_code, _cut(outcome.message)))
    return [safe(line) for line in table(rows, right=frozenset({3, 4, 5}))]


def state_lines(found: Iterable[tuple[JobOutcome, Status | None]]) -> list[str]:
    """Tell how each job stands by its manifest."""
    rows = [("CLIENT", "JOB", "STATE", "PAGES", "LEFT", "LAST CHANGE", "")]
    for outcome, status in found:
        job, changed = outcome.job, "-"
        if outcome.state == JobState.RUNNING:
            changed = "now"
        elif outcome.updated_at is not None:
            changed = f"{outcome.updated_at:%Y-%m-%d %H:%M}"
        left = "-" if status is None else _left(status)
        rows.append((job.client.name, job.name, outcome.state, _pages(outcome), left, changed, _cut(outcome.message)))
    return [safe(line) for line in table(rows, right=frozenset({3, 4}))]


def plan_lines(plan: FleetPlan) -> list[str]:
    """Tell what each job would take, and all of them."""
    rows: list[Sequence[str]] = [("CLIENT", "JOB", "REQUESTS", "TIME", "DISK", "")]
    for each in plan.jobs:
        time = "-" if each.seconds is None else span(each.seconds)
        disk = "-" if each.disk_bytes is None else size(each.disk_bytes)
        requests = "-" if each.requests is None else f"{each.requests:,}"
        rows.append((each.job.client.name, each.job.name, requests, time, disk, _cut(each.message)))
    more = f"and {plan.unknown} of unknown size" if plan.unknown else ""
    rows.append(("all", "", f"{plan.requests:,}", span(plan.seconds), size(plan.disk_bytes), more))
    return [safe(line) for line in table(rows, right=frozenset({2, 3, 4}))]


def _pages(outcome: JobOutcome) -> str:
    return f"{outcome.pages:,} / {outcome.pages_known:,}" if outcome.pages_known else "-"


def _left(status: Status) -> str:
    """Return how long what is left takes, at the rate that is documented."""
    requests = requests_left(status.totals)
    if not requests:
        return "-"
    return span(requests / of_job(status.job.spec, status.job.columns).documented_rate * 60)


def _cut(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= NOTE_MOST else f"{line[: NOTE_MOST - 3]}..."
