"""Servers and jobs of the described forms that are more than one list by pages."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import resumable
from resumable import Job, JobSpec, Query
from resumable.datasets.contract import Answer
from resumable.datasets.described.declaration import from_text
from resumable.datasets.described.walk import DeclaredWalk
from resumable.datasets.facts import CursorStep
from resumable.models import Interval
from resumable.redaction import Redactor
from resumable.schema.fields import ColumnKind
from tests.support.described_jobs import plain, settings
from tests.support.ticket_server import Tickets

ORIGIN = "https://api.example"
DAY = Interval(start=datetime(2025, 1, 1, tzinfo=UTC), end=datetime(2025, 1, 2, tzinfo=UTC))


@dataclass(kw_only=True)
class Script(Tickets):
    """A server that answers by a function of the test."""

    reply: Callable[[dict[str, Any]], Any]

    def answer(self, asked: dict[str, Any]) -> tuple[int, Any]:
        """Answer one request; a pair is a status and its body."""
        self.asked.append(asked)
        self.before(len(self.asked))
        found = self.reply(asked)
        return found if isinstance(found, tuple) else (200, found)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked["path"] for asked in self.asked]


def made(text: str, server: Tickets, folder: Path, *, each: tuple[str, ...] = (), page_size: int = 2) -> Job:
    """Make the job of a description: over two days, or a list of one."""
    (folder / "described.toml").write_text(text, encoding="utf-8")
    end = "2025-01-03" if "{from}" in text else "2025-01-02"
    spec = JobSpec.of(str(folder / "described.toml"), "2025-01-01", end, page_size=page_size)
    spec = replace(spec, query=Query(each=each))
    return resumable.make(spec, settings(server, folder / "state"))


def records(job: Job) -> list[dict[str, Any]]:
    """Return what a job holds, without what is null in it."""
    return [plain(record) for record in job.records()]


def walk(text: str) -> DeclaredWalk:
    """Return the contract of a description."""
    declaration = from_text(text, "described.toml")
    return DeclaredWalk(declaration=declaration, columns=declaration.columns or {"id": ColumnKind.TEXT})


def read(text: str, body: object) -> Answer:
    """Read the first page of a description, of an id where it has one for each. Raises ProtocolFault."""
    step = CursorStep(query=Query(each=("q1",)), cursor=None, page_size=2, origin=ORIGIN)
    return walk(text).read_page(json.dumps(body).encode(), Redactor(), step)
