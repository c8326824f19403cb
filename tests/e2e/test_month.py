"""A month with one day that no paging can reach the end of."""

from pathlib import Path

import pytest

import resumable
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import settings_for, spec_for

BIG_DAY = 250_000


@pytest.mark.long
def test_a_month_with_a_day_of_250_000_hits_is_complete(tmp_path: Path) -> None:
    """The day is split until its slices can be paged through; nothing is missing and the limit is never met."""
    small = SimSettings(
        records=100,
        records_on={"2023-10-15": BIG_DAY},
        style=Style.SMALL,
        rate_public=None,
        gzip=False,
        cache_bytes=2**30,
    )
    with Simulator(small) as sim:
        spec = spec_for("conversations", "2023-10-01", "2023-11-01", page_size=100)
        job = resumable.make(spec, settings_for(sim, tmp_path))
        status = job.run()
        batches = job.dataset().to_batches(columns=["conversationId"])
        ids = {name for batch in batches for name in batch.column(0).to_pylist()}
        assert ids == set(sim.truth(str(spec.interval)).ids)
        assert len(ids) == BIG_DAY + 30 * 100
        assert sim.log.statuses(Kind.CONVERSATIONS).keys() == {200}
        assert status.receipt is not None
        assert status.receipt["records_distinct"] == len(ids)
        assert status.receipt["duplicates"]["across_windows"] == status.totals.records - len(ids)
