"""Decides when the next request may go: one pace for all threads of a run.

`Pace` is the arithmetic (pure: it is told the time), `Pacer` the mechanism (lock, clock, waiting). Slots are spread
evenly; time that was not used is gone, so that no pause, sleep or clock jump is followed by a burst.
"""

import collections
import contextlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Reversible
from dataclasses import dataclass, field

from resumable.api.pace_shared import LocalSlots, Slots
from resumable.clock import Stop

PERIOD_SECONDS = 60.0
"""Genesys counts requests by the minute."""

SLACK_TOLD = 1.002
"""Gap between requests against the even one where the server tells its count: 99.8 % of the allowance.

Even pacing at exactly 1 was measured to draw one or two 429s from jitter alone.
"""

SLACK_BLIND = 1.012
"""The same where the server tells nothing: 98.8 %."""

LATENESS_SECONDS = 0.05
"""So late a thread may wake without the pace taking it for a pause; matters where slots are closer than that."""

MOST_ALLOWED = 1_000_000
"""Requests a window; more is no limit that a server has."""

OTHERS_TOLERATED = 2
"""Requests by others that are put down to jitter before the pace yields to them."""

OTHERS_RESERVE = 2
"""Requests left to others that were not counted yet, once there are others."""

OTHERS_BAND = 10
"""With so many requests left of a window that slides, each of those that share it goes as fast as one alone would.

Smaller: less is left unused, and more is refused. Measured in virtual time at 300 a minute, with the two bounds below:
two machines and four use 96 to 98 % with up to 3 % of 429s; over any two minutes the least has 64 % of its share.
"""

NEAR_SECONDS = 5.0
"""An end no further away than this, which does not stand still, is of a window that slides and is full."""

OTHERS_GROWTH = 1.3
"""In such a one nobody goes faster than so many times his pace of the last minute, ..."""

OTHERS_START = 15
"""... and so many requests a minute more: no burst follows where others leave room for a moment."""

EASING = 0.999
"""What is left of a slowdown after each answer: 5 % are gone after 50 answers, ten seconds at 300 a minute."""

SAME_WINDOW_SECONDS = 1.5
"""Answers that place the end of the server's window closer than this mean one window: they tell whole seconds."""

STEADY_SECONDS = 5.0
"""So long the end must have stood still before what is left until then is believed: a sliding window's never does."""

END_MARGIN_SECONDS = 0.1
"""So long after the end of a window that was used up the next may go: times on the way differ by about that."""

LONGEST_RESET_SECONDS = 180.0
"""A window that is to last longer is not believed: nobody waits on its word for longer than on a 429's."""


@dataclass(kw_only=True)
class _ServerWindow:
    """The window in which the server counts now, as its answers tell; -inf where they told nothing yet.

    Even pacing alone keeps within it, unless requests are held up on their way (a stalled machine, a lost packet): what
    was meant for one window is then counted in the next, whose own requests it leaves too little room for.
    """

    end: float = float("-inf")
    seen: float = float("-inf")
    """When the end was first placed there."""
    steady: bool = False
    room: float = float("inf")
    """Requests that fitted in when the newest answer was on its way: those since then are still to be taken off."""
    as_of: float = float("-inf")
    """When its request went."""
    _took: collections.deque[float] = field(default_factory=lambda: collections.deque(maxlen=50))
    """Seconds from asking to answer, of the newest answers."""

    def spent(self, sent: Reversible[float]) -> bool:
        """Tell whether nobody may go before it ends, when these went."""
        return self.steady and self.room <= sum(
            moment < self.end for moment in itertools.takewhile(lambda moment: moment > self.as_of, reversed(sent))
        )

    def over(self, now: float) -> bool:
        """Tell whether another window has begun, as far as answers told."""
        return self.steady and now >= self.end

    def learn(self, now: float, said: "RateSaid", asked_at: float) -> None:
        """Place the end of the window, and the room until then, where an answer tells them."""
        # A request that was held up arrived late, not early: by as much as its answer took longer than the quickest.
        self._took.append(now - asked_at)
        end = now - min(self._took) + said.reset_seconds
        if end > self.end + SAME_WINDOW_SECONDS:
            self.end, self.seen, self.steady = end, asked_at, False
        elif end > self.end - SAME_WINDOW_SECONDS:
            # Seconds are rounded up: of many answers the least is the closest.
            self.end, self.steady = min(self.end, end), self.steady or asked_at - self.seen >= STEADY_SECONDS
        self.room, self.as_of = said.allowed - said.count, asked_at


@dataclass(frozen=True, kw_only=True)
class RateSaid:
    """What an answer said of the limit: requests counted in the server's window, allowed, seconds until it ends."""

    count: int
    allowed: int
    reset_seconds: float


def read_rate(headers: Mapping[str, str]) -> RateSaid | None:
    """Read the inin-ratelimit headers (names in lower case); None unless all three are there and make sense."""
    try:
        count, allowed, reset = (int(headers[f"inin-ratelimit-{name}"]) for name in ("count", "allowed", "reset"))
    except (KeyError, ValueError):
        return None
    if not (count >= 0 and 0 < allowed <= MOST_ALLOWED and 0 <= reset <= LONGEST_RESET_SECONDS):
        return None
    # A count beyond all bounds still says that the window is used up; it goes into the manifest, which holds 64 bits.
    return RateSaid(count=min(count, 2 * MOST_ALLOWED), allowed=allowed, reset_seconds=float(reset))


class Pace:
    """The arithmetic of slots; times are monotonic seconds that the caller reads."""

    def __init__(
        self, *, documented: float, ceiling: float | None = None, share: float = 1.0, slots: Slots | None = None
    ) -> None:
        """`documented` is the contract's requests a minute, `ceiling` the user's own limit, which counts before it.

        What the server tells counts before both, unless the user's limit is lower. `share` is how much of what is
        allowed may be used, more than 0 and at most 1: the rest is left to others on the same token. `slots` remember
        what went, of this process alone unless they are shared.
        """
        self.slots = slots or LocalSlots()
        self._allowance = ceiling or documented
        self._ceiling = ceiling
        self._share = share
        self._told = False
        self._others_gap = 0.0
        self._slowdown = 1.0
        self._window = _ServerWindow()
        self.held_until = float("-inf")
        self.used_by_others: int | None = None
        """Requests of the server's newest minute that did not go by these slots; None where nothing told."""

    @property
    def per_minute(self) -> float:
        """Requests a minute that may be sent, as far as is known."""
        return min(self._allowance, self._ceiling or self._allowance) * self._share

    @property
    def gap_seconds(self) -> float:
        """Seconds between two slots now."""
        slack = SLACK_TOLD if self._told else SLACK_BLIND
        return max(PERIOD_SECONDS / self.per_minute * slack * self._slowdown, self._others_gap)

    def wait_seconds(self, now: float) -> float:
        """Return how long until the next slot; 0 or less when it is there."""
        end = self._window.end + END_MARGIN_SECONDS
        spent = now < end and self._window.spent(self.slots.sent)
        return max(self.slots.next_at, end if spent else now) - now

    def take(self, now: float) -> None:
        """Use the slot that `wait_seconds` said was there."""
        if self._window.over(now):
            # It was for the little that was left then: kept, it cost one of four machines up to a third of a window.
            self._others_gap = 0.0
        # Counting from the slot, not from the late waking, keeps the pace; from now after a pause, avoids a burst.
        gap, slot = self.gap_seconds, self.slots.next_at
        self.slots.next_at = (slot if now - slot < max(gap, LATENESS_SECONDS) else now) + gap
        self.slots.add(now)

    def hold(self, until: float) -> None:
        """Let nobody go before `until`, not even with a slot that was taken before."""
        self.slots.next_at = max(self.slots.next_at, until)
        self.held_until = max(self.held_until, until)

    def learn(self, now: float, said: RateSaid, *, asked_at: float) -> None:
        """Pace by what an answer said of the allowance, and of requests by others on the same token.

        `asked_at` is when its request was let go: the server has counted what went before, and what went after is
        still under way.
        """
        self._told = True
        self._allowance = float(said.allowed)
        # The end of the server's window is rounded up to a second: our own are counted from a second before its start.
        began = asked_at + said.reset_seconds - PERIOD_SECONDS - 1.0
        under_way = counted = 0
        for moment in reversed(self.slots.sent):
            if moment < began:
                break
            under_way += moment > asked_at
            counted += moment <= asked_at
        self._window.learn(now, said, asked_at)
        self.used_by_others = others = max(0, said.count - counted)
        if said.count > said.allowed:
            self.hold(now + said.reset_seconds)
        elif others > OTHERS_TOLERATED:
            self._yield_to(said, counted, under_way, now)
        else:
            self._others_gap = 0.0

    def _yield_to(self, said: RateSaid, own: int, under_way: int, now: float) -> None:
        """Share the allowance with others, by nothing but what is left of it, which all see: all go equally fast.

        What one made before does not count, or whoever came first would keep what it has. A window that begins anew at
        0 is spread evenly until its end; of one that slides the end is always near.
        """
        left = said.allowed - said.count - under_way - OTHERS_RESERVE
        if left <= 0:
            # Not for the gap that was: near the end of a window it reaches far into the next one.
            self.hold(now + max(said.reset_seconds, PERIOD_SECONDS / self.per_minute))
            return
        self._others_gap = max(said.reset_seconds, OTHERS_BAND * PERIOD_SECONDS / said.allowed) / left
        if said.reset_seconds <= NEAR_SECONDS and not self._window.steady:
            self._others_gap = max(self._others_gap, PERIOD_SECONDS / (OTHERS_GROWTH * own + OTHERS_START))

    def eased(self) -> None:
        """Go a little faster after an answer that was no refusal."""
        self._slowdown = max(1.0, self._slowdown * EASING)

    def refused(self) -> None:
        """Go a little slower after a 429, and slowly faster again with each answer that is none."""
        self._slowdown = min(2.0, self._slowdown * 1.05)


class _Mine(threading.local):
    """What a thread is about: whether requests of it belong together, and whether it holds back the end for them."""

    together = False
    holds = False


class Pacer:
    """Lets requests go one by one at the pace; every thread of a run waits here."""

    def __init__(self, pace: Pace, stop: Stop, *, most: int | None = None) -> None:
        """`stop` ends every wait at once; after `most` requests it is raised, None: however many they are."""
        self._pace = pace
        self._stop = stop
        self._left = most
        self._mine = _Mine()
        self._under_way = 0
        """Slots that were taken, and neither `done` nor `unused` was said yet."""

    @property
    def per_minute(self) -> float:
        """Requests a minute that may be sent, as far as is known."""
        return self._pace.per_minute

    @property
    def used_by_others(self) -> int | None:
        """Requests of the server's newest minute that were not this process's; None where nothing told."""
        return self._pace.used_by_others

    def acquire(self, *, counted: bool = True) -> bool:
        """Wait for a slot and take it, then say `done` or `unused`; False when the run is to end instead.

        `counted`: whether it is one of those of which there are `most`.
        """
        clock, condition = self._stop.clock, self._stop.condition
        with condition:
            while not self._stop.requested:
                if counted and self._left == 0:
                    self._let_go()
                    # The last of them may not have gone yet, and to end the run now would hold it back.
                    if self._under_way:
                        clock.wait(condition, None)
                        continue
                    self._stop.request("requests")
                    return False
                with self._pace.slots.held():
                    now = clock.monotonic()
                    wait = self._pace.wait_seconds(now)
                    if wait <= 0:
                        self._pace.take(now)
                        if counted and self._left is not None:
                            self._left -= 1
                        self._under_way += 1
                        if self._mine.together and not self._mine.holds:
                            self._under_way, self._mine.holds = self._under_way + 1, True
                        return True
                clock.wait(condition, wait)
        return False

    def done(self) -> None:
        """Count the request of a slot as over, whatever came of it."""
        with self._stop.condition:
            self._under_way -= 1
            if self._left == 0 and not self._under_way:
                self._stop.condition.notify_all()

    def unused(self, *, counted: bool = True) -> None:
        """Give back a slot whose request never went: it does not count."""
        with self._stop.condition:
            self._under_way -= 1
            if self._left is not None:
                self._left += counted
                self._stop.condition.notify_all()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Let what this thread asks beside its first request here go before the last of `most` ends the run."""
        self._mine.together = True
        try:
            yield
        finally:
            with self._stop.condition:
                self._mine.together = False
                self._let_go()

    def _let_go(self) -> None:
        """Hold the end of the run back no longer, for what this thread might have asked."""
        if self._mine.holds:
            self._mine.holds = False
            self.done()

    @property
    def held(self) -> bool:
        """Tell whether nobody may go now, since somebody was told to wait after this slot was taken."""
        return self._stop.clock.monotonic() < self._pace.held_until

    def learn(self, headers: Mapping[str, str], *, seconds: float) -> None:
        """Learn from an answer: from its rate headers, and how long it was on its way."""
        said = read_rate(headers)
        with self._stop.condition, self._pace.slots.held():
            self._pace.eased()
            if said is not None:
                now = self._stop.clock.monotonic()
                self._pace.learn(now, said, asked_at=now - seconds)

    def refused(self, wait_seconds: float) -> None:
        """Let nobody go for `wait_seconds`, after a 429."""
        with self._stop.condition, self._pace.slots.held():
            self._pace.refused()
            self._pace.hold(self._stop.clock.monotonic() + wait_seconds)
