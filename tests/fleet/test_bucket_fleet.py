"""A fleet whose jobs lie in a bucket: what one machine began another finishes, and any tells how all stand."""

from pathlib import Path

import pytest

from tests.support.command_line import finished
from tests.support.fleets import kill, organisations, pages_asked, wait_for_pages
from tests.support.object_stores import moto


@pytest.mark.long
def test_a_fleet_in_a_bucket_is_finished_by_another_machine(tmp_path: Path) -> None:
    """A job whose process is killed waits for its lease and resumes; the other client's job is not held up."""
    place = tmp_path / "store"
    place.mkdir()
    with moto(place) as store, organisations(tmp_path, count=2, clients=2, latency=0.1) as known:
        known.write(more="workers = 1\n")
        known.environment |= {**store.variables(), "RESUMABLE_LEASE": "5s", "RESUMABLE_STATE": str(store.address())}
        running = known.start("run", "--json")
        wait_for_pages(known, running, 8)
        victim = known.process_of("client0")
        assert victim is not None
        kill(victim)
        outcome = finished(running)
        assert outcome.code == 0, outcome.stderr
        assert [(job["state"], job["records"]) for job in outcome.json["jobs"]] == [("complete", 165)] * 2
        assert pages_asked(known) <= 2 * 18 + 1
        seen = known.cli("fleet", "status", str(tmp_path / "fleet.toml"), "--json")
        assert [job["state"] for job in seen.json["jobs"]] == ["complete"] * 2
        assert not (tmp_path / "state").exists()
