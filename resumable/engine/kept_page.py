"""What is kept of a page: the answer that came, or what another process of the job had put before."""

from dataclasses import dataclass

from resumable.datasets.contract import Answer
from resumable.models import PartFact, Said, Snapshot, moment_of
from resumable.storage.parts import PartThere


@dataclass(frozen=True, kw_only=True)
class KeptPage:
    """What the part of a page holds: the answer that was given to be written, or another one that was there before."""

    part: PartFact
    answer: Answer
    snapshot: Snapshot


def kept_by_another(found: PartThere) -> KeptPage:
    """Return what a part says of itself that another process of the job has put."""
    footer = found.footer
    said = Said(
        page_count=footer.page_count,
        total=footer.total,
        page_size=footer.snapshot_page_size,
        cursor=footer.cursor,
        available_to=None if footer.cut_at is None else moment_of(footer.cut_at),
    )
    snapshot = Snapshot(
        number=footer.take,
        page_count=footer.snapshot_page_count,
        total=footer.snapshot_total,
        page_size=footer.snapshot_page_size,
    )
    return KeptPage(part=found.part, answer=Answer(table=found.table, said=said), snapshot=snapshot)
