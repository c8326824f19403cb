"""What goes wrong for a new user, each as it is met: one paragraph, the next command, the documented exit code."""

import shutil
import sqlite3
import ssl
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from resumable.config import Policy
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from tests.support.command_line import RANGE, CommandLine, Outcome

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "mine")
NOBODY = "http://127.0.0.1:9"
REAL = {"GENESYS_API_URL": "", "GENESYS_LOGIN_URL": "", "GENESYS_REGION": "eu-central-1"}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is set, and what is to be said."""

    set: dict[str, str]
    code: int
    says: tuple[str, ...]


TROUBLES = {
    "no credentials": Trouble(
        set={"GENESYS_CLIENT_ID": "", "GENESYS_CLIENT_SECRET": ""},
        code=4,
        says=("GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET are not set", "'client credentials'"),
    ),
    "no region": Trouble(
        set={"GENESYS_API_URL": "", "GENESYS_LOGIN_URL": ""},
        code=2,
        says=("no Genesys Cloud region is set", "GENESYS_REGION", "resumable demo"),
    ),
    "a region that is none": Trouble(
        set={**REAL, "GENESYS_REGION": "eu-central"},
        code=2,
        says=("'eu-central' is not a Genesys Cloud region", "eu-central-1"),
    ),
    "a wrong secret": Trouble(
        set={"GENESYS_CLIENT_SECRET": "not-the-one"},
        code=4,
        says=("refused the client credentials", "Tokens come from 127.0.0.1", "Check GENESYS_CLIENT_ID"),
    ),
    "nobody answers": Trouble(
        set={"GENESYS_API_URL": NOBODY, "GENESYS_LOGIN_URL": NOBODY},
        code=3,
        says=("connection refused", "Tokens come from 127.0.0.1", "Run the same command"),
    ),
    "a proxy that is down": Trouble(
        set={**REAL, "RESUMABLE_PROXY": NOBODY},
        code=3,
        says=("connection refused", "login.mypurecloud.de", "through the proxy 127.0.0.1"),
    ),
    "a proxy without a scheme": Trouble(
        set={**REAL, "RESUMABLE_PROXY": "proxy.example.com:8080"},
        code=2,
        says=("https:// is missing before the address of the proxy",),
    ),
    "certificates that are not there": Trouble(
        set={**REAL, "RESUMABLE_CA_BUNDLE": "/nowhere/ca.pem"},
        code=2,
        says=("cannot read certificates from /nowhere/ca.pem", "PEM file"),
    ),
}


def assert_friendly(outcome: Outcome, code: int, *says: str) -> None:
    """Check that the last thing said is one paragraph with all that it has to say, and its exit code at its end."""
    assert outcome.code == code, outcome.stderr
    lines = outcome.stderr.rstrip().splitlines()
    heads = [
        number for number, line in enumerate(lines) if line.startswith(("error: ", "incomplete: ", "interrupted: "))
    ]
    assert len(heads) == 1, outcome.stderr
    paragraph = lines[heads[0] :]
    assert all(line.startswith("  ") for line in paragraph[1:])
    assert paragraph[-1].endswith(f"exit {code}")
    text = " ".join(line.strip() for line in paragraph)
    assert [phrase for phrase in says if phrase not in text] == [], text
    assert "Traceback" not in outcome.stderr


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not answer is tried twice, not six times."""
    monkeypatch.setitem(Policy.__init__.__kwdefaults__ or {}, "attempts", 2)


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_what_is_set_wrong_is_said_with_what_to_do(trouble: Trouble, cli: CommandLine) -> None:
    """A setting that is missing, mistyped or leads nowhere is named, and nothing was downloaded."""
    cli.extra = trouble.set
    assert_friendly(cli(*BACKFILL, "--patience", "1s"), trouble.code, *trouble.says)
    assert not [*cli.state.rglob("page-*")]


def test_a_certificate_that_has_expired_is_named(cli: CommandLine, tmp_path: Path) -> None:
    """The host and what is wrong with its certificate; no credentials went there."""
    authority, past = trustme.CA(), datetime(2020, 1, 1, tzinfo=UTC)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_before=past, not_after=past.replace(year=2021)).configure_cert(context)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of connections that are broken off."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"https://127.0.0.1:{server.server_address[1]}"
        ours = {"GENESYS_API_URL": address, "GENESYS_LOGIN_URL": address}
        cli.extra = {**ours, "RESUMABLE_CA_BUNDLE": str(tmp_path / "ca.pem")}
        try:
            outcome = cli(*BACKFILL)
        finally:
            server.shutdown()
            thread.join()
    assert_friendly(outcome, 3, "expired", "Tokens come from 127.0.0.1", "Fix that")
    assert asked == []


def test_a_permission_that_is_missing_is_named(cli: CommandLine) -> None:
    """The server's own word for it, and what to do about it."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=403, times=1, on=Match(kinds=(Kind.CONVERSATIONS,))))
    assert_friendly(cli(*BACKFILL), 4, "missing.permissions", "Give the OAuth client a role with the permission named")


def test_a_disk_without_room_is_said_before_anything_is_asked(cli: CommandLine) -> None:
    """How much is free, how much is wanted, and how to begin all the same."""
    cli.extra = {"RESUMABLE_MIN_FREE": str(10**15)}
    assert_friendly(cli(*BACKFILL), 5, "free", "RESUMABLE_MIN_FREE=0")
    assert len(cli.sim.log) == 0


def test_a_second_run_of_a_job_says_who_has_it(cli: CommandLine) -> None:
    """The process that runs it, and how to look on."""
    cli.sim.inject(SimFault(kind=FaultKind.SLOW, times=None))
    first = cli.start(*BACKFILL)
    try:
        cli.requests_sent(first, least=1)
        assert_friendly(cli(*BACKFILL), 7, f"pid {first.pid}", "resumable status mine")
    finally:
        first.kill()
        first.communicate()


def test_a_state_folder_that_was_moved_is_thought_of(cli: CommandLine, tmp_path: Path) -> None:
    """A job that is not where it is looked for: the error asks; with the new place the job carries on."""
    assert cli(*BACKFILL, "--max-requests", "3").code == 3
    shutil.move(cli.state, tmp_path / "elsewhere")
    for command in (("resume", "mine"), ("status", "mine"), ("verify", "mine"), ("repair", "mine"), ("resume",)):
        assert_friendly(cli(*command), 2, "there is no job", "Was the state folder moved?", "RESUMABLE_STATE")
    assert cli("resume", "mine", "--state", str(tmp_path / "elsewhere")).code == 0
    assert sum(cli.sim.log.pages().values()) == 9


def test_a_job_of_a_newer_version_is_left_untouched(cli: CommandLine) -> None:
    """An old program and a new job: nothing is changed, and the version that can is named."""
    assert cli(*BACKFILL, "--max-requests", "3").code == 3
    manifest = cli.state / "mine" / "manifest.sqlite"
    with closing(sqlite3.connect(manifest, isolation_level=None)) as database:
        database.execute("PRAGMA user_version=99")
    before = manifest.read_bytes()
    for command in (BACKFILL, ("resume", "mine"), ("status", "mine"), ("verify", "mine"), ("repair", "mine")):
        outcome = cli(*command)
        assert outcome.code in (6, 8), outcome.stderr
        assert "newer version" in outcome.stdout + outcome.stderr
    assert manifest.read_bytes() == before
