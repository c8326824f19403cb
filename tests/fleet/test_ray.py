"""`resumable fleet run --engine ray`: ten clients of four organisations, workers that die, and no secret on the way."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import finished
from tests.support.fleets import Organisations, kill, organisations, secret_of, wait_for_pages

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

CLIENTS, ORGANISATIONS, WRONG = 10, 4, 3


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Organisations]:
    """Ten clients of four organisations; the secret of the fourth is wrong, and answers take their time."""
    with organisations(tmp_path, count=ORGANISATIONS, clients=CLIENTS, wrong=WRONG, latency=0.3) as found:
        found.write(more="workers = 1\n")
        # Ray keeps its logs and its sockets here, where they are searched; a socket's path may not be long.
        temporary = Path(f"/tmp/ray-{os.getpid()}")
        found.environment |= {"RAY_TMPDIR": str(temporary), "RAY_USAGE_STATS_ENABLED": "0", "HOME": str(tmp_path)}
        found.environment |= {"RAY_enable_metrics_collection": "0"}
        try:
            yield found
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def engine(name: str) -> tuple[str, ...]:
    """Return the options of an engine."""
    return ("--engine", name, "--json", "--retry-wait", "1s")


@pytest.mark.parametrize("name", ["local", "ray"])
def test_ten_clients_of_four_organisations_are_all_right_and_nothing_is_mixed(name: str, known: Organisations) -> None:
    """One secret is wrong, one worker is killed: nine jobs are complete, each with its own organisation's records."""
    running = known.start("run", *engine(name))
    wait_for_pages(known, running, 40, seconds=120)
    victim = next(found for client, _ in known.clients if (found := known.process_of(client)) is not None)
    worker = parent_of(victim)
    kill(worker if name == "ray" else victim)
    secrets = found_in_ray(known) if name == "ray" else []
    outcome = finished(running, seconds=250)
    assert outcome.code == 4, outcome.stderr
    jobs = {job["client"]: job for job in outcome.json["jobs"]}
    assert len(jobs) == CLIENTS
    for client, _ in known.clients:
        if client == known.wrong:
            assert (jobs[client]["state"], jobs[client]["exit_code"]) == ("refused", 4)
            continue
        assert (jobs[client]["state"], jobs[client]["records"]) == ("complete", 165), jobs[client]
        known.check_records(client)
    assert "is lost; it is run again" in outcome.stderr
    assert secrets + (found_in_ray(known) if name == "ray" else []) == []


def test_a_fleet_whose_driver_is_killed_is_resumed(known: Organisations) -> None:
    """SIGKILL of the process that runs the fleet: Ray and the jobs end by themselves, and the same command finishes."""
    running = known.start("run", *engine("ray"), stderr=subprocess.DEVNULL)
    wait_for_pages(known, running, 40, seconds=120)
    before = sum(sum(sim.log.pages().values()) for sim in known.sims)
    running.kill()
    running.communicate()
    again = finished(known.start("run", *engine("local"), "--tries", "9"), seconds=250)
    jobs = {job["client"]: job for job in json.loads(again.stdout)["jobs"]}
    late = [client for client, job in jobs.items() if job["exit_code"] == 7]
    if late:  # their lock was held by a process that was finishing what it had in flight
        again = finished(known.start("run", *engine("local")), seconds=250)
    assert again.code == 4, again.stderr
    for client, _ in known.clients:
        if client != known.wrong:
            known.check_records(client)
    pages = 18 * (CLIENTS - 1)
    assert 0 < before < pages
    assert sum(sum(sim.log.pages().values()) for sim in known.sims) <= pages + CLIENTS


def test_a_signal_ends_the_jobs_on_ray_cleanly(known: Organisations) -> None:
    """SIGTERM: exit code 143, one JSON object on stdout and nothing else, and no process of a job is left."""
    running = known.start("run", *engine("ray"))
    wait_for_pages(known, running, 40, seconds=120)
    running.send_signal(signal.SIGTERM)
    stopped = finished(running, seconds=120)
    assert stopped.code == 143, stopped.stderr
    assert len(stopped.json["jobs"]) == CLIENTS
    assert not any(known.process_of(client) for client, _ in known.clients)


def parent_of(process: int) -> int:
    """Return the id of a process's parent."""
    return int((Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[1])


def found_in_ray(known: Organisations) -> list[str]:
    """Return where a secret is in what Ray keeps: its logs and its object store, which is a file in /dev/shm."""
    secrets = [secret_of(name).encode() for name, _ in known.clients] + [b"canary-wrong"]
    logs = [path for path in Path(known.environment["RAY_TMPDIR"]).rglob("*") if path.is_file()]
    assert logs, "Ray keeps its logs elsewhere"
    found = [str(path) for path in logs if any(secret in path.read_bytes() for secret in secrets)]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name = (entry / "comm").read_text()
            maps = (entry / "maps").read_text() if name.startswith("raylet") else ""
        except OSError:
            continue
        for line in {one for one in maps.splitlines() if "/dev/shm" in one or "plasma" in one}:
            place = entry / "map_files" / line.split()[0]
            content = place.read_bytes()
            found += [line] if any(secret in content for secret in secrets) else []
    return found
