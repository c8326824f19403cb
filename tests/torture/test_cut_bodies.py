"""Bodies cut at random bytes, in each framing, on their way into a real run: none is ever recorded.

`--body-cuts N` is how many in each framing. Every cut is of an answer that would have made a good page.
"""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import resumable
from resumable import Incomplete, JobState
from resumable.config import Policy
from resumable.manifest.reader import ManifestReader
from resumable.models import EventKind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import QUICK, spec_for
from tests.support.truth import records_of, truth_of
from tests.torture.relay import Cut, Framing, PageName, Relay, relayed

pytestmark = pytest.mark.torture

PAGES_A_DAY = 10
ATTEMPTS = 6
MEAN_CUTS = 4.5
"""Of a page: every second is cut at each of its six attempts, the others at three."""

SEEN = tuple(framing for framing in Framing if framing is not Framing.CLOSE)
"""Where a cut can be told from a bad answer, which is that page's own trouble."""

Trials = Callable[[str], int]
Tally = Callable[[str, int], None]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("framing", Framing, ids=lambda framing: framing.value)
@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount"])
def test_a_body_cut_at_any_byte_is_never_recorded(
    dataset: str, framing: Framing, seed: int, trials: Trials, tally: Tally, tmp_path: Path
) -> None:
    """Each cut answer is asked for again or its page is quarantined; once the cuts stop the job equals the truth."""
    wanted = -(-trials("body-cuts") // 2)
    print(f"repeat: RESUMABLE_SEED={seed} python -m pytest -m torture -n 0 --body-cuts {trials('body-cuts')}", end=" ")
    print(f"'tests/torture/test_cut_bodies.py::{test_a_body_cut_at_any_byte_is_never_recorded.__name__}", end="")
    print(f"[{dataset}-{framing.value}]'")
    dice = random.Random(f"{seed} {dataset} {framing.value}")
    stubborn: set[PageName] = set()
    gentle: set[PageName] = set()

    def cuts(page: PageName, before: int) -> bool:
        if page not in stubborn | gentle:
            # A window whose first page never comes tells of no others.
            (gentle if _number(page) == 1 or len(gentle) <= len(stubborn) else stubborn).add(page)
        return before < (ATTEMPTS if page in stubborn else ATTEMPTS // 2)

    days = max(1, round(wanted / MEAN_CUTS / PAGES_A_DAY + 0.5))
    settings = SimSettings(records=20 * PAGES_A_DAY, style=Style.SMALL, rate_public=None, rate_article=None)
    with Simulator(settings) as sim:
        relay = Relay(sim=sim, framing=framing, dice=dice, cuts=cuts)
        # By one: where the pages of all are cut, no page is given up on, see below.
        with relayed(relay, tmp_path, policy=_stubborn(QUICK), workers=1) as given:
            spec = spec_for(dataset, "2023-10-01", f"2023-10-{1 + days:02d}")
            job = resumable.make(spec, given)
            with pytest.raises(Incomplete, match="quarantined"):
                job.run()
            pages = days * PAGES_A_DAY
            assert (job.status().totals.pages_done, job.status().totals.pages_quarantined) == (
                pages - len(stubborn),
                len(stubborn),
            ), _told(relay.made)
            assert _parts(job) == pages - len(stubborn), "a cut page left a part"
            _each_cut_was_asked_again(relay, stubborn)
            assert job.run().state is JobState.COMPLETE
            assert records_of(job) == truth_of(job, sim), _told(relay.made)
    assert len(relay.made) >= wanted
    tally(f"bodies cut at a random byte, {framing.value}", len(relay.made))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("framing", SEEN, ids=lambda framing: framing.value)
def test_bodies_cut_for_everybody_are_an_outage(
    framing: Framing, seed: int, trials: Trials, tally: Tally, tmp_path: Path
) -> None:
    """All wait and one asks: past their patience exit 3 with no page given up on, and within it the run ends whole."""
    dice = random.Random(f"{seed} {framing.value}")
    left = [10**9]

    def cuts(page: PageName, before: int) -> bool:
        left[0] -= 1
        return left[0] >= 0

    settings = SimSettings(records=20 * PAGES_A_DAY, style=Style.SMALL, rate_public=None)
    with Simulator(settings) as sim:
        relay = Relay(sim=sim, framing=framing, dice=dice, cuts=cuts)
        with relayed(relay, tmp_path, policy=_stubborn(QUICK), patience=timedelta(seconds=0.2)) as given:
            job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-05"), given)
            with pytest.raises(Incomplete, match="no answer since") as caught:
                job.run()
            assert caught.value.unreachable
            assert (job.status().totals.pages_done, job.status().totals.pages_quarantined) == (0, 0), _told(relay.made)
            assert _parts(job) == 0, "a cut page left a part"
        left[0] = max(20, trials("body-cuts") // 2)
        with relayed(relay, tmp_path, policy=_stubborn(QUICK)) as given:
            job = resumable.find(job.name, given)
            assert job.run().state is JobState.COMPLETE
            assert records_of(job) == truth_of(job, sim), _told(relay.made)
            assert not any(event.kind is EventKind.QUARANTINED for event in job.status(events=10_000).events)
        _each_cut_was_asked_again(relay, set())
    tally(f"bodies cut at a random byte, {framing.value}", len(relay.made))


def _each_cut_was_asked_again(relay: Relay, stubborn: set[PageName]) -> None:
    for page, asked in relay.asked.items():
        if _size(page) == 1:
            continue  # what tells an outage from pages with trouble of their own: once is enough
        cuts = [cut for cut in relay.made if cut.page == page]
        expected = len(cuts) + (page not in stubborn)
        assert asked == expected, f"{page} was asked for {asked} times\n{_told(cuts)}"


def _size(page: PageName) -> int:
    asked = json.loads(page[1])
    return int(asked.get("paging", asked).get("pageSize", 0))


def _number(page: PageName) -> int:
    asked = json.loads(page[1])
    return int(asked.get("paging", asked)["pageNumber"])


def _stubborn(policy: Policy) -> Policy:
    return Policy(
        attempts=ATTEMPTS,
        first_wait_seconds=policy.first_wait_seconds / 10,
        longest_wait_seconds=policy.longest_wait_seconds / 10,
    )


def _parts(job: resumable.Job) -> int:
    manifest = ManifestReader.open_to_read(job.folder / "manifest.sqlite")
    assert manifest is not None
    manifest.close()
    return sum(1 for _ in job.folder.glob("parts/*/*"))


def _told(cuts: list[Cut]) -> str:
    return "\n".join(map(str, cuts[-40:]))
