"""What tests of described jobs share."""

from pathlib import Path
from typing import Any

import resumable
from resumable import Endpoints, Job, JobSpec, Secret, Stop, SystemClock
from resumable.config import Policy
from tests.support.ticket_server import TOKEN, Tickets

EXAMPLE = Path(__file__).parents[1] / "datasets" / "described" / "example.toml"
BEFORE_SCHEMA = EXAMPLE.read_text(encoding="utf-8").split("[schema]")[0]
OFFSET = """
[dataset]
name = "list"
token = "none"
[request]
path = "/api/v1/list"
params = { since = "{from}", until = "{to}", limit = "{page_size}", offset = "{offset}" }
[answer]
records = "tickets"
total = "count"
[record]
key = "id"
"""
CURSOR = """
[dataset]
name = "feed"
token = "none"
[request]
path = "/api/v1/feed"
params = { since = "{from}", until = "{to}", limit = "{page_size}", after = "{cursor}" }
[paging]
style = "cursor"
[answer]
records = "tickets"
next_cursor = "paging.after"
[record]
key = "id"
start = "created_at"
"""


def settings(server: Tickets, state: Path) -> resumable.Settings:
    """Return settings that lead to the server, with waits too short to be noticed and no Genesys credentials."""
    return resumable.Settings(
        endpoints=Endpoints(api=server.url, login="http://127.0.0.1:9"),
        secrets=lambda name: Secret(TOKEN if name == "TICKETS_TOKEN" else ""),
        state=state,
        workers=3,
        rate_per_minute=1_000_000,
        policy=Policy(first_wait_seconds=0.001, longest_wait_seconds=0.002),
    )


def made(file: Path | str, server: Tickets, folder: Path, *, page_size: int = 4, **more: Any) -> Job:  # noqa: ANN401 - settings - any setting
    """Make the job of a file, or of the text of one, over the ten days that have tickets and one that has none."""
    if isinstance(file, str):
        (folder / "described.toml").write_text(file, encoding="utf-8")
        file = folder / "described.toml"
    spec = JobSpec.of(str(file), "2025-01-01", "2025-01-12", page_size=page_size)
    return resumable.make(spec, settings(server, folder / "state"), **more)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what is null in it: absent and null are the same."""
    return {name: value for name, value in record.items() if value is not None}


def assert_truth(job: Job, server: Tickets) -> None:
    """Every record of the server is in the job, once, with every value as it was served."""
    assert [plain(record) for record in sorted(job.records(), key=lambda r: r["id"])] == server.tickets


def stopping_at(number: int, server: Tickets) -> Stop:
    """Return a stop flag that is raised when the server gets so many requests."""
    stop = Stop(SystemClock())
    server.before = lambda asked: stop.request("SIGINT") if asked == number else None
    return stop
