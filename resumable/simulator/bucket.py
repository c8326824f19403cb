"""A bucket on this machine, by a program that is installed beside this one: SeaweedFS, a real store, or moto."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONTAINER = "demo"


@dataclass(frozen=True, kw_only=True)
class LocalBucket:
    """A store that runs; it needs a moment before it answers."""

    program: str
    url: str
    variables: dict[str, str]
    """What a client of it needs, as AWS's own tools read it."""

    def make_container(self) -> None:
        """Make the bucket, where it is not there; SeaweedFS makes one with its first object. Raises OSError."""
        if self.program == "moto":
            request = urllib.request.Request(f"{self.url}/{CONTAINER}", method="PUT")  # noqa: S310 - loopback
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - loopback
                pass


@contextlib.contextmanager
def local_bucket(folder: Path) -> Iterator[LocalBucket | None]:
    """Run a store on loopback, with its data in a folder that is there; None where no program for it is installed."""
    for name, command in (("weed", _seaweed), ("moto_server", _moto)):
        program = _program(name)
        if program is None:
            continue
        keys = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}
        port, arguments = command(folder, keys)
        with (
            open(folder / "log", "wb") as log,
            subprocess.Popen(  # noqa: S603 - a store that was installed for this, with arguments of this module
                [program, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder
            ) as process,
        ):
            try:
                yield _found("SeaweedFS" if name == "weed" else "moto", port, keys)
            finally:
                process.kill()
        return
    yield None


def _found(program: str, port: int, keys: dict[str, str]) -> LocalBucket:
    url = f"http://127.0.0.1:{port}"
    return LocalBucket(program=program, url=url, variables={"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", **keys})


def _program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if os.access(beside, os.X_OK) else shutil.which(name)


def _seaweed(folder: Path, keys: dict[str, str]) -> tuple[int, list[str]]:
    ports = _ports(4)
    (folder / "data").mkdir()
    credentials = [{"accessKey": keys["AWS_ACCESS_KEY_ID"], "secretKey": keys["AWS_SECRET_ACCESS_KEY"]}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = [{"name": "demo", "credentials": credentials, "actions": actions}]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": identities}), encoding="utf-8")
    return ports[3], [
        *("-logtostderr=true", "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-master.port={ports[0]}", f"-volume.port={ports[1]}", f"-filer.port={ports[2]}", "-filer=true"),
        *(
            "-s3=true",
            f"-s3.port={ports[3]}",
            f"-s3.config={folder / 's3.json'}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.iam=false",
        ),
        *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-master.telemetry=false"),
    ]


def _moto(folder: Path, keys: dict[str, str]) -> tuple[int, list[str]]:
    (port,) = _ports(1)
    return port, ["-H", "127.0.0.1", "-p", str(port)]


def _ports(count: int) -> list[int]:
    """Find free ports, of which those 10,000 above are free too: SeaweedFS takes them without being asked."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            port = 10_000 + secrets.randbelow(20_000)
            try:
                for each in (port, port + 10_000):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", each))
            except OSError:
                continue
            found.append(port)
    return found
