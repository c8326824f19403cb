"""Infers the columns of a described endpoint from one page of the job's range, once, and pins them in the manifest."""

from resumable.client import Asked, Client
from resumable.datasets import AnyContract, of_job
from resumable.datasets.declared import Declared, DeclaredPages, DeclaredWalk
from resumable.manifest import JobRow, Manifest
from resumable.models import EventKind, Interval, JobSpec, Request
from resumable.planner import cut

MOST_SAMPLES = 32
"""Pages asked for where the first ones are empty; they spread evenly over the range, the newest first."""


def settle(contract: AnyContract, manifest: Manifest, client: Client) -> tuple[JobRow, AnyContract]:
    """Return the job and its contract with a schema that will not change any more.

    Costs a request where the schema is to be inferred, and nothing ever after. Where the samples hold no record, the
    key alone is a column and everything else would go to `_unmapped`; as long as no page is recorded, the next run
    tries again. Raises what an exchange raises.
    """
    job = manifest.job()
    if not isinstance(contract, DeclaredPages | DeclaredWalk) or contract.declaration.columns is not None:
        return job, contract
    if job.columns or manifest.any_page():
        return job, contract
    columns = ""
    for window in _samples(job.spec.interval, contract):
        asked = Asked(what="a page to infer the schema from", request=_request(contract, job.spec, window))
        columns = client.exchange(asked, lambda reply: contract.sample(reply.body, client.redactor))
        if columns:
            break
    settled = of_job(job.spec, columns)
    manifest.pin_columns(columns, settled.schema.digest)
    found = f"{len(settled.schema.root.members)} columns" if columns else "no record was found: the key alone"
    manifest.event(EventKind.SCHEMA, f"inferred and pinned: {found}")
    return manifest.job(), settled


def _samples(interval: Interval, contract: Declared) -> list[Interval]:
    windows = list(cut(interval, contract.interval_max or interval.length))
    return windows[:: -max(1, len(windows) // MOST_SAMPLES)][:MOST_SAMPLES]


def _request(contract: DeclaredPages | DeclaredWalk, spec: JobSpec, window: Interval) -> Request:
    if isinstance(contract, DeclaredPages):
        return contract.request(spec.query, window, 1, spec.page_size)
    return contract.page(spec.query, window, None, spec.page_size)
