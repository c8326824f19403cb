"""`resumable fleet` on this machine: processes, with clients of several organisations, secrets, kills and signals."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import Outcome, finished
from tests.support.fleets import Organisations, kill, organisations, pages_asked, wait_for_pages


def test_one_command_runs_all_clients_and_tells_which_secret_is_wrong(tmp_path: Path) -> None:
    """Two organisations, three clients, one of them refused: the others are right, nothing is mixed, exit code 4."""
    with organisations(tmp_path, count=2, clients=3, wrong=1) as known:
        known.write()
        outcome = finished(known.start("run", "--json"))
        assert outcome.code == 4, outcome.stderr
        jobs = {job["client"]: job for job in outcome.json["jobs"]}
        assert {name: (job["state"], job["exit_code"]) for name, job in jobs.items()} == {
            "client0": ("complete", 0), "client1": ("refused", 4), "client2": ("complete", 0),
        }  # fmt: skip
        assert "refused the client credentials" in jobs["client1"]["message"]
        assert (jobs["client0"]["pages"], jobs["client0"]["records"]) == (18, 165)
        for client in ("client0", "client2"):
            known.check_records(client)
        seen = known.cli("fleet", "status", str(tmp_path / "fleet.toml"))
        rows = [line.split() for line in seen.stdout.splitlines()]
        assert [row[:3] for row in rows[1:]] == [
            ["client0", known.job_of("client0"), "complete"],
            ["client1", known.job_of("client1"), rows[2][2]],
            ["client2", known.job_of("client2"), "complete"],
        ]
        assert rows[2][2] != "complete"
        plan = known.cli("fleet", "plan", str(tmp_path / "fleet.toml"), "--json")
        assert plan.code == 0, plan.stderr
        assert [job["requests"] for job in plan.json["jobs"]] == [0, None, 0]
        assert plan.json["unknown"] == 1


@pytest.mark.long
def test_a_job_whose_process_is_killed_is_resumed(tmp_path: Path) -> None:
    """SIGKILL in the middle of a job: it is run again, asks for no recorded page again, and the fleet is complete."""
    with organisations(tmp_path, count=1, clients=1, latency=0.1) as known:
        known.write(more="workers = 1\n")
        running = known.start("run", "--json")
        wait_for_pages(known, running, 6)
        victim = known.process_of("client0")
        assert victim is not None
        kill(victim)
        outcome = finished(running)
        assert outcome.code == 0, outcome.stderr
        assert "its process is lost; it is run again in 2 s" in outcome.stderr
        known.check_records("client0")
        assert pages_asked(known) <= 18 + 1


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_all_jobs_cleanly_and_says_what_is_safe(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """No process is left, each job can be resumed at once, and the same command finishes."""
    with organisations(tmp_path, count=1, clients=2, latency=0.1) as known:
        known.write(more="workers = 1\n")
        running = known.start("run", "--json")
        wait_for_pages(known, running, 6)
        running.send_signal(number)
        stopped = finished(running)
        assert stopped.code == code, stopped.stderr
        assert "stopping: 2 running jobs may finish what is in flight" in stopped.stderr
        assert stopped.json["error"]["hint"] == "What is recorded is safe. Run the same command to resume."
        assert {job["state"] for job in stopped.json["jobs"]} == {"interrupted"}
        assert not any(known.process_of(client) for client, _ in known.clients)
        again = finished(known.start("run"))
        assert again.code == 0, again.stderr
        assert pages_asked(known) == 2 * 18
        assert again.stdout.count("complete") == 2


@pytest.mark.long
def test_jobs_end_when_the_fleet_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the fleet's own process: its jobs end in good order by themselves, and the next run finishes them."""
    with organisations(tmp_path, count=1, clients=1, latency=0.1) as known:
        known.write(more="workers = 1\n")
        running = known.start("run", stderr=subprocess.DEVNULL)
        wait_for_pages(known, running, 4)
        running.kill()
        running.communicate()
        again = _until_unlocked(known)
        assert again.code == 0, again.stderr
        known.check_records("client0")
        assert pages_asked(known) == 18


def _until_unlocked(known: Organisations) -> Outcome:
    for _ in range(20):
        again = finished(known.start("run", "--json"))
        if json.loads(again.stdout)["jobs"][0]["exit_code"] != 7:
            return again
    raise AssertionError("the job is locked for ever")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("walk", "fleet.toml"), "fleet takes run, plan or status, not 'walk'"),
        (("run", "nothing.toml"), "nothing.toml"),
        (("run", "{}", "--engine", "spark"), "--engine is local or ray"),
        (("run", "{}", "--address", "auto"), "--address is of the engine ray"),
        (("run", "{}", "--retry-wait", "soon"), "--retry-wait"),
    ],
)
def test_what_is_typed_wrong_changes_nothing(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """A usage error before anything is begun."""
    with organisations(tmp_path, count=1, clients=1) as known:
        path = known.write()
        outcome = known.cli("fleet", *(argument.format(path) for argument in arguments))
        assert outcome.code == 2
        assert words in outcome.stderr
        assert not (tmp_path / "state").exists()
        assert len(known.sims[0].log) == 0
