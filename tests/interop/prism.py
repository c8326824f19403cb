"""Prism between the product and the simulator: an independent judge of what each says to the other.

Prism validates every request and every answer against `openapi.json` and names what is wrong in the header
`sl-violations` of the answer. It is started without `--errors`, with which it would answer in the server's place and
end the run at the first violation; so one run names them all. Before it starts, every object of the document is closed:
a member that nobody documents is a violation too.

It reads and writes the JSON of bodies the way JavaScript does, so whole numbers beyond 2**53 arrive rounded;
`as_javascript` does the same to the truth.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Self

import pytest

from resumable.clock import SystemClock
from resumable.models import Request
from resumable.redaction import Redactor, Secret
from resumable.simulator.json_values import Json
from resumable.simulator.request_log import Entry
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.transport.exchange import Limits
from resumable.transport.http import HttpTransport, Reply
from tests.support.machine import LACKS

DOCUMENT = Path(__file__).with_name("openapi.json")
INSTALLED = Path(__file__).parents[2] / ".ci" / "tools" / "node_modules" / ".bin" / "prism"
START_SECONDS = 60.0
_LISTENING = re.compile(r"Prism is listening on (http://127\.0\.0\.1:\d+)")
_EXACT = 2**53

# The schemas allow no null (nothing in them is nullable), though the SDK takes one for an absent member.
SETTINGS = SimSettings(records=45, explicit_nulls=False, rate_public=None, list_page_size_cap=7)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer, with what Prism has against them: sentences that begin with the place."""

    request: Request
    status: int
    violations: tuple[str, ...]


@dataclass
class Watched:
    """A transport that leads through Prism, and keeps what Prism has to say."""

    inner: HttpTransport
    seen: list[Exchange] = field(default_factory=list)

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Send a request once."""
        reply = self.inner.send(request, headers, form=form)
        told = tuple(line for value in reply.header_values("sl-violations") for line in _read(value))
        self.seen.append(Exchange(request=request, status=reply.status, violations=told))
        return reply

    def close(self) -> None:
        """End what is in flight."""
        self.inner.close()


class Stand:
    """A simulator with Prism in front of it."""

    def __init__(self, sim: Simulator, url: str) -> None:
        """`url` is Prism's."""
        self.sim, self.url = sim, url
        self.seen: list[Exchange] = []

    @classmethod
    @contextlib.contextmanager
    def set_up(cls, folder: Path) -> Iterator[Self]:
        """Start both and end both, or skip the test where there is no Prism."""
        command = find()
        document = folder / "openapi.json"
        document.write_text(json.dumps(closed(read_document())))
        with Simulator(SETTINGS) as sim, _started([command, "proxy", str(document), sim.url]) as url:
            yield cls(sim, url)

    def clear(self) -> None:
        """Make the simulator as it was at first, and forget what was said."""
        self.sim.clear_faults()
        self.sim.switch(**{name: getattr(SETTINGS, name) for name in SETTINGS.__dataclass_fields__})
        self.sim.begin()
        self.sim.log.clear()
        self.seen.clear()

    def carry(self, origin: str) -> Watched:
        """Make a transport for the product."""
        inner = HttpTransport(origin, limits=Limits(), clock=SystemClock(), redactor=Redactor())
        return Watched(inner, self.seen)

    @property
    def violations(self) -> list[str]:
        """All that Prism had against the requests and the answers."""
        return [line for exchange in self.seen for line in exchange.violations]


def find() -> str:
    """Return Prism's command: what RESUMABLE_PRISM names, `prism` on the path, or what .ci/run has installed.

    Skips the test where there is none.
    """
    named = os.environ.get("RESUMABLE_PRISM")
    found = named or shutil.which("prism") or (str(INSTALLED) if INSTALLED.exists() else None)
    if found is None:
        pytest.skip(f"{LACKS} Prism (npm install --prefix .ci/tools --no-save @stoplight/prism-cli@5.14.2)")
    return found


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[str]:
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", "0"],
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    ear = _Ear(process.stdout)
    try:
        yield ear.address()
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        ear.thread.join(10)
        process.stdout.close()


class _Ear:
    """Reads what a process says to its end, so that it never waits for a reader."""

    def __init__(self, stream: IO[str]) -> None:
        self._told = threading.Event()
        self._url: str | None = None
        self._last: deque[str] = deque(maxlen=20)
        self.thread = threading.Thread(target=self._listen, args=(stream,))
        self.thread.start()

    def address(self) -> str:
        """Return the address once Prism listens."""
        self._told.wait(START_SECONDS)
        assert self._url is not None, "Prism does not listen:\n" + "".join(self._last)
        return self._url

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            self._last.append(line)
            found = _LISTENING.search(line)
            if found:
                self._url = found[1]
                self._told.set()
        self._told.set()


def _read(header: str) -> list[str]:
    try:
        told = json.loads(header)
    except ValueError:
        return [header]  # too many of them, cut by Prism
    return [f"{'.'.join(map(str, one['location']))}: {one['message']}" for one in told]


def read_document() -> Json:
    """Return the OpenAPI document."""
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


def closed(schema: Json) -> Json:
    """Return a document in which every object that lists its members has no others."""
    if isinstance(schema, list):
        return [closed(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(content) for name, content in schema.items()}
    if schema.get("type") == "object" and schema.get("properties"):
        found.setdefault("additionalProperties", False)
    return found


def undeclared_parameters(document: Json, entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Return the paths and the query parameters of requests that the document does not declare.

    Prism lets them pass.
    """
    found = set()
    for entry in entries:
        # a path without a placeholder is more exact than one with it
        template = next(path for path in sorted(document["paths"]) if _fits(path, entry.path))
        operation = document["paths"][template][entry.method.lower()]
        declared = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
        found |= {(template, name) for name in set(entry.query) - declared}
    return found


def _fits(template: str, path: str) -> bool:
    pieces = re.split(r"\{\w+\}", template)
    return re.fullmatch("[^/]+".join(re.escape(piece) for piece in pieces), path) is not None


def as_javascript(value: Json) -> Json:
    """Return JSON as it is once JavaScript has read and written it."""
    if isinstance(value, dict):
        return {name: as_javascript(content) for name, content in value.items()}
    if isinstance(value, list):
        return [as_javascript(element) for element in value]
    if isinstance(value, int) and abs(value) > _EXACT:
        return int(Decimal(repr(float(value))))  # the fewest digits that name the nearest double
    return value
