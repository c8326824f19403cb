"""A day of conversations as a Dagster asset: failed runs carry on, days younger than 48 hours are taken again."""

import os
from datetime import timedelta

import dagster as dg

from resumable import JobSpec, from_environment, make


@dg.asset(partitions_def=dg.DailyPartitionsDefinition(start_date="2023-10-01"))
def conversations(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Take one day, or what is left of it after a run that failed."""
    day = context.partition_time_window
    spec = JobSpec.of("conversations", day.start, day.end, page_size=100)
    job = make(
        spec,
        from_environment(os.environ),
        name=f"conversations-{context.partition_key}",
        look_back=timedelta(days=2),
    )
    status = job.run()
    parts = str(job.folder / "parts")
    return dg.MaterializeResult(metadata={"records": status.totals.records, "parts": dg.MetadataValue.path(parts)})
