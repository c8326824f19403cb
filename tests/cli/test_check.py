"""`resumable check`: everything that a run needs, looked at before anything runs."""

import re
import shutil
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from tests.support.command_line import CommandLine


def found(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a check found, by name."""
    return {checked["name"]: checked for checked in content["checks"]}


def test_it_says_all_that_a_run_needs_and_changes_nothing(cli: CommandLine) -> None:
    """Every part is named, for people a line each, and neither a job on the server nor a file is left behind."""
    cli.sim.switch(rate_public=300)
    outcome = cli("check")
    assert outcome.code == 0, outcome.stderr
    names = [line[2:14].strip() for line in outcome.stdout.splitlines()]
    assert names == [
        *("region", "credentials", "organisation", "permissions", "rate limit", "clock"),
        *("state", "extras", "versions"),
    ]
    assert "checked: nothing is wrong" in outcome.stderr
    assert not cli.state.exists()
    assert cli.sim.jobs_alive == []
    content = cli("check", "--json").json
    checks = found(content)
    assert content["ok"] is True
    assert checks["organisation"]["named"] == "Simulated Support"
    assert set(checks["permissions"]["datasets"].values()) == {"ok"}
    assert checks["rate limit"]["per_minute"] == 300
    assert checks["rate limit"]["used_by_others"] == 0
    assert checks["state"]["jobs"] == 0


def test_a_missing_permission_is_named_and_is_an_error_where_it_was_asked_for(cli: CommandLine) -> None:
    """One of many datasets that cannot be read is a note, with the permission as the administration shows it."""
    cli.sim.inject(
        SimFault(kind=FaultKind.STATUS, status=403, times=None, on=Match(kinds=(Kind.USER_DETAILS,), pages=(1,)))
    )
    outcome = cli("check")
    assert outcome.code == 0, outcome.stderr
    assert "user-details missing: Analytics > User Detail > View" in outcome.stdout
    assert "conversations ok" in outcome.stdout
    asked = cli("check", "user-details", "--json")
    assert asked.code == 4
    assert "user-details" in asked.json["error"]["message"]
    assert found(asked.json)["permissions"]["verdict"] == "wrong"


@pytest.mark.parametrize(
    ("changed", "code", "name"),
    [
        ({"GENESYS_CLIENT_SECRET": "wrong-secret-1234"}, 4, "credentials"),
        ({"GENESYS_CLIENT_ID": ""}, 4, "credentials"),
        ({"GENESYS_API_URL": "", "GENESYS_LOGIN_URL": ""}, 2, "region"),
    ],
)
def test_what_is_wrong_is_its_exit_code(changed: dict[str, str], code: int, name: str, cli: CommandLine) -> None:
    """The first of what would end a run is the error, and what needs no server is looked at all the same."""
    cli.extra.update(changed)
    outcome = cli("check", "--json")
    assert outcome.code == code
    checked = found(outcome.json)
    assert checked[name]["verdict"] == "wrong"
    assert {"state", "extras", "versions"} <= checked.keys()


def test_others_on_the_same_limit_are_counted(cli: CommandLine) -> None:
    """What other programs used of this minute's requests is told apart from what the check itself sent."""
    cli.sim.switch(rate_public=300, other_traffic=500.0)
    checked = found(cli("check", "users", "--json").json)
    assert checked["rate limit"]["used_by_others"] > 0


@pytest.mark.parametrize(("year", "verdict"), [("2023", "note"), (None, "ok")])
def test_a_clock_that_is_off_is_worth_a_note(year: str | None, verdict: str, cli: CommandLine) -> None:
    """The server's time is compared with this machine's, and a run would go all the same."""
    told = format_datetime(datetime.now(UTC), usegmt=True)
    told = told if year is None else re.sub(" [0-9]{4} ", f" {year} ", told)
    cli.sim.inject(SimFault(kind=FaultKind.HEADER, headers=(("Date", told),), times=None))
    outcome = cli("check", "users", "--json")
    assert outcome.code == 0
    assert found(outcome.json)["clock"]["verdict"] == verdict


def test_a_state_that_no_job_can_lie_in_is_an_error(cli: CommandLine, tmp_path: Path) -> None:
    """A file in the folder's place is a usage error, and a disk with less room than a run wants a storage error."""
    plain = tmp_path / "plain"
    plain.write_text("")
    assert cli("check", "users", "--state", str(plain)).code == 2
    cli.extra["RESUMABLE_MIN_FREE"] = str(shutil.disk_usage(tmp_path).free * 2)
    assert cli("check", "users").code == 5
