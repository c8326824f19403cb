"""Secrets are in no byte of what the product puts out; and the search for them in the whole suite works.

The search itself (canary.py) is a plugin that conftest.py registers: it goes over each test of the suite, these too.
"""

import base64
import json
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import pytest

import resumable
from resumable.redaction import Secret
from resumable.simulator.messages import SimAnswer, SimRequest
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.canary import EXCUSE, MARKS, forms, found
from tests.support.command_line import CommandLine
from tests.support.inprocess import settings_for, spec_for
from tests.support.scripted_server import Server
from tests.torture.relay import Impostor, number_of, said

pytestmark = [pytest.mark.torture, pytest.mark.timeout(120)]

Tally = Callable[[str, int], None]

SECRET = "canary-secret-+/=&é\\\"'<x>"
"""Looks different in a URL, in JSON, in HTML and in base64."""

CLEAN = 'def test(): print("nothing to see")'
LEAKS = {
    "stdout": "def test(): print(SHOWN)",
    "stderr": "import sys\ndef test(): sys.stderr.write(SHOWN)",
    "a log": "import logging\ndef test(): logging.getLogger('x').warning(SHOWN)",
    "a file": "def test(tmp_path): (tmp_path / 'a').write_text(SHOWN)",
    "a file deep down": (
        "def test(tmp_path):\n deep = tmp_path / 'a' / 'b'\n deep.mkdir(parents=True)\n (deep / 'c').write_text(SHOWN)"
    ),
    "a file of a module": (
        "import pytest\n@pytest.fixture(scope='module')\n"
        "def folder(tmp_path_factory): return tmp_path_factory.mktemp('x')\n"
        "def test(folder): (folder / 'a').write_text(SHOWN)"
    ),
    "a process": (
        "import subprocess, sys\ndef test():\n"
        " subprocess.run([sys.executable, '-c', f'print({SHOWN!r})'], capture_output=True)"
    ),
    "a process' error": (
        "import subprocess, sys\ndef test():\n"
        " subprocess.run([sys.executable, '-c', f'import sys; sys.exit({SHOWN!r})'], stderr=subprocess.PIPE)"
    ),
    "an error": "from resumable.errors import UsageError\ndef test(): UsageError(SHOWN)",
    "a hint": "from resumable.errors import StorageFailed\ndef test(): StorageFailed('x', hint=SHOWN)",
    "a fault": "from resumable.errors import StatusFault\ndef test(): StatusFault(SHOWN, status=500)",
    "the end of a test": (
        "import pytest\n@pytest.fixture\ndef ending():\n yield\n print(SHOWN)\ndef test(ending): pass"
    ),
}
"""Tests that let `SHOWN` out."""

CONFTEST = (
    "from tests.support.canary import Watch\ndef pytest_configure(config): config.pluginmanager.register(Watch())\n"
)


def inner(folder: Path, *modules: str, shown: str) -> dict[str, str]:
    """Run tests in a session of their own that is searched; return the outcome of each, by its number."""
    (folder / "conftest.py").write_text(CONFTEST)
    for number, module in enumerate(modules):
        (folder / f"test_{number}.py").write_text(f"import os\nSHOWN = os.environ['SHOWN']\n{module}\n")
    (folder / "pytest.ini").write_text(f"[pytest]\nmarkers =\n    {EXCUSE}(why): x\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "SHOWN": shown}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q", "--basetemp", str(folder / "tmp")]
    outcome = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=100)
    lines = [line.split() for line in outcome.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))]
    outcomes: dict[str, str] = {}
    for line in lines:
        name = line[1].partition("::")[0].removeprefix("test_").removesuffix(".py")
        outcomes[name] = min(outcomes.get(name, "PASSED"), line[0])
    assert len(outcomes) == len(modules), outcome.stdout + outcome.stderr
    return outcomes


@pytest.mark.shows_secrets("the tests in here leak on purpose")
def test_a_test_that_lets_a_secret_out_fails(tmp_path: Path, tally: Tally) -> None:
    """By whatever way a secret leaves, the test that did it fails, and no other does."""
    outcomes = inner(tmp_path, CLEAN, *LEAKS.values(), shown=f"<{MARKS[0]}-1>")
    assert outcomes.pop("0") == "PASSED"
    silent = [name for number, name in enumerate(LEAKS, 1) if outcomes[str(number)] == "PASSED"]
    assert not silent, f"nothing saw the leak by {silent}"
    tally("deliberate leaks that were caught", len(LEAKS))


@pytest.mark.shows_secrets("the test in here leaks on purpose")
def test_a_test_that_is_excused_may_show_a_secret(tmp_path: Path) -> None:
    """The marker is for tests whose own words hold one."""
    excused = f"import pytest\n@pytest.mark.{EXCUSE}('it is meant to')\ndef test(): print(SHOWN)"
    assert inner(tmp_path, excused, shown=MARKS[0]) == {"0": "PASSED"}


@pytest.mark.parametrize("mark", MARKS)
def test_a_secret_is_found_in_every_form(mark: str) -> None:
    """Plain, for a URL, in hex, in JSON, and in base64 at each place of a longer text, alone and as a Basic pair."""
    secret = f"{mark}-0123/+="
    shown = [secret, quote(secret, safe=""), json.dumps({"a": secret}), secret.encode().hex(), repr(Secret), ""]
    shown += [base64.b64encode(f"{'x' * n}{secret}{'y' * n}".encode()).decode() for n in range(6)]
    shown += [base64.urlsafe_b64encode(f"client:{secret}".encode()).decode()]
    shown += ["".join(f"%{byte:02X}" for byte in secret.encode())]
    for text in shown:
        assert (found(b"before " + text.encode() + b" after") is not None) is (text not in (repr(Secret), "")), text
    assert found(b"canary, simulator and secret are words") is None
    assert len(set(forms(mark))) >= 8


def _echoes(asked: SimRequest) -> list[str]:
    """Return the credentials of a request in all the forms in which an answer may hold them."""
    value = asked.headers.get("authorization", "")
    token = value.partition(" ")[2]
    plain = [value, token, quote(token, safe=""), json.dumps(value), token.encode().hex()]
    plain += [base64.b64encode(text.encode()).decode() for text in (token, value, f"xx{token}", f"x{token}y")]
    return [*plain, SECRET, quote(SECRET, safe=""), json.dumps(SECRET), base64.b64encode(SECRET.encode()).decode()]


ANSWERS: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "400": (400, lambda echo: json.dumps({"code": "bad", "message": f"you sent {echo}"}).encode()),
    "401": (401, lambda echo: json.dumps({"message": f"bad credentials: {echo}"}).encode()),
    "403": (403, lambda echo: json.dumps({"code": echo, "message": echo}).encode()),
    "404": (404, lambda echo: f"<html>{echo}</html>".encode()),
    "500": (500, lambda echo: echo.encode()),
    "200, HTML": (200, lambda echo: f"<html>Authorization: {echo}</html>".encode()),
    "200, JSON": (200, lambda echo: json.dumps({"request": {"headers": {"x": echo}}}).encode()),
    "200, cut": (200, lambda echo: json.dumps({"x": echo}).encode()[:-4]),
    "302": (302, lambda echo: b""),
    "429": (429, lambda echo: json.dumps({"message": echo}).encode()),
}


def _run_and_shown(cli: CommandLine) -> list[bytes]:
    """Run a job twice and look at it, as processes; return all that they put out."""
    day = ("--from", "2023-10-01", "--to", "2023-10-02", "--page-size", "20", "--rate", "6000", "--job", "c")
    backfill = ("backfill", "conversations", *day)
    shown = []
    for arguments in ((*backfill, "--debug"), (*backfill, "--json"), ("status", "c"), ("status", "c", "--json")):
        command = [sys.executable, "-m", "tests.torture.quickly", *arguments]
        environment = {**cli.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
        outcome = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
        shown.append(outcome.stdout + outcome.stderr)
    return shown


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("where", ["a page", "the token endpoint"])
def test_a_server_that_echoes_the_credentials_has_none_of_them_shown(
    kind: str, where: str, tmp_path: Path, tally: Tally
) -> None:
    """Secret and token in bodies, headers and addresses of answers: none in output, traceback, status or any file."""
    status, body = ANSWERS[kind]
    echoed: list[str] = []

    def instead(asked: SimRequest, answer: SimAnswer) -> Iterable[bytes] | None:
        if (asked.path == "/oauth/token") is not (where == "the token endpoint") or number_of(asked) == 1:
            return None
        echo = " | ".join(_echoes(asked))
        echoed.extend(_echoes(asked))
        flat = quote(echo, safe="")
        headers = [
            ("X-Echo", flat),
            ("Location", f"https://x.example/?{flat}"),
            ("Retry-After", "7200"),
            ("WWW-Authenticate", flat),
        ]
        return said(body(echo), headers, status=status)

    settings = SimSettings(records=45, style=Style.SMALL, rate_public=None, client_secret=SECRET)
    with Simulator(settings) as sim:
        server = Server(Impostor(sim=sim, instead=instead))
        state = tmp_path / "state"
        extra = {"GENESYS_API_URL": server.url, "GENESYS_LOGIN_URL": server.url}
        try:
            shown = _run_and_shown(CommandLine(sim=sim, state=state, extra=extra))
        finally:
            server.close()
    assert echoed, "the server never had the chance"
    for data in [*shown, *(path.read_bytes() for path in state.rglob("*") if path.is_file())]:
        assert found(data) is None, found(data)
        for echo in echoed:
            assert len(echo) < 12 or echo.encode() not in data, f"{echo!r} in {data[:2000]!r}"
    tally("places in which a server echoed a credential", len(echoed))


def test_nothing_that_can_be_looked_at_shows_the_secret(tmp_path: Path) -> None:
    """repr, str, vars, pickles and tracebacks with all locals of a job, its settings and its errors hold none."""
    with Simulator(SimSettings(records=5, style=Style.SMALL, client_secret=SECRET)) as sim:
        settings = settings_for(sim, tmp_path)
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-02"), settings)
        sim.switch(client_secret="another")
        with pytest.raises(resumable.AuthenticationFailed) as caught:
            job.run()
    whole = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = ["".join(whole.format()), repr(job), str(settings), repr(vars(settings)), repr(job.status())]
    for thing in (settings, job, settings.client_secret):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(thing)
    for text in shown:
        for form in (SECRET, quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1]):
            assert form not in text
        assert found(text.encode()) is None
