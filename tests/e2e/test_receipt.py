"""The receipt: what was asked for, what came, and how anybody can check it."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import resumable
from resumable import Query
from resumable.schema.registry import pinned
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import WallClock, settings_for, spec_for


def test_the_receipt_states_query_counts_and_a_hash_that_the_records_prove(tmp_path: Path) -> None:
    """Counts are as served and as stored, and the hash over all keys follows from the ids alone."""
    with Simulator(SimSettings(records=50, records_on={"2023-10-02": 0}, rate_public=None)) as sim:
        query = Query(directions=("inbound", "outbound"))
        spec = spec_for("conversations", "2023-10-01", "2023-10-03", query=query)
        job = resumable.make(spec, settings_for(sim, tmp_path))
        receipt = job.run().receipt
        assert receipt == json.loads((job.folder / "receipt.json").read_text(encoding="utf-8"))
        assert receipt is not None
        ids = sorted(record["conversationId"] for record in job.records())
        of_days = [hashlib.sha256(b"".join(f"{name}\0".encode() for name in names)).digest() for names in (ids, [])]
        assert receipt["keys_sha256"] == hashlib.sha256(b"".join(of_days)).hexdigest()
        assert receipt["query"] == {"directions": ["inbound", "outbound"]}
        first, second = receipt["windows"]
        assert first["served"] == {"pages": 3, "total": 50}
        assert first["stored"] == {"pages": 3, "records": 50, "duplicates": 0}
        assert second["served"] == {"pages": 0, "total": 0}
        assert receipt["requests"] == len(sim.log) - 1
        assert receipt["versions"]["schema_digest"] == pinned("conversation").digest
        assert receipt["started_at"] <= receipt["completed_at"]


def test_windows_younger_than_two_days_are_provisional(tmp_path: Path) -> None:
    """What the source may still rewrite is said to be provisional, in the receipt and window by window."""
    with Simulator(SimSettings(records=5, rate_public=None)) as sim:
        clock = WallClock(datetime(2023, 10, 5, 6, tzinfo=UTC))
        job = resumable.make(
            spec_for("conversations", "2023-10-01", "2023-10-05"), settings_for(sim, tmp_path), clock=clock
        )
        receipt = job.run().receipt
        assert receipt is not None
        assert [window["provisional"] for window in receipt["windows"]] == [False, False, True, True]
        assert receipt["provisional_windows"] == 2
