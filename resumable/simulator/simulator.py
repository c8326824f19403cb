"""A Genesys Cloud on loopback: the class that tests hold, and the function that a command runs."""

import json
import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from resumable.simulator.api.service import Service
from resumable.simulator.faults.faults import SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.request_log import Log
from resumable.simulator.settings import SimSettings
from resumable.simulator.wire.server import LoopbackServer
from resumable.simulator.world.truth import Dataset, find_truth
from resumable.simulator.world.world import World


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a correct backfill must end with, in order of start and id."""

    ids: tuple[str, ...]
    records: tuple[bytes, ...]  # JSON as served: with attributes if the dataset has them

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Json]:
        """Yield each record read as JSON."""
        return (json.loads(record) for record in self.records)


class Simulator:
    """Serves one invented organisation on loopback, from `start` to `close`.

    `monotonic` is the clock of tokens, allowances and jobs; `sleep` does all the waiting; `today` dates the jobs. Tests
    pass their own to make hours pass in no time. With `tls` the address is https, by that context's certificate.
    """

    def __init__(
        self,
        settings: SimSettings | None = None,
        *,
        faults: tuple[SimFault, ...] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._service = Service(settings or SimSettings(), monotonic=monotonic, today=today)
        self._service.faults.add(*faults)
        self._place = (host, port)
        self._sleep, self._tls = sleep, tls
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Listen and serve, in threads of its own."""
        self._server = LoopbackServer(self._service, *self._place, self._sleep, self._tls)
        self._server.start()

    def close(self) -> None:
        """Stop serving and drop all connections; the log and the truth stay readable."""
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        """The origin of both the API and the login host."""
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{self._server.host}:{self._server.port}"

    @property
    def settings(self) -> SimSettings:
        """The settings in force."""
        return self._service.state.settings

    @property
    def log(self) -> Log:
        """The requests so far."""
        return self._service.log

    @property
    def world(self) -> World:
        """The data, for tests that look inside."""
        return self._service.state.world

    @property
    def jobs_alive(self) -> list[str]:
        """The ids of the jobs that nobody has deleted."""
        return self._service.state.jobs.alive()

    def switch(self, **changes: Json) -> SimSettings:
        """Change settings while it runs; raises ValueError for what does not exist."""
        return self._service.state.switch(changes)

    def inject(self, *faults: SimFault) -> None:
        """Make faults active, beside those that already are."""
        self._service.faults.add(*faults)

    def clear_faults(self) -> None:
        """Make nothing go wrong any more."""
        self._service.faults.clear()

    def faults_fired(self) -> dict[str, int]:
        """Return how often the active faults have struck, by kind."""
        return self._service.faults.fired()

    def revoke_tokens(self) -> int:
        """Make every token given out so far invalid; returns how many there were."""
        return self._service.tokens.revoke()

    def begin(self) -> None:
        """Start the allowances and the story of data that moves from the beginning."""
        self._service.state.begin()
        self._service.rates.forget()

    def truth(
        self,
        interval: str | tuple[datetime, datetime] | None = None,
        *,
        dataset: str = Dataset.CONVERSATIONS,
        query: Mapping[str, Json] | None = None,
    ) -> Truth:
        """Return the records that a correct backfill of the interval ends with, once the data has come to rest.

        `query` is the body as it is sent: its filters and startOfDayIntervalMatching count, its pages do not.
        """
        found = list(self.stream_truth(interval, dataset=dataset, query=query))
        return Truth(ids=tuple(key for key, _ in found), records=tuple(record for _, record in found))

    def stream_truth(
        self,
        interval: str | tuple[datetime, datetime] | None = None,
        *,
        dataset: str = Dataset.CONVERSATIONS,
        query: Mapping[str, Json] | None = None,
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the ids and the records of the truth one after the other, for more than memory holds."""
        return find_truth(self._service.state.world, Dataset(dataset), interval, query or {})


def serve(
    settings: SimSettings,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] = print,
    *,
    faults: tuple[SimFault, ...] = (),
) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; `ready` is told the address once it listens.

    Must be called from the main thread, where Python delivers signals.
    """
    # A pipe, and no Event: its lock is not reentrant, and a handler that comes while the wait holds it waits for ever.
    stopped, stop = os.pipe()
    before = {n: signal.signal(n, lambda *_: os.write(stop, b".") and None) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Simulator(settings, host=host, port=port, faults=faults) as simulator:
            ready(simulator.url)
            os.read(stopped, 1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(stopped)
        os.close(stop)
