"""A Genesys Cloud on loopback, seeded, limited and faulty as told; it needs nothing of the rest of the package.

with Simulator(Settings(records=500)) as simulator:
    ...  # point a client at simulator.url
    simulator.log.counts(), simulator.truth("2023-10-01/2023-10-02").ids
"""

from resumable.simulator.exchange import Kind
from resumable.simulator.faults import ABSENT, Fault, FaultKind, Match
from resumable.simulator.jobs import JobState
from resumable.simulator.log import Entry, Log
from resumable.simulator.settings import (
    Framing,
    JobRefusal,
    Lifetime,
    Oversize,
    PastEnd,
    RateWindow,
    Settings,
    Style,
)
from resumable.simulator.simulator import Simulator, Truth, serve
from resumable.simulator.truth import Dataset

__all__ = [
    "ABSENT",
    "Dataset",
    "Entry",
    "Fault",
    "FaultKind",
    "Framing",
    "JobRefusal",
    "JobState",
    "Kind",
    "Lifetime",
    "Log",
    "Match",
    "Oversize",
    "PastEnd",
    "RateWindow",
    "Settings",
    "Simulator",
    "Style",
    "Truth",
    "serve",
]
