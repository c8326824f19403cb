"""Tells an outage from a page that fails, and makes it one thing: all wait together, and one of them asks.

`Outage` is the arithmetic (pure: it is told the time), `OutageGate` the mechanism (lock, clock, waiting, journal).
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from resumable.api.journal import Journal
from resumable.clock import Stop
from resumable.errors import Failure, Fault, Incomplete
from resumable.models import EventKind, Request, iso
from resumable.text import span

SCHEDULE = ((300.0, 3.0), (600.0, 9.0), (math.inf, 27.0))
"""Until so many seconds of an outage, one asks every so many: the vendor's own advice for 5xx."""

JITTER = (0.8, 1.2)
"""Against other clients that ask in the same step."""

ENOUGH = 8
"""So many exchanges that fail, and none that is answered in between, are an outage, however many others there are."""

SLOW_SECONDS = 300.0
"""After so long of nothing but 504 it is the queries that are too heavy, and not the source that is out."""

LIGHT = Request(method="GET", path="/api/v2/organizations/limits/namespaces/platform.api")
"""A request of no weight, for which no permission is needed (official SDK). Any answer that is no failure tells that
there is somebody, a 404 of an API that is not Genesys's as well."""

FOR_EVERYBODY = frozenset({Failure.NO_ANSWER, Failure.OVERLOADED, Failure.TIMED_OUT})
"""Failures that may be those of the source, whatever was asked."""


class Outage:
    """What is known of who failed and who was answered. Times are monotonic seconds that the caller reads."""

    def __init__(self, *, patience_seconds: float) -> None:
        """Nothing has failed yet."""
        self.patience_seconds = patience_seconds
        self.since: float | None = None
        """When the outage began that is now; None where there is none."""
        self.why = ""
        self._active: set[object] = set()
        self._failing: dict[object, tuple[float, float]] = {}
        """When each failed first and last, with no answer to a later request of anybody in between."""
        self._own: set[object] = set()
        """Those that failed while others were answered: the trouble is their own."""
        self._slow_only = True
        self._slow_counts = True

    def entered(self, who: object) -> None:
        """Take in that an exchange has begun."""
        self._active.add(who)

    def left(self, who: object) -> None:
        """Take in that an exchange is over, whatever came of it."""
        for known in (self._active, self._own):
            known.discard(who)
        self._failing.pop(who, None)

    def failed(self, who: object, now: float, fault: Fault) -> bool:
        """Take in a failure, and tell whether an outage begins by it."""
        if suspected := self.suspected(who, now, fault):
            self._begin()
        return suspected

    def suspected(self, who: object, now: float, fault: Fault) -> bool:
        """Take in a failure, and tell whether all that is known speaks for an outage that has not begun yet."""
        slow = fault.failure is Failure.TIMED_OUT
        if fault.failure not in FOR_EVERYBODY or (slow and not self._slow_counts):
            return False
        first, _ = self._failing.get(who, (now, now))
        self._slow_only = slow and (self._slow_only or not self._failing)
        self._failing[who] = first, now
        self.why = fault.reason
        if self.since is not None:
            return False
        several = len(self._failing) > 1 and bool(self._failing.keys() - self._own)
        return several and (len(self._failing) >= ENOUGH or self._active <= self._failing.keys())

    def failed_alone(self, now: float, fault: Fault) -> bool:
        """Take in that nothing else is answered either, and tell whether an outage begins by it."""
        self.why = fault.reason
        if self.since is None:
            self._failing.setdefault(self, (now, now))
            self._slow_only = False
            self._begin()
            return True
        return False

    def alone(self, who: object) -> bool:
        """Tell whether one has failed since its first try with nobody answered, so that it cannot know whose fault."""
        return who in self._failing and who not in self._own

    def answered(self, sent_at: float) -> bool:
        """Take in an answer, to a request sent at that moment, and tell whether an outage ends by it."""
        if self.since is not None:
            # One that was under way when it began says nothing of now.
            if sent_at < max(last for _, last in self._failing.values()):
                return False
            self._over()
            return True
        before = [who for who, (_, last) in self._failing.items() if last <= sent_at]
        for who in before:
            del self._failing[who]
            self._own.add(who)
        return False

    def only_slow(self, now: float) -> bool:
        """Tell whether an outage is one of heavy queries; then it is over, and there will be no other such."""
        if self.since is None or not self._slow_only or now - self.since < SLOW_SECONDS:
            return False
        self._slow_counts = False
        self._over()
        return True

    def step(self, now: float) -> float:
        """Return how long to wait before one asks again."""
        lasted = now - (now if self.since is None else self.since)
        return next(step for until, step in SCHEDULE if lasted < until)

    def left_seconds(self, now: float) -> float:
        """Return how much patience is left."""
        return self.patience_seconds - (now - (now if self.since is None else self.since))

    def _begin(self) -> None:
        self.since = min(first for first, _ in self._failing.values())

    def _over(self) -> None:
        self.since = None
        self._failing.clear()
        self._own.clear()
        self._slow_only = True


class OutageGate:
    """Lets requests through; in an outage one at a time, and seldom. Safe to use from all threads."""

    def __init__(
        self,
        stop: Stop,
        journal: Journal,
        *,
        patience: timedelta,
        pace: float = 1.0,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`pace` stretches the schedule; `tell` is told what people should know where no progress is shown."""
        self._tell = tell
        self._stop = stop
        self._journal = journal
        self._pace = pace
        self._outage = Outage(patience_seconds=patience.total_seconds())
        self._looking = False
        self._asking: object | None = None
        self._turns = 0
        """How often somebody has asked in the outage that is now."""
        self._asked_last: object | None = None
        self._next_at = 0.0
        self._waiting: set[object] = set()

    @property
    def shut(self) -> bool:
        """Tell whether there is an outage."""
        return self._outage.since is not None

    def entered(self, who: object) -> None:
        """Take in that an exchange has begun."""
        with self._stop.condition:
            self._outage.entered(who)

    def left(self, who: object) -> None:
        """Take in that an exchange is over."""
        with self._stop.condition:
            self._outage.left(who)
            self._give_back(who)

    def wait(self, who: object) -> float | None:
        """Wait out an outage, or until it is this one's turn to ask; return the seconds that took.

        None when the run is to end instead. Raises Incomplete once there is no patience left.
        """
        clock, condition = self._stop.clock, self._stop.condition
        begun = clock.monotonic()
        with condition:
            self._waiting.add(who)
            try:
                while self.shut and self._asking is not who:
                    now = clock.monotonic()
                    if self._stop.requested:
                        return None
                    self._lose_patience(now)
                    if self._outage.only_slow(now):
                        self._tell_end("every query is answered 504: those are taken for too heavy now")
                        break
                    if self._may_ask(who, now):
                        self._asking = self._asked_last = who
                        self._turns += 1
                        break
                    until = [self._outage.left_seconds(now)]
                    if self._asking is None:
                        until.append(self._next_at - now)
                    clock.wait(condition, max(0.001, min(until)))
            finally:
                self._waiting.discard(who)
        return None if self._stop.requested else clock.monotonic() - begun

    def may_send(self, who: object) -> bool:
        """Tell whether a request may go now: an outage may have begun while its slot was waited for."""
        return not self.shut or self._asking is who

    def looks(self, who: object) -> bool:
        """Tell whether whoever may ask is to ask for something else than what has failed: every second time.

        What failed may fail for ever, and something else may be what is out.
        """
        return self._asking is who and self._turns % 2 == 0

    def failed(
        self, who: object, fault: Fault, *, not_before: float = 0.0, look: Callable[[], bool] | None = None
    ) -> bool:
        """Take in a failure, and tell whether there is an outage now, so that it is not this one's own.

        `not_before` is how long the server asked to wait. `look` asks for something else before an outage begins, and
        tells whether that is answered: then those that failed have trouble of their own.
        """
        with self._stop.condition:
            suspected = self._outage.suspected(who, self._stop.clock.monotonic(), fault)
            mine = suspected and look is not None and not self._looking
            self._looking |= mine
        if mine and look is not None:
            try:
                suspected = not look()
            finally:
                self._looked()
        with self._stop.condition:
            now = self._stop.clock.monotonic()
            if suspected and (mine or look is None) and self._outage.failed(who, now, fault):
                self._tell_begin(now)
            elif suspected and not mine:
                self._await_look()
            return self._failed(who, self._stop.clock.monotonic(), not_before)

    def failed_alone(self, who: object, fault: Fault, *, not_before: float = 0.0) -> bool:
        """Take in a failure beside which nothing else is answered: there is an outage now."""
        with self._stop.condition:
            now = self._stop.clock.monotonic()
            if self._outage.failed_alone(now, fault):
                self._tell_begin(now)
            return self._failed(who, now, not_before)

    def alone(self, who: object) -> bool:
        """Tell whether one that failed cannot know whether the trouble is its own."""
        with self._stop.condition:
            return self._outage.alone(who)

    def answered(self, who: object, *, seconds: float) -> None:
        """Take in an answer that came so many seconds after it was asked for."""
        with self._stop.condition:
            self._give_back(who)
            if self._outage.answered(self._stop.clock.monotonic() - seconds):
                self._tell_end("it answers again")
                self._stop.condition.notify_all()

    def _looked(self) -> None:
        with self._stop.condition:
            self._looking = False
            self._stop.condition.notify_all()

    def _await_look(self) -> None:
        """Wait for what another one's look tells: until then nobody knows whose trouble a failure is."""
        while self._looking and not self._stop.requested:
            self._stop.clock.wait(self._stop.condition, None)

    def _may_ask(self, who: object, now: float) -> bool:
        others = self._waiting - {self._asked_last}
        return self._asking is None and now >= self._next_at and (who is not self._asked_last or not others)

    def _failed(self, who: object, now: float, not_before: float) -> bool:
        if not self.shut:
            return False
        if self._asking in (None, who):
            low, high = JITTER
            step = self._outage.step(now) * self._pace * self._stop.clock.uniform(low, high)
            self._next_at = max(self._next_at, now + max(step, not_before))
        self._give_back(who)
        return True

    def _give_back(self, who: object) -> None:
        if self._asking is who:
            self._asking = None
            self._stop.condition.notify_all()

    def _lose_patience(self, now: float) -> None:
        if self._outage.since is None or self._outage.left_seconds(now) > 0:
            return
        lasted = now - self._outage.since
        raise Incomplete(
            f"no answer since {self._since(now):%Y-%m-%d %H:%M:%S} UTC, for {span(lasted)}: {self._outage.why}.",
            hint="What is recorded is safe. Run the same command later; --patience sets how long an outage is waited.",
            unreachable=True,
        )

    def _since(self, now: float) -> datetime:
        return self._stop.clock.now() - timedelta(seconds=now - (self._outage.since or now))

    def _tell_begin(self, now: float) -> None:
        since, why = self._since(now), self._outage.why
        self._next_at, self._turns = 0.0, 0
        self._journal.outage(since, why)
        patience = span(self._outage.patience_seconds)
        text = f"no answer since {iso(since)}: {why}; all wait, one asks, for up to {patience}"
        self._journal.event(EventKind.OUTAGE, text)
        self._tell(text)

    def _tell_end(self, why: str) -> None:
        self._journal.outage(None, "")
        self._journal.event(EventKind.OUTAGE, f"over: {why}")
        self._tell(f"the outage is over: {why}")
