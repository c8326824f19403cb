"""A private backfill: no byte of state, export and logs holds a name, a number or an address that the server has."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.simulator.world.names import FIRST_NAMES, LAST_NAMES
from tests.support.command_line import CommandLine

RANGE = ("--from", "2023-10-02", "--to", "2023-10-04")
ENDS = "2023-10-02T00:00:00Z/2023-10-04T00:00:00Z"
KEY = "correct horse battery staple"
PERSONAL = re.compile(r"tel:\+49\d+|[\w.]+@example\.net")
FAULTS = (
    SimFault(kind=FaultKind.CUT, times=1, on=Match(nth=(3,))),
    SimFault(kind=FaultKind.RECORDS_NULL, times=1, on=Match(pages=(2,), window="2023-10-03T")),
    SimFault(kind=FaultKind.NAN, times=1, on=Match(nth=(5,))),
    SimFault(kind=FaultKind.WRONG_TYPES, times=1, on=Match(nth=(7,))),
)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """Serve conversations with names, numbers and addresses, and some answers that are no pages."""
    settings = SimSettings(records=60, style=Style.LIFELIKE, rate_public=None, seed=3)
    with Simulator(settings, faults=FAULTS) as running:
        yield running


def personal(records: list[dict[str, Any]]) -> set[str]:
    """Return every name, number and address of the records."""
    found = set(PERSONAL.findall(json.dumps(records, ensure_ascii=False)))
    names = {p["participantName"] for record in records for p in record["participants"] if "participantName" in p}
    assert len(found) > 20
    assert len(names) > 20
    return found | names


def all_bytes(folder: Path, *texts: str) -> bytes:
    """Return what lies below a folder, Parquet read as text too, because its pages are compressed."""
    import pyarrow.parquet as pq

    found = [text.encode() for text in texts]
    for path in (each for each in sorted(folder.rglob("*")) if each.is_file()):
        found.append(path.read_bytes())
        if path.suffix == ".parquet":
            content = pq.ParquetFile(path)
            rows = json.dumps(content.read().to_pylist(), default=str, ensure_ascii=False)
            found += [str(content.metadata.metadata).encode(), rows.encode()]
    return b"\n".join(found)


def test_nothing_personal_is_in_any_byte(sim: Simulator, tmp_path: Path) -> None:
    """Of a run with faults, its repair, exports and every line that was written, `--preset pii` leaves no trace."""
    cli = CommandLine(sim=sim, state=tmp_path / "state")
    job = ("--job", "private")
    options = ("--preset", "pii", "--page-size", "20", "--log-json")
    said = [cli("backfill", "conversations", *RANGE, *job, *options)]
    assert sum(sim.faults_fired().values()) == len(FAULTS)
    said += [cli("resume", "private"), cli("verify", "private"), cli("verify", "private", "--online")]
    for name in ("whole.parquet", "whole.csv", "calls.jsonl"):
        table = ("--table", "interactions") if name.startswith("calls") else ()
        said.append(cli("export", "private", "--to", str(tmp_path / name), *table))
    assert [each.code for each in said] == [0] * 7, [each.stderr for each in said]
    held = all_bytes(tmp_path, *(each.stdout + each.stderr for each in said))
    truth = list(sim.truth(ENDS))
    for text in personal(truth):
        assert text.encode() not in held, text
    assert not [
        name for name in FIRST_NAMES + LAST_NAMES if name.isascii() and re.search(rf"\b{name}\b".encode(), held)
    ]
    receipt = json.loads((tmp_path / "state" / "private" / "receipt.json").read_text("utf-8"))
    assert receipt["records"] == len(truth)
    assert "participants.sessions.ani" in json.loads(receipt["query"]["privacy"])["drop"]


def test_a_plain_backfill_does_hold_them(sim: Simulator, tmp_path: Path) -> None:
    """So that the search above is one that can find."""
    sim.clear_faults()
    cli = CommandLine(sim=sim, state=tmp_path / "state")
    assert cli("backfill", "conversations", *RANGE).code == 0
    held = all_bytes(tmp_path)
    assert all(text.encode() in held for text in personal(list(sim.truth(ENDS))))


def test_the_key_of_hashes_is_where_it_is_said_to_be(sim: Simulator, tmp_path: Path) -> None:
    """A file, a variable and a command give the same hashes, and the place is remembered with the job, not the key."""
    sim.clear_faults()
    cli = CommandLine(sim=sim, state=tmp_path / "state", extra={"MY_KEY": KEY})
    place = tmp_path / "key"
    place.write_text(KEY)
    hashed = ("--hash", "participants.sessions.ani", "--hash-key")
    one_day = ("--from", "2023-10-02", "--to", "2023-10-03")
    for number, where in enumerate((f"file:{place}", "env:MY_KEY", f"command:cat {place}")):
        job = f"job-{number}"
        begun = (where, "--job", job, "--page-size", "20", "--max-requests", "1")
        assert cli("backfill", "conversations", *one_day, *hashed, *begun).code == 3
        resumed = cli("resume", job)
        assert resumed.code == 0, resumed.stderr
        assert f"--hash-key {shlex.quote(where)}" in resumed.stderr
        assert cli("export", job, "--to", str(tmp_path / f"{job}.jsonl")).code == 0
    exports = {(tmp_path / f"job-{number}.jsonl").read_bytes() for number in range(3)}
    assert len(exports) == 1
    typed = cli("backfill", "conversations", *one_day, *hashed, KEY, "--job", "typed")
    assert typed.code == 2
    place.unlink()
    assert KEY.encode() not in all_bytes(tmp_path, typed.stderr)


def test_hashes_of_one_key_are_the_same_in_jobs_and_exports(sim: Simulator, tmp_path: Path) -> None:
    """The key is in no byte; another one, or none, is refused with exit 2 before anything is asked."""
    sim.clear_faults()
    cli = CommandLine(sim=sim, state=tmp_path / "state")
    path = ("--hash", "participants.sessions.ani")
    assert cli("backfill", "conversations", *RANGE, *path).code == 2
    (tmp_path / "key").write_text(KEY)
    cli.extra = {"RESUMABLE_HASH_KEY_FILE": str(tmp_path / "key")}
    done = cli("backfill", "conversations", *RANGE, *path, "--job", "hashed")
    cli.extra = {"RESUMABLE_HASH_KEY": KEY}
    plain = cli("backfill", "conversations", *RANGE, "--job", "plain")
    assert (done.code, plain.code) == (0, 0), done.stderr
    assert cli("export", "hashed", "--to", str(tmp_path / "one.jsonl")).code == 0
    assert cli("export", "plain", "--to", str(tmp_path / "two.jsonl"), *path).code == 0
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    asked = len(sim.log)
    cli.extra = {"RESUMABLE_HASH_KEY": "another key, as long"}
    other = cli("backfill", "conversations", *RANGE, *path, "--job", "hashed")
    assert other.code == 2
    assert "query" in other.stderr
    assert len(sim.log) == asked
    (tmp_path / "key").unlink()
    assert KEY.encode() not in all_bytes(tmp_path, done.stderr, other.stderr)
