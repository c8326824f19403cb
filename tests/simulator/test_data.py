"""The data: seeded, complete, awkward on purpose, and the same everywhere."""

import hashlib
import json
import os
import random
import subprocess
import sys

import pytest

from resumable.simulator.json_values import Json
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.simulator.world import fields
from resumable.simulator.world.conversations import leaves_of
from resumable.simulator.world.filters import Filter
from resumable.simulator.world.organisation import SimulatedList
from resumable.simulator.world.times import DAY_MS, stamp
from resumable.simulator.world.truth import Dataset, find_truth
from resumable.simulator.world.world import Matching, Selector, World

DAY = 19631  # 2023-10-01
PROGRAM = """
import hashlib
from resumable.simulator.settings import SimSettings
from resumable.simulator.world.times import DAY_MS, stamp
from resumable.simulator.world.truth import find_truth
from resumable.simulator.world.filters import Filter
from resumable.simulator.world.world import Matching, Selector, World
world = World(SimSettings(seed=7, records=40))
found = hashlib.sha256()
for number in range(40):
    found.update(world.render((19631, number), attributes=True))
print(found.hexdigest())
"""


def records(world: World, count: int) -> list[Json]:
    return [json.loads(world.render((DAY, number), attributes=True)) for number in range(count)]


def test_two_processes_with_different_hash_seeds_make_the_same_bytes() -> None:
    """The same seed gives the same bytes in every process."""
    found = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        found.add(
            subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True).stdout
        )
    assert len(found) == 1


def test_the_order_of_access_does_not_change_the_data() -> None:
    """A record is the same whatever was looked at before it."""
    first, second = World(SimSettings(seed=3, records=60)), World(SimSettings(seed=3, records=60))
    seed = random.randrange(10**6)
    print("seed", seed)
    order = [(day, number) for day in (DAY, DAY + 1) for number in range(60)]
    straight = {ref: first.render(ref, attributes=False) for ref in order}
    random.Random(seed).shuffle(order)
    assert straight == {ref: second.render(ref, attributes=False) for ref in order}


def test_another_seed_is_another_world() -> None:
    """Two seeds share no conversation."""
    first, second = World(SimSettings(seed=1)), World(SimSettings(seed=2))
    assert not {first.record_id((DAY, n)) for n in range(100)} & {second.record_id((DAY, n)) for n in range(100)}


def test_a_full_cache_forgets_and_makes_the_same_again() -> None:
    """A cache that holds next to nothing changes no byte."""
    small, large = World(SimSettings(cache_bytes=1)), World(SimSettings())
    for _ in range(2):
        assert [small.render((DAY, n), attributes=False) for n in range(20)] == [
            large.render((DAY, n), attributes=False) for n in range(20)
        ]


def test_all_211_leaves_occur_within_a_few_hundred_records() -> None:
    """Every leaf of the conversation model holds something in some of 300 records, and nothing else does."""
    known = {path for path, _ in fields.CONVERSATION.paths()}
    assert len(known) == 211
    seen = {path for record in records(World(SimSettings(records=300)), 300) for path, _ in leaves_of(record)}
    assert seen == known


def test_values_have_the_types_of_the_model() -> None:
    """No leaf ever holds a value of another type than the model says."""
    kinds = dict(fields.CONVERSATION.paths())
    fits = {
        fields.Type.TEXT: lambda v: isinstance(v, str),
        fields.Type.ENUM: lambda v: isinstance(v, str),
        fields.Type.TIME: lambda v: isinstance(v, str) and len(v) == 24 and v.endswith("Z"),
        fields.Type.INTEGER: lambda v: isinstance(v, int) and not isinstance(v, bool) and -(2**63) <= v < 2**63,
        fields.Type.NUMBER: lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
        fields.Type.BOOLEAN: lambda v: isinstance(v, bool),
        fields.Type.TEXTS: lambda v: all(isinstance(item, str) for item in v),
        fields.Type.INTEGERS: lambda v: all(isinstance(item, int) for item in v),
        fields.Type.MAP: lambda v: all(isinstance(item, str) for item in v.values()),
    }
    for record in records(World(SimSettings(records=300)), 300):
        for path, value in leaves_of(record):
            assert fits[kinds[path]](value), (path, value)


def test_records_are_awkward_in_the_ways_of_the_real_thing() -> None:
    """Nulls, empty lists, large integers, every script, ongoing and overnight conversations all occur."""
    world = World(SimSettings(records=400))
    found = records(world, 400)
    text = b"".join(world.render((DAY, n), attributes=True) for n in range(400))
    assert b":null" in text
    assert b":[]" in text
    assert str(2**63 - 1).encode() in text
    for word in ("配送", "👩‍👩‍👧‍👦", "שלום", "déjà"):
        assert word.encode() in text
        assert json.dumps(word)[1:-1].encode() in text  # and the same as escapes
    assert any("conversationEnd" not in record for record in found)
    assert any(r.get("conversationEnd", "") > "2023-10-02" for r in found)
    assert any(participant["attributes"] for r in found for participant in r["participants"])


def test_starts_grow_strictly_within_the_day() -> None:
    """The number of a record is its place in the order of starts."""
    starts = [record["conversationStart"] for record in records(World(SimSettings(records=500)), 500)]
    assert starts == sorted(set(starts))
    assert all(start.startswith("2023-10-01T") for start in starts)


def test_days_can_differ_in_size() -> None:
    """A day that is named has its own number of records, the others have the default."""
    world = World(SimSettings(records=5, records_on={"2023-10-01": 250_000, "2023-10-03": 0}, style=Style.SMALL))
    assert [len(world.day(DAY + n).shapes) for n in range(3)] == [250_000, 5, 0]


@pytest.mark.parametrize(("style", "low", "high"), [(Style.FULL, 4300, 6200), (Style.SMALL, 400, 1000)])
def test_records_have_the_size_of_their_style(style: Style, low: int, high: int) -> None:
    """A full record has about 5 KB and a small one well under 1 KB."""
    world = World(SimSettings(records=400, style=style))
    assert low < sum(len(world.render((DAY, n), attributes=False)) for n in range(400)) / 400 < high


def test_conversations_refer_to_the_entity_lists() -> None:
    """Every queue, user and wrap-up code of a conversation is in its entity list."""
    world = World(SimSettings(records=200))
    known = {which: {json.loads(e)["id"] for e in world.organisation.entities(which)} for which in SimulatedList}
    wanted = {"queueId": SimulatedList.QUEUES, "userId": SimulatedList.USERS, "wrapUpCode": SimulatedList.WRAPUP_CODES}
    for record in records(world, 200):
        for path, value in leaves_of(record):
            which = wanted.get(path.rsplit(".", 1)[-1])
            assert which is None or value in known[which]


@pytest.mark.parametrize("matching", list(Matching))
def test_what_is_selected_is_what_the_truth_finds(matching: Matching) -> None:
    """For any interval, the positions that pages are cut from are the records that the truth finds one by one."""
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    world = World(SimSettings(seed=seed, records=25, style=Style.SMALL, vanish_share=0.2))
    for _ in range(15):
        start_ms = DAY * DAY_MS + dice.randrange(3 * DAY_MS)
        end_ms = start_ms + dice.choice((dice.randint(1, 3_600_000), dice.randint(1, 3 * DAY_MS)))
        selector = Selector(start_ms=start_ms, end_ms=end_ms, filter=Filter(), digest="", matching=matching)
        selected = [world.record_id(ref) for ref in world.select(selector, stage=world.last_stage)]
        interval, query = f"{stamp(start_ms)}/{stamp(end_ms)}", {"startOfDayIntervalMatching": matching is Matching.DAY}
        assert selected == [key for key, _ in find_truth(world, Dataset.CONVERSATION_JOBS, interval, query)]


def test_truth_needs_no_server_and_is_stable() -> None:
    """The truth of an interval can be had without serving, and is the same each time."""
    one, two = (Simulator(SimSettings(records=20)).truth("2023-10-01/2023-10-02") for _ in range(2))
    assert one == two
    assert len(one) == 20
    assert hashlib.sha256(b"".join(one.records)).digest() == hashlib.sha256(b"".join(two.records)).digest()


def test_conversations_that_have_no_end_have_one_once_they_are_told_to() -> None:
    """`ongoing_ended`: twenty days after their start, and nothing else of them changes."""
    open_ones, ended = (World(SimSettings(seed=7, records=400, ongoing_ended=switch)) for switch in (False, True))
    before, after = records(open_ones, 400), records(ended, 400)
    going = [number for number, record in enumerate(before) if not record.get("conversationEnd")]
    assert going
    for number in going:
        assert after[number]["conversationEnd"][:10] == "2023-10-21"
        assert after[number]["conversationId"] == before[number]["conversationId"]
    assert [one for number, one in enumerate(after) if number not in going] == [
        one for number, one in enumerate(before) if number not in going
    ]
