"""The name a job gets when the user gives none: dataset, range, and a few digits of the query."""

import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from resumable.models import Interval, JobSpec
from resumable.storage.job_files import compact


def default_name(spec: JobSpec) -> str:
    """Return the same name for the same dataset, range and query, short where the range is a year, a month or a day."""
    query = spec.query.to_json()
    digits = "" if query == "{}" else "-" + hashlib.sha256(query.encode()).hexdigest()[:6]
    return f"{spec.dataset}-{_range(spec.interval, spec.query.zone)}{digits}"


def _range(interval: Interval, zone: str | None) -> str:
    # Without its offset: a day is named by its date, whether it has 23, 24 or 25 hours.
    place = UTC if zone is None else ZoneInfo(zone)
    start, end = (each.astimezone(place).replace(tzinfo=None) for each in (interval.start, interval.end))
    if not _midnight(start) or not _midnight(end):
        return f"{compact(interval.start)}-{compact(interval.end)}"
    if end - start == timedelta(days=1):
        return f"{start:%Y-%m-%d}"
    if start.day == 1 and end == (start.replace(day=28) + timedelta(days=4)).replace(day=1):
        return f"{start:%Y-%m}"
    if (start.month, start.day) == (1, 1) and end == start.replace(year=start.year + 1):
        return f"{start:%Y}"
    return f"{start:%Y-%m-%d}-to-{end:%Y-%m-%d}"


def _midnight(moment: datetime) -> bool:
    return moment.time() == datetime.min.time()
