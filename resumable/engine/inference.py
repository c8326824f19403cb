"""Infers the columns of a described endpoint from a page of its newest records, once, and pins them in the manifest."""

from resumable.api.client import Asked, Client
from resumable.datasets.contract import AnyContract
from resumable.datasets.resolve import of_job
from resumable.manifest.rows import JobRow
from resumable.manifest.store import Manifest
from resumable.models import EventKind


def settle(contract: AnyContract, manifest: Manifest, client: Client) -> tuple[JobRow, AnyContract]:
    """Return the job and its contract with a schema that will not change any more.

    Where the schema is to be inferred it costs a request for each window, from the last, up to one that has records;
    and nothing ever after. Where none has, the key alone is a column and everything else would go to `_unmapped`; as
    long as no page is recorded, the next run tries again. Raises what an exchange raises.
    """
    job = manifest.job()
    source = contract.inferred
    if source is None or manifest.any_page():
        return job, contract
    columns = ""
    # The newest first: a range often begins before its data does. Each window would be asked for anyway.
    for row in reversed(list(manifest.windows())):
        request = source.first_page(job.spec.query, row.window.interval, job.spec.page_size)
        asked = Asked(what="a page to infer the schema from", request=request)
        columns = client.exchange(asked, lambda reply: source.sample(reply.body, client.redactor))
        if columns:
            break
    settled = of_job(job.spec, columns)
    manifest.pin_columns(columns, settled.schema.digest)
    found = f"{len(settled.schema.root.members)} columns" if columns else "no record was found: the key alone"
    manifest.event(EventKind.SCHEMA, f"inferred and pinned: {found}")
    return manifest.job(), settled
