"""One seed of chaos: a job is run again and again while everything goes wrong, then until it is whole; in virtual time.

Checked after each run: promises 1 to 5 and 9, what the server saw of tokens and waits, the way the run ended. Checked
when nothing goes wrong any more: the next run completes, what it holds is the truth, and one more asks for nothing.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import resumable
from resumable import (
    AuthenticationFailed,
    Endpoints,
    Incomplete,
    Interrupted,
    JobSpec,
    JobState,
    ResumableError,
    Secret,
    SourceUnsettled,
    StorageFailed,
    UsageError,
)
from resumable.clock import Stop
from resumable.config import Policy
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.canary import found
from tests.support.clock import ClockFailure
from tests.torture.chaosdisk import Crash, Disk, standing_in
from tests.torture.chaosledger import Window, contents, looked
from tests.torture.chaosplan import CALM, LISTS, START, Plan, Run, plan
from tests.torture.chaossources import DESCRIBED, DESCRIBED_LIST
from tests.torture.chaoswire import Watcher
from tests.torture.chaosworld import ChaosClock, Violation, scratch, shared_shapes
from tests.torture.judge import Ledger, assert_kept, plain
from tests.torture.wholeness import PageName, iso, normal

JOB = "job"
LONGEST_RUN_SECONDS = 4 * 86_400.0
MOST_REQUESTS = 6000  # of one run; more is a loop


@dataclass(eq=False)
class Story:
    """The machine, the source and the job of one seed."""

    plan: Plan
    folder: Path
    lines: list[str] = field(default_factory=list)
    """What happened, run by run, for whoever looks into a failure."""
    runs: int = 0
    requests: int = 0
    kills: int = 0
    power_cuts: int = 0
    refusals: int = 0
    faults: int = 0
    """Answers that were spoilt."""

    def __post_init__(self) -> None:
        """Set the scene."""
        self.clock = ChaosClock(self.plan.seed)
        self.disk = Disk(dice=random.Random(f"disk {self.plan.seed}"))
        began = self.clock.true()
        self.sim = Simulator(
            self.plan.sim,
            faults=self.plan.faults,
            monotonic=self.clock.true,
            today=lambda: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.clock.true() - began),
        )
        self.secret = self.plan.sim.client_secret
        self.more = self.plan.settings
        self.ledger: Ledger | None = None
        self._truths: dict[str, dict[str, Any]] = {}
        self._judged: dict[Window, dict[PageName, bytes]] = {}
        self._keys: dict[Window, list[str]] = {}
        self._generation = 0

    @cached_property
    def spec(self) -> JobSpec:
        """What the job is."""
        dataset = self.plan.dataset
        if dataset.startswith("described"):
            path = self.folder / "described.toml"
            path.write_text(DESCRIBED_LIST if dataset == "described-list" else DESCRIBED)
            dataset = str(path)
        end = START + timedelta(days=self.plan.days)
        return JobSpec.of(dataset, START, end, window=self.plan.window, page_size=self.plan.page_size)

    def tell(self) -> None:
        """Live through all of it. Raises Violation."""
        for run in self.plan.runs:
            if self.run(run) == "complete" and not self.plan.arrives:
                break
            self.clock.sleep(run.pause_after)
        self.calm_down()
        self.expect_complete("the first run without faults")
        if self.plan.arrives:
            self.clock.slept += 10_000.0
            self.run(CALM, look_back=timedelta(days=5000))
            self.expect_complete("a look back at data that has come to rest")
        before = self.requests
        self.expect_complete("one more run")
        if self.requests != before:
            raise Violation(f"a complete job sent {self.requests - before} requests")
        self.judge_the_end()

    def calm_down(self) -> None:
        """Let nothing go wrong any more; what was begun on the server a day ago is gone."""
        self.sim.clear_faults()
        self.sim.switch(
            token_lifetime=86_400.0, expires_in="honest", other_traffic=0.0, retry_after=True, job_limit=50,
            job_life=86_400.0, cursor_life=None, latency=0.1,
        )  # fmt: skip
        self.more = {**self.more, "max_requests": None, "policy": Policy()}
        self.clock.slept += 90_000.0
        self.clock.jump(timedelta(seconds=90_000))

    def expect_complete(self, which: str) -> None:
        """Run; nothing may keep the job from its end."""
        how = self.run(CALM)
        if how != "complete":
            raise Violation(f"5: {which} ended: {how}")

    def run(self, run: Run, *, look_back: timedelta | None = None) -> str:
        """Let one process live and judge what it did; return how it ended."""
        self._generation += 1
        self.runs += 1
        self.sim.log.clear()
        self.disk.begin(run.trouble)
        stop = Stop(self.clock)
        watcher = self.clock.watcher = self._watcher(stop, run)
        self._schedule(run, stop, watcher)
        with standing_in(self.disk):
            how = self._live(stop, watcher, look_back)
        self.clock.watcher = None
        self.kills += self.disk.dead and not self.disk.trouble.power
        self.power_cuts += self.disk.dead and self.disk.trouble.power
        self.faults += sum(bool(entry.faults) for entry in self.sim.log)
        self.refusals += self.disk.refused > 0
        self.disk.end()
        self.requests += watcher.sent
        self.lines.append(f"run {self.runs}: {watcher.sent} requests, {self.disk.calls} calls: {how}")
        self._judge(watcher)
        return how

    def _watcher(self, stop: Stop, run: Run) -> Watcher:
        documented = 200.0 if self.plan.dataset == "conversations-pagecount" else 300.0
        if self.plan.dataset.startswith("described"):
            documented = 60.0
        most = self.more["rate_per_minute"]
        by_number = run.signal if run.signal and isinstance(run.signal[1], int) else None
        return Watcher(
            clock=self.clock,
            sim=self.sim,
            disk=self.disk,
            stop=stop,
            policy=self.more["policy"],
            per_minute=most or documented,
            told_most=most,
            workers=self.more["workers_most"] or self.more["workers"],
            lists=self.plan.dataset in LISTS,
            stop_at=int(by_number[1]) if by_number else None,
            signal=by_number[0] if by_number else "",
        )

    def _schedule(self, run: Run, stop: Stop, watcher: Watcher) -> None:
        """Let happen what the plan has for this run, as long as it goes."""
        mine = self._generation

        def later(seconds: float, do: Callable[[], None]) -> None:
            self.clock.at(seconds, lambda: do() if mine == self._generation else None)

        if run.signal and isinstance(run.signal[1], float):
            reason = run.signal[0]
            later(run.signal[1], lambda: stop.request(reason))
        for seconds, jump in run.jumps:
            later(seconds, lambda jump=jump: self.clock.jump(jump))  # type: ignore[misc]  # bound now, not then
        for seconds, length in run.sleeps:
            later(seconds, lambda length=length: self._sleep(length))  # type: ignore[misc]  # bound now, not then
        if run.rotates_secret_after is not None:
            later(run.rotates_secret_after, self._rotate)
        if run.revokes_after is not None:
            later(run.revokes_after, self._revoke)

        def endless() -> None:
            watcher.broken.append("9: the run had no end")
            stop.request("limit")

        later(LONGEST_RUN_SECONDS, endless)

    def _revoke(self) -> None:
        self.sim.revoke_tokens()

    def _sleep(self, seconds: float) -> None:
        self.clock.slept += seconds
        self.clock.jump(timedelta(seconds=seconds))

    def _rotate(self) -> None:
        self.secret = f"simulator-secret-{self._generation}"
        self.sim.switch(client_secret=self.secret)

    def _live(self, stop: Stop, watcher: Watcher, look_back: timedelta | None) -> str:
        settings = resumable.Settings(
            endpoints=Endpoints(api="http://127.0.0.1:1", login="http://127.0.0.1:1"),
            client_id=self.sim.settings.client_id,
            client_secret=Secret(self.secret),
            state=self.folder / "state",
            transport=watcher.transport,
            **self.more,
        )
        try:
            job = resumable.make(self.spec, settings, name=JOB, clock=self.clock, look_back=look_back)
            status = job.run(stop=stop)
        except Crash:
            return "the power was cut" if self.disk.trouble.power else "killed"
        except ResumableError as error:
            self._judge_error(error, watcher, stop)
            return f"{type(error).__name__} ({int(error.exit_code)}): {error.message}"
        if self.disk.dead:
            raise Violation("the process went on after it had been killed")
        return "complete" if status.state is JobState.COMPLETE else f"returned as {status.state}"

    def _judge_error(self, error: ResumableError, watcher: Watcher, stop: Stop) -> None:
        """Check that a run ended for a reason that was there."""
        statuses = watcher.statuses
        there = {
            StorageFailed: self.disk.refused > 0,
            Interrupted: stop.reason in ("SIGINT", "SIGTERM"),
            AuthenticationFailed: statuses[401] + statuses[403] + statuses[400] > 0,
            SourceUnsettled: bool(self.plan.faults) or self.plan.arrives or self.plan.dataset == "conversation-jobs",
            UsageError: statuses[400] + statuses[404] + statuses[405] > 0,
            Incomplete: True,
        }
        if not there.get(type(error), False):
            raise Violation(f"ended without a reason: {type(error).__name__}: {error.message}") from error
        if self.disk.refused and not isinstance(error, StorageFailed):
            raise Violation(f"the disk refused, and the run ended with {type(error).__name__}: {error}") from error

    def _judge(self, watcher: Watcher) -> None:
        """Check the promises on what the run left."""
        broken = [*watcher.broken, *(f"fsync tried again on {path}" for path in self.disk.synced_again)]
        if watcher.sent > MOST_REQUESTS:
            broken.append(f"{watcher.sent} requests in one run")
        if broken:
            raise Violation("\n  ".join(broken))
        folder = self.folder / "state" / JOB
        if not (folder / "manifest.sqlite").exists():
            return
        before, self.ledger = self.ledger, looked(folder, workers=self.more["workers_most"] or self.more["workers"])
        if before is not None:
            # A window that has come to hold too much is replaced by shorter ones.
            there = self.ledger.takes if self.more["deep_limit"] else before.takes
            kept = {name: part for name, part in before.pages.items() if _window(name) in there}
            assert_kept(replace(before, pages=kept), self.ledger)
            self._judge_asked(before, self.ledger)
        self._judge_windows(folder, self.ledger)
        for path in folder.rglob("*"):
            if path.is_file() and (where := found(path.read_bytes())):
                raise Violation(f"6: {path.name} holds a secret: {where}")

    def _judge_asked(self, before: Ledger, after: Ledger) -> None:
        if self.plan.dataset in LISTS or not before.pages:
            return
        done = {
            (name.interval, name.number): name
            for name in before.pages
            if before.takes.get(_window(name)) == name.take == after.takes.get(_window(name))
        }
        # Through jobs the query only counts: it asks for no page that the job has.
        beside = {Kind.CONVERSATIONS} if self.plan.dataset == "conversation-jobs" else set()
        for entry in (entry for entry in self.sim.log.entries() if entry.kind not in beside):
            name = done.get((normal(entry.interval or ""), entry.page or 0))
            if name is not None:
                raise Violation(f"3: page {name.number} of {name.interval} was recorded, and was asked for again")

    def _judge_windows(self, folder: Path, ledger: Ledger) -> None:
        """Check each window when it is first called complete: it holds what the source has."""
        for window in ledger.complete:
            names = _pages_of(ledger, window)
            if self._judged.get(window) == names:
                continue
            self._judged[window] = names
            found = contents(folder, list(names))
            got, truth = dict(found), self.truth(window)
            if strange := set(got) - set(truth):
                raise Violation(f"5: {iso(window[0])} holds {len(strange)} records that the source never had")
            if (lacks := set(truth) - set(got)) and not self.plan.arrives:
                raise Violation(f"4: {iso(window[0])} is called complete and lacks {len(lacks)} of {len(truth)}")
            for key, record in got.items():
                if record != truth[key]:
                    raise Violation(f"11: {key} is not what the source has:\n{record}\n{truth[key]}")
            self._keys[window] = [key for key, _ in found]

    def judge_the_end(self) -> None:
        """Check that the job holds the truth and nothing else, and that its receipt says so."""
        ledger = self.ledger
        assert ledger is not None
        stale = [name for name in ledger.pages if name.take != ledger.takes[_window(name)]]
        if ledger.orphans or ledger.temporary or stale:
            raise Violation(f"files of no use are left: {ledger.temporary} {sorted(ledger.orphans)} {stale}")
        keys = [key for window in ledger.complete for key in self._keys[window]]
        for window in ledger.complete:
            if lacks := set(self.truth(window)) - set(self._keys[window]):
                raise Violation(f"5: {iso(window[0])} lacks {len(lacks)} records that the source has come to")
        receipt = json.loads((self.folder / "state" / JOB / "receipt.json").read_bytes())
        named = receipt["duplicates"]["within_windows"] + receipt["duplicates"]["across_windows"]
        said = (receipt["records"], receipt["records_distinct"], named)
        if said != (len(keys), len(set(keys)), len(keys) - len(set(keys))):
            raise Violation(f"the receipt says {said}; there are {len(keys)}, of which {len(set(keys))} differ")

    def truth(self, window: Window) -> dict[str, Any]:
        """Return what a window must hold, by key."""
        dataset = {"described": "conversations", "described-list": "wrapupcodes"}.get(
            self.plan.dataset, self.plan.dataset
        )
        interval = "" if self.plan.dataset in LISTS else f"{iso(window[0])}/{iso(window[1])}"
        if interval not in self._truths:
            query = {"startOfDayIntervalMatching": True} if dataset == "conversation-jobs" else None
            pairs = self.sim.stream_truth(interval or None, dataset=dataset, query=query)
            self._truths[interval] = {key: plain(json.loads(record)) for key, record in pairs}
        return self._truths[interval]


def _window(name: PageName) -> Window:
    return (name.start_ms, name.end_ms)


def _pages_of(ledger: Ledger, window: Window) -> dict[PageName, bytes]:
    """Return the parts of a window's current take."""
    take = ledger.takes[window]
    return {name: part.sha256 for name, part in ledger.pages.items() if _window(name) == window and name.take == take}


def live_through(seed: int) -> Story:
    """Live through one seed and return its story. Raises Violation with all that happened."""
    with scratch() as folder, shared_shapes():
        story = Story(plan(seed), folder)
        try:
            story.tell()
        except (Violation, ClockFailure, AssertionError, Exception) as failure:
            told = "\n".join([f"{story.plan}", *story.lines])
            raise Violation(f"seed {seed}: {failure}\n{told}") from failure
        return story
