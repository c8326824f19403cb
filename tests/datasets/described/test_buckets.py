"""Jobs of endpoints that a file describes, in a bucket."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import resumable
from resumable import Interrupted, JobSpec, JobState
from tests.support.described_jobs import CURSOR, EXAMPLE, OFFSET, assert_truth, settings, stopping_at
from tests.support.object_stores import object_store
from tests.support.ticket_server import Tickets


@pytest.mark.parametrize(
    "text", [EXAMPLE.read_text(encoding="utf-8"), OFFSET, CURSOR], ids=["page", "offset", "cursor"]
)
def test_another_machine_finishes_a_described_job(text: str, server: Tickets, tmp_path: Path) -> None:
    """Stopped, and its scratch folder lost: another finishes without the file, by whatever style it is paged."""
    file = tmp_path / "described.toml"
    file.write_text(text, encoding="utf-8")
    server.token = server.token if text not in (OFFSET, CURSOR) else None
    store = object_store("seaweed")
    there = replace(settings(server, tmp_path), state=store.address(), bucket=store.client())
    spec = JobSpec.of(str(file), "2025-01-01", "2025-01-12", page_size=4)
    job = resumable.make(spec, there, name="tickets")
    with pytest.raises(Interrupted):
        job.run(stop=stopping_at(7, server))
    pages = job.status().totals.pages_done
    assert pages > 0
    file.unlink()
    shutil.rmtree(job.folder.parent)
    server.before = lambda _: None
    another = resumable.find("tickets", replace(there))
    assert another.run().state is JobState.COMPLETE
    assert_truth(another, server)
    assert [*another.verify()] == []
