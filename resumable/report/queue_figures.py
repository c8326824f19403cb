"""What an analyst asks of each queue, added up from the table `interactions`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class QueueFigures:
    """What an analyst asks of a queue, by Genesys's definitions."""

    name: str
    offered: int
    answered: int
    abandoned: int
    over_sla: int
    answered_seconds: float
    """In all, until they were answered."""

    @property
    def service_level(self) -> float:
        """Which share of those that were answered, or gave up, was answered in time."""
        return (self.answered - self.over_sla) / max(1, self.answered + self.abandoned)

    @property
    def answer_seconds(self) -> float:
        """Return how long an answer took on average."""
        return self.answered_seconds / max(1, self.answered)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `demo --json` prints."""
        return {
            "name": self.name,
            "offered": self.offered,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "service_level": round(self.service_level, 4),
            "answer_seconds": round(self.answer_seconds, 1),
        }


def queue_figures(interactions: Iterable[Mapping[str, Any]]) -> tuple[QueueFigures, ...]:
    """Add up the rows of `interactions` of each queue, the one that was offered most first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in interactions:
        found.setdefault(row.get("queueName", row["queueId"]), []).append(row)
    figures = [
        QueueFigures(
            name=name,
            offered=sum(row["offered"] for row in rows),
            answered=sum(row["answered"] for row in rows),
            abandoned=sum(row["abandoned"] for row in rows),
            over_sla=sum(row["overSla"] for row in rows),
            answered_seconds=sum(row["waitMs"] for row in rows if row["answered"]) / 1000,
        )
        for name, rows in found.items()
    ]
    return tuple(sorted(figures, key=lambda each: -each.offered))
