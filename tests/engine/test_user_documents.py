"""Users' details are documents, grouped by user: every period comes once, and what is normal costs nothing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from resumable.simulator.messages import Kind
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import simulated

BOTH = pytest.mark.parametrize("dataset", ["user-details", "user-detail-jobs"])


def periods(records: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return how often each period of each user comes."""
    return Counter(
        (record["userId"], json.dumps(one, sort_keys=True))
        for record in records
        for name in ("primaryPresence", "routingStatus")
        for one in record.get(name) or ()
    )


@BOTH
@pytest.mark.parametrize("order", ["by-user", "by-time"])
def test_every_period_comes_once(dataset: str, order: str, tmp_path: Path, seed: int) -> None:
    """By query and by job, in the parts and in an export; nothing is downloaded twice, and verify agrees."""
    clock = VirtualClock(seed)
    sim = simulated(clock, documents=order, users=15)
    job = make_job(sim, clock, tmp_path, dataset=dataset)
    job.run()
    truth = periods(list(sim.truth(str(job.status().job.spec.interval), dataset="user-details")))
    assert max(truth.values()) == 1
    assert periods(list(job.records())) == truth
    assert list(job.verify()) == []
    assert (job.status().receipt or {})["retakes"] == 0
    job.export(tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert periods([json.loads(line) for line in lines]) == truth
    kind = Kind.USER_DETAILS if dataset == "user-details" else Kind.JOB_RESULTS
    pages = job.status().totals.pages_done
    counted = 0 if dataset == "user-details" else sim.log.count(kind) - pages
    assert sim.log.count(kind) == pages + counted
