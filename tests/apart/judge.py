"""What a job came to, seen from outside: exit codes, the parts as pyarrow reads them, the export, against the truth."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from tests.apart.contracts import Contract
from tests.apart.desk import Desk
from tests.apart.details import without_attributes
from tests.apart.truth import FIRST_DAY, Period, Record, World, written

SHOWN = 3


def in_parts(desk: Desk, contract: Contract, job: str = "j") -> Counter[str]:
    """Return how often each record's key, or each user's period, is in the parts."""
    rows: list[Record] = []
    for part in desk.parts(job):
        columns = ["userId", "primaryPresence", "routingStatus"] if contract.of_users else [contract.key]
        # One file at a time, and not as a dataset: the folder's name is no column of the table.
        rows += pq.ParquetFile(part).read(columns=columns).to_pylist()
    if contract.of_users:
        return Counter(map(str, periods_of(rows)))
    return Counter(str(row[contract.key]) for row in rows)


def exported(desk: Desk, job: str = "j", *more: str) -> list[Record]:
    """Return the records of an export in JSON Lines."""
    outcome = desk("export", job, "--to", "-", "--format", "jsonl", *more)
    assert outcome.code == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def periods_of(records: Iterable[Record]) -> list[Period]:
    """Return every period of users' details, as often as it comes."""
    return [
        (
            record["userId"],
            listed,
            _moment(one["startTime"]),
            _moment(one.get("endTime")),
            str(one.get("systemPresence") or one.get("routingStatus")),
        )
        for record in records
        for listed in ("primaryPresence", "routingStatus")
        for one in record.get(listed) or ()
    ]


def _moment(value: object) -> str:
    return written(value) if isinstance(value, datetime) else str(value)


def plain(content: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON without what is null in it: absent and null are the same."""
    if isinstance(content, dict):
        return {name: plain(value) for name, value in content.items() if value is not None}
    return [plain(one) for one in content] if isinstance(content, list) else content


def wrong_with(desk: Desk, contract: Contract, *, days: int = 3, job: str = "j") -> str:
    """Say how parts and export differ from what the server has; nothing where they do not."""
    world = desk.wire.cloud.world
    records = exported(desk, job)
    if contract.of_users:
        wanted = _periods(world, days)
        kept = in_parts(desk, contract, job)
        # Two takes of what repeats may both be in the parts; the export has each period once.
        parts = _difference(Counter(map(str, wanted)), Counter(set(kept)))
        return parts or _difference(Counter(map(str, wanted)), Counter(map(str, periods_of(records))), "export")
    truth = contract.truth(world, days=days)
    keys = Counter(str(record[contract.key]) for record in truth)
    found = in_parts(desk, contract, job)
    # A record that the server sent twice is in the parts twice, and is told; the export has it once.
    parts = _difference(keys, Counter(set(found)))
    whole = _whole(records)
    if contract.either:
        same = {_text(without_attributes(one)): _text(one) for one in truth}
        whole = Counter({same.get(text, text): count for text, count in whole.items()})
    return parts or _difference(_whole(truth), whole, "export")


def _periods(world: World, days: int) -> Sequence[Period]:
    end = FIRST_DAY.timestamp() + days * 86_400
    return [one.period for one in world.all_documents if one.start.timestamp() < end]


def _whole(records: Iterable[Record]) -> Counter[str]:
    return Counter(map(_text, records))


def _text(record: Record) -> str:
    return json.dumps(plain(record), sort_keys=True, ensure_ascii=False)


def _difference(wanted: Counter[str], found: Counter[str], where: str = "parts") -> str:
    missing, surplus = wanted - found, found - wanted
    if not missing and not surplus:
        return ""
    some = [text[:80] for text in [*missing, *surplus][:SHOWN]]
    return f"{where}: {missing.total()} of {wanted.total()} missing, {surplus.total()} too many, such as {some}"
