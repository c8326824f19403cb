"""Nothing but the configured origins is ever contacted: whole runs in a network of their own, and full of traps."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from resumable.simulator.messages import SimAnswer, SimRequest
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support import machine
from tests.support.command_line import CommandLine, finished
from tests.support.scripted_server import Server, answer, saying
from tests.support.truth import assert_equal_to_truth
from tests.torture.relay import Impostor, number_of, said

pytestmark = [pytest.mark.torture, pytest.mark.timeout(120)]

Tally = Callable[[str, int], None]

INSIDE = Path(__file__).parent / "inside_network.py"
DAY = ("--from", "2023-10-01", "--to", "2023-10-03", "--page-size", "20", "--rate", "6000", "--job", "net")


def quickly(cli: CommandLine) -> "subprocess.CompletedProcess[str]":
    """Run a backfill as a process that makes one attempt a page, and waits for no end of an outage."""
    return subprocess.run(
        [sys.executable, "-m", "tests.torture.quickly", "backfill", "conversations", *DAY, "--patience", "2s"],
        env={**cli.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def alone() -> list[str]:
    """Return the beginning of a command that runs in a network with nothing but loopback."""
    machine.need("unshare", "ip", "strace")
    command = ["unshare", "-n", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        machine.forbidden(f"a network of its own: {tried.stderr.strip()[:100]}")
    return command


@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount", "conversation-jobs"])
def test_a_whole_run_needs_and_tries_nothing_but_loopback(
    dataset: str, alone: list[str], tmp_path: Path, tally: Tally
) -> None:
    """Cut off from every network a run ends whole, and none of its processes so much as tried another address."""
    traced = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(traced)]
    outcome = subprocess.run(
        [*alone, *strace, sys.executable, str(INSIDE), str(tmp_path / "state"), dataset, *DAY],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert json.loads(outcome.stdout)["state"] == "complete"
    places = [line for line in traced.read_text().splitlines() if "AF_" in line]
    strange = [line for line in places if 'inet_addr("127.0.0.1")' not in line]
    assert places, "the trace saw nothing"
    assert not strange, "\n".join(strange[:10])
    tally("connections of whole runs, all of them to the configured origin", len(places))


def test_the_trace_sees_a_connection_elsewhere(alone: list[str], tmp_path: Path) -> None:
    """What the test above looks for would be found: a connection to another address leaves a line."""
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 443), 1)\nexcept OSError as e: print(e)"
    traced = tmp_path / "trace"
    command = [*alone, "strace", "-f", "-qq", "-e", "trace=connect", "-o", str(traced), sys.executable, "-c", code]
    assert "unreachable" in subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    assert "192.0.2.1" in traced.read_text()


@pytest.fixture
def trap() -> Iterable[Server]:
    """Serve an origin that nobody should ever ask."""
    server = Server(saying(answer(b'{"stolen":1}')))
    yield server
    server.close()
    assert server.connections == [], "the other origin was contacted"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 306, 307, 308])
@pytest.mark.parametrize("where", ["a page", "the token endpoint"])
def test_no_redirect_is_followed_in_a_run(status: int, where: str, trap: Server, tmp_path: Path) -> None:
    """A page or a login that redirects for ever ends in exit 3 or 4, and the place it points to hears nothing."""

    def instead(asked: SimRequest, _: SimAnswer) -> Iterable[bytes] | None:
        if (asked.path == "/oauth/token") is not (where == "the token endpoint") or number_of(asked) == 1:
            return None
        return said(b"", [("Location", f"{trap.url}{asked.path}")], status=status)

    with Simulator(SimSettings(records=45, style=Style.SMALL, rate_public=None)) as sim:
        server = Server(Impostor(sim=sim, instead=instead))
        extra = {"GENESYS_API_URL": server.url, "GENESYS_LOGIN_URL": server.url}
        try:
            outcome = quickly(CommandLine(sim=sim, state=tmp_path / "state", extra=extra))
        finally:
            server.close()
    assert outcome.returncode == 3, outcome.stderr
    assert f"{status}" in outcome.stderr


def test_a_run_takes_nothing_from_netrc_proxies_or_bundles_of_the_environment(trap: Server, tmp_path: Path) -> None:
    """With netrc, proxies and CA bundles set that would all lead astray, a real process ends whole and asks none."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login thief password netrc-password\n")
    netrc.chmod(0o600)
    names = [f"{scheme}_proxy" for scheme in ("http", "https", "all", "ftp")]
    extra = dict.fromkeys((*names, *map(str.upper, names)), trap.url)
    extra |= {"NETRC": str(netrc), "HOME": str(tmp_path)}
    extra |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"), "/nonexistent")
    with Simulator(SimSettings(records=45, style=Style.SMALL, rate_public=None)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state", extra=extra)
        outcome = finished(cli.start("backfill", "conversations", *DAY))
        assert outcome.code == 0, outcome.stderr
        assert_equal_to_truth(cli.job("net"), sim, dataset="conversations")


@pytest.mark.parametrize("field", ["nextUri", "selfUri", "pageUri", "nextPage", "cursor", "jobId", "uri"])
def test_addresses_in_answers_lead_nowhere(field: str, trap: Server, tmp_path: Path) -> None:
    """An absolute address in any member of an answer, or as a job's id or cursor, is never gone to."""

    def instead(asked: SimRequest, good: SimAnswer) -> Iterable[bytes] | None:
        if asked.path == "/oauth/token":
            return None
        body = json.loads(good.render() or b"{}")
        return said(json.dumps({**body, field: f"{trap.url}/x"}).encode(), good.headers, status=good.status)

    with Simulator(SimSettings(records=45, style=Style.SMALL, rate_public=None)) as sim:
        impostor = Impostor(sim=sim, instead=instead)
        server = Server(impostor)
        extra = {"GENESYS_API_URL": server.url, "GENESYS_LOGIN_URL": server.url}
        cli = CommandLine(sim=sim, state=tmp_path / "state", extra=extra)
        dataset = "conversation-jobs" if field in ("cursor", "jobId") else "conversations"
        try:
            # A job on the server whose cursor is refused is made anew, each time after a longer wait.
            outcome = cli("backfill", dataset, *DAY, "--max-duration", "20s")
        finally:
            server.close()
    assert outcome.code in (0, 3, 9), outcome.stderr
    assert impostor.requests
    assert all(request.target.startswith("/") for request in impostor.requests)


def test_a_port_that_nobody_listens_on_ends_the_run(tmp_path: Path) -> None:
    """Refused connections for ever: exit 3 in bounded time, nothing recorded."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Simulator(SimSettings(records=5)) as sim:
        extra = {"GENESYS_API_URL": f"http://127.0.0.1:{port}"}
        process = quickly(CommandLine(sim=sim, state=tmp_path / "state", extra=extra))
    assert process.returncode == 3, process.stderr
    assert "refused" in process.stderr
    assert not list(tmp_path.glob("state/net/parts/*/*"))
