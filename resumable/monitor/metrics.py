"""A job's figures in the text format of Prometheus, in a file that a collector reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from resumable.errors import UsageError
from resumable.models import Counter
from resumable.status import Status
from resumable.storage import durable
from resumable.storage.targets import place_of
from resumable.version import __version__

_FIRST_LINE: Final = "# Metrics of resumable, of the job "


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One number, with what tells it from others of its name."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()


def place(to: str, job: str | None = None) -> Path:
    """Return the file that metrics go to, of a job where it is known already.

    Raises UsageError where there is anything but metrics of this job.
    """
    path = place_of(to, "a file of metrics")
    kind = durable.kind_of(path)
    whose = _FIRST_LINE if job is None else f"{_FIRST_LINE}{job}\n"
    if kind is None or (kind == durable.FILE and durable.read(path).startswith(whose.encode())):
        return path
    raise UsageError(
        f"{path} is there, and holds no metrics of {f'the job {job}' if job else 'a job'}; it was left alone.",
        hint="Name another file with --metrics-file.",
    )


def write(path: Path, status: Status, *, exit_code: int, now: datetime) -> None:
    """Write the file, whole or not at all; everybody may read it, as a collector must. Raises StorageFailed."""
    durable.save(path, exposed(status, exit_code=exit_code, now=now).encode(), public=True)


def exposed(status: Status, *, exit_code: int, now: datetime) -> str:
    """Return the figures as text, each with a line of help and its type."""
    lines = [f"{_FIRST_LINE}{status.job.name}"]
    for name, help_line, kind, samples in _families(status, exit_code, now):
        full = f"resumable_{name}"
        lines += [f"# HELP {full} {help_line}", f"# TYPE {full} {kind}"]
        for sample in samples:
            labels = (("job", status.job.name), ("dataset", status.job.spec.dataset), *sample.labels)
            written = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels)
            lines.append(f"{full}{{{written}}} {_number(sample.value)}")
    return "\n".join(lines) + "\n"


_Family = tuple[str, str, str, Sequence[Sample]]


def _families(status: Status, exit_code: int, now: datetime) -> Iterator[_Family]:
    totals, job = status.totals, status.job
    whose = "" if job.organisation is None else job.organisation.name or job.organisation.id or ""
    about = (("version", __version__), ("organisation", whose), ("state", status.state.value))
    yield "info", "What was run, and how the job stands.", "gauge", [Sample(value=1, labels=about)]
    yield "exit_code", "Exit code of the last run.", "gauge", [Sample(value=exit_code)]
    yield "last_run_timestamp_seconds", "When the last run ended.", "gauge", [Sample(value=now.timestamp())]
    if job.completed_at is not None:
        done = [Sample(value=job.completed_at.timestamp())]
        yield "last_success_timestamp_seconds", "When the job was last complete.", "gauge", done
    if status.behind is not None:
        since = [Sample(value=status.behind.since.timestamp())]
        yield "incomplete_since_timestamp_seconds", "Since when the job is not complete.", "gauge", since
    runs = 0 if status.behind is None else status.behind.runs
    yield "incomplete_runs", "Runs since then.", "gauge", [Sample(value=runs)]
    yield "records", "Records of the job.", "gauge", [Sample(value=totals.records)]
    yield "open_records", "Records without an end.", "gauge", [Sample(value=status.open_records.count)]
    yield "bytes", "Bytes of all parts.", "gauge", [Sample(value=totals.bytes)]
    pages = {"done": totals.pages_done, "expected": status.expected.pages or 0, "quarantined": totals.pages_quarantined}
    yield "pages", "Pages, by how they stand.", "gauge", _by_state(pages)
    windows = {"done": totals.windows_done, "total": totals.windows}
    yield "windows", "Windows, by how they stand.", "gauge", _by_state(windows)
    lag = (now - status.complete_to).total_seconds()
    yield "lag_seconds", "How long ago the range ends that is complete.", "gauge", [Sample(value=max(0.0, lag))]
    for counter in Counter:
        name, counted = f"{counter.value}_total", [Sample(value=status.counters[counter])]
        yield name, f"Over the job's life: {counter.value.replace('_', ' ')}.", "counter", counted


def _by_state(counts: dict[str, int]) -> list[Sample]:
    return [Sample(value=count, labels=(("state", state),)) for state, count in counts.items()]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.3f}"
