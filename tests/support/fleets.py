"""Fleets against simulators: organisations, clients with secrets of their own, the file, and what came of it."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resumable.config import Settings
from resumable.job.making import find
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine, finished

RANGE = "2023-10-01T00:00:00Z/2023-10-04T00:00:00Z"


@dataclass(kw_only=True)
class Organisations:
    """Some simulated organisations, each with clients, and a fleet of a job for each client."""

    sims: list[Simulator]
    folder: Path
    secrets: Path
    """A folder for files with secrets, which is gone when the test ends."""
    clients: list[tuple[str, int]]
    """The name of each, and the place of its organisation."""
    wrong: str = ""
    """The client whose secret is wrong."""
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, *, more: str = "") -> Path:
        """Write the fleet: half of the clients name a variable for their secret, the others a file."""
        path, tables = self.folder / "fleet.toml", []
        for number, (name, place) in enumerate(self.clients):
            secret = f"canary-wrong-{name}" if name == self.wrong else secret_of(name)
            self.environment[f"ID_{number}"] = name
            if number % 2:
                kept = self.secrets / f"secret-{number}"
                kept.write_text(f"{secret}\n")
                said = f'client_secret_file = "{kept}"'
            else:
                self.environment[f"SECRET_{number}"] = secret
                said = f'client_secret_env = "SECRET_{number}"'
            tables.append(
                f'[client.{name}]\napi_url = "{self.sims[place].url}"\nclient_id_env = "ID_{number}"\n{said}\n'
                f'[[job]]\nclient = "{name}"\ndataset = "conversations"\nfrom = 2023-10-01\nto = 2023-10-04\n'
                f"page_size = 10\n{more}"
            )
        path.write_text("\n".join(tables))
        return path

    @property
    def cli(self) -> CommandLine:
        """A command line without credentials of its own."""
        line = CommandLine(sim=self.sims[0], state=self.folder / "state")
        nothing = dict.fromkeys(
            ("GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET", "GENESYS_API_URL", "GENESYS_LOGIN_URL"), ""
        )
        line.extra = {**nothing, **self.environment}
        return line

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - as Popen takes them
        """Start a command on the fleet as a process."""
        return self.cli.start("fleet", *arguments, str(self.folder / "fleet.toml"), **options)

    def job_of(self, client: str) -> str:
        """Return the name of the job of a client."""
        return f"{client}-conversations-2023-10-01-to-2023-10-04"

    def process_of(self, client: str) -> int | None:
        """Return the id of the process that runs a client's job on this machine; None where there is none."""
        job, here = f"--job={self.job_of(client)}".encode(), [sim.url.encode() for sim in self.sims]
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                # Tests that run beside this one have jobs of the same names, at other servers.
                if job in words and b"resumable" in words and any(u in (entry / "environ").read_bytes() for u in here):
                    return int(entry.name)
        return None

    def check_records(self, client: str) -> None:
        """Assert that a client's job holds all records of its organisation, and no others."""
        place = dict(self.clients)[client]
        records = list(find(self.job_of(client), Settings(state=self.folder / "state")).records())
        truth = {record["conversationId"] for record in self.sims[place].truth(RANGE)}
        assert sorted(record["conversationId"] for record in records) == sorted(truth), client


@contextlib.contextmanager
def organisations(
    folder: Path,
    *,
    count: int,
    clients: int,
    wrong: int | None = None,
    **more: Any,  # noqa: ANN401 - any setting
) -> Iterator[Organisations]:
    """Start so many organisations with so many clients, dealt out in turns."""
    names = [f"client{number}" for number in range(clients)]
    with contextlib.ExitStack() as stack:
        sims = [
            stack.enter_context(
                Simulator(
                    SimSettings(
                        organisation=f"Organisation {place}",
                        seed=100 + place,
                        records=55,  # the last page of a day is not full: no request more than pages
                        style=Style.SMALL,
                        rate_public=None,
                        more_clients={name: secret_of(name) for name in names[place::count]},
                        **more,
                    )
                )
            )
            for place in range(count)
        ]
        yield Organisations(
            sims=sims,
            folder=folder,
            secrets=Path(stack.enter_context(tempfile.TemporaryDirectory())),
            clients=[(name, number % count) for number, name in enumerate(names)],
            wrong="" if wrong is None else names[wrong],
        )


def secret_of(name: str) -> str:
    """Return the secret of a client."""
    return f"canary-secret-of-{name}"


def kill(process: int) -> None:
    """Kill a process at once."""
    os.kill(process, signal.SIGKILL)


def pages_asked(known: Organisations) -> int:
    """Return how often a page was asked for, of all organisations."""
    return sum(sim.log.count(Kind.CONVERSATIONS) for sim in known.sims)


def wait_for_pages(known: Organisations, process: subprocess.Popen[str], count: int, *, seconds: float = 20) -> None:
    """Wait until so many pages have been asked for."""
    for _ in range(round(seconds * 100)):
        if pages_asked(known) >= count:
            return
        assert process.poll() is None, finished(process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    process.kill()
    raise AssertionError(f"too few pages in {seconds:g} s: {finished(process)}")
