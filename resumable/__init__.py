"""Resumable, checkpointed downloads of paged Genesys Cloud analytics.

    import os
    from resumable import JobSpec, from_environment, make

    job = make(JobSpec.of("conversations", "2025-01-01", "2025-02-01"), from_environment(os.environ))
    job.run()                      # or raises what kept it from being complete; running it again carries on
    for record in job.records():   # lazily, as the server sent them
        ...
    table = job.dataset().to_table(columns=["conversationId", "conversationStart"])

Names are imported when they are used: `import resumable` alone costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resumable.cli.fleet_face import fleet_status, run_fleet
    from resumable.clock import Stop, SystemClock
    from resumable.config import Endpoints, Settings, from_environment
    from resumable.engine.forecast import Forecast
    from resumable.errors import (
        AuthenticationFailed,
        Incomplete,
        Interrupted,
        JobLocked,
        LibraryMissing,
        ManifestUnusable,
        NoData,
        ResumableError,
        SourceUnsettled,
        StorageFailed,
        UsageError,
        VerificationFailed,
    )
    from resumable.export.export import Exported
    from resumable.fleet.outcome import JobOutcome
    from resumable.job.check import CheckLevel, CheckResult, check
    from resumable.job.job import Job
    from resumable.job.making import fetch_all, find, make, plan
    from resumable.models import Interval, JobSpec, JobState, Query
    from resumable.monitor.notebook import show_progress
    from resumable.redaction import Secret
    from resumable.repair.repair import Repaired
    from resumable.status import Status
    from resumable.verify.findings import Finding, Flaw, Report
    from resumable.version import __version__

_HOMES = {
    "cli.fleet_face": ("fleet_status", "run_fleet"),
    "engine.forecast": ("Forecast",),
    "export.export": ("Exported",),
    "fleet.outcome": ("JobOutcome",),
    "job.check": ("CheckLevel", "CheckResult", "check"),
    "job.job": ("Job",),
    "job.making": ("fetch_all", "find", "make", "plan"),
    "clock": ("Stop", "SystemClock"),
    "config": ("Endpoints", "Settings", "from_environment"),
    "errors": (
        "AuthenticationFailed",
        "Incomplete",
        "Interrupted",
        "JobLocked",
        "LibraryMissing",
        "ManifestUnusable",
        "NoData",
        "ResumableError",
        "SourceUnsettled",
        "StorageFailed",
        "UsageError",
        "VerificationFailed",
    ),
    "monitor.notebook": ("show_progress",),
    "models": ("Interval", "JobSpec", "JobState", "Query"),
    "redaction": ("Secret",),
    "repair.repair": ("Repaired",),
    "status": ("Status",),
    "verify.findings": ("Finding", "Flaw", "Report"),
    "version": ("__version__",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AuthenticationFailed",
    "CheckLevel",
    "CheckResult",
    "Endpoints",
    "Exported",
    "Finding",
    "Flaw",
    "Forecast",
    "Incomplete",
    "Interrupted",
    "Interval",
    "Job",
    "JobLocked",
    "JobOutcome",
    "JobSpec",
    "JobState",
    "LibraryMissing",
    "ManifestUnusable",
    "NoData",
    "Query",
    "Repaired",
    "Report",
    "ResumableError",
    "Secret",
    "Settings",
    "SourceUnsettled",
    "Status",
    "Stop",
    "StorageFailed",
    "SystemClock",
    "UsageError",
    "VerificationFailed",
    "__version__",
    "check",
    "fetch_all",
    "find",
    "fleet_status",
    "from_environment",
    "make",
    "plan",
    "run_fleet",
    "show_progress",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
