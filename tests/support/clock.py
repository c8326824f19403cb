"""A clock on which hours pass in a second: threads take turns, and time moves only when all of them wait."""

import functools
import random
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

STEPS_WITHOUT_TIME = 100_000
"""Turns at one moment before time is called stuck: threads that wait for nothing again and again."""


class ClockFailure(AssertionError):
    """The threads of a test can no longer go on: what each of them does is in the message."""


@dataclass(eq=False)
class _Turn:
    """One thread under the clock. It runs only while it holds the baton."""

    name: str
    gate: threading.Event = field(default_factory=threading.Event)
    ident: int | None = None
    condition: threading.Condition | None = None
    deadline: float | None = None
    ready: bool = False
    parent: "_Turn | None" = None
    """Waits in `run_threads` for this thread's end."""


@dataclass(frozen=True)
class _Action:
    at: float
    order: int
    do: Callable[[], None]


class VirtualClock:
    """Implements `resumable.clock.Clock`. One seed, one schedule: which thread goes next is drawn from it.

    Exactly one of its threads runs at a time and hands on only inside `wait`, `run_threads` or at its end. Threads made
    by `run_threads` belong to it from the start, any other from its first wait. A thread that waits must be notified
    through its condition or reach its deadline, so that a missing notification shows as a ClockFailure.
    """

    def __init__(
        self, seed: int = 0, *, at: datetime = datetime(2026, 3, 1, tzinfo=UTC), watchdog_seconds: float = 20.0
    ) -> None:
        """`watchdog_seconds` are real ones: so long may one thread run without waiting."""
        self._schedule = random.Random(f"schedule {seed}")
        self._dice = random.Random(f"dice {seed}")
        self._mutex = threading.RLock()
        self._watchdog = watchdog_seconds
        self._time = 1000.0
        self._wall = at
        self._turns: list[_Turn] = []
        self._mine = threading.local()
        self._holder: _Turn | None = None
        self._failure: str | None = None
        self._actions: list[_Action] = []
        self._handed_over = 0
        self._steps_now = 0

    def now(self) -> datetime:
        """Return the wall clock's time: it goes with the monotonic one, and where `jump` puts it."""
        return self._wall + timedelta(seconds=self._time - 1000.0)

    def monotonic(self) -> float:
        """Return the seconds of virtual time."""
        return self._time

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two, from the seed."""
        return self._dice.uniform(low, high)

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Hand on the baton until `condition`, which is held, is notified or `seconds` of virtual time have passed."""
        me = self._me()
        with self._mutex:
            self._watch(condition)
            me.condition = condition
            me.deadline = None if seconds is None else self._time + max(0.0, seconds)
        condition.release()
        try:
            self._hand_on(me)
        finally:
            condition.acquire()
            me.condition = me.deadline = None

    def run_threads(self, target: Callable[[], None], names: Sequence[str]) -> None:
        """Run `target` in one thread for each name, taking turns, and return when all have ended."""
        me = self._me()
        crew = [_Turn(name=name, ready=True, parent=me) for name in names]
        threads = [
            threading.Thread(target=self._live, args=(turn, target), name=turn.name, daemon=True) for turn in crew
        ]
        with self._mutex:
            self._turns += crew
            me.ready = not crew
        for thread in threads:
            thread.start()
        try:
            self._hand_on(me)
        finally:
            for thread in threads:
                thread.join(min(self._watchdog, 5.0))

    def sleep(self, seconds: float) -> None:
        """Let so much virtual time pass for this thread."""
        condition, end = threading.Condition(), self._time + seconds
        with condition:
            while self._time < end:
                self.wait(condition, end - self._time)

    def jump(self, length: timedelta) -> None:
        """Set the wall clock on, or back; the monotonic one does not notice."""
        self._wall += length

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something so many seconds from now, when all threads wait; it must not wait itself."""
        with self._mutex:
            self._actions.append(_Action(self._time + seconds, len(self._actions), do))
            self._actions.sort(key=lambda action: (action.at, action.order))

    def _me(self) -> _Turn:
        turn: _Turn | None = getattr(self._mine, "turn", None)
        if turn is None:
            turn = self._mine.turn = _Turn(name=threading.current_thread().name, ident=threading.get_ident())
            with self._mutex:
                self._turns.append(turn)
                self._holder = self._holder or turn
        return turn

    def _live(self, turn: _Turn, target: Callable[[], None]) -> None:
        self._mine.turn, turn.ident = turn, threading.get_ident()
        try:
            self._await_baton(turn)
            target()
        finally:
            with self._mutex:
                self._turns.remove(turn)
                if turn.parent is not None:
                    turn.parent.ready = not any(other.parent is turn.parent for other in self._turns)
            self._pass_baton()

    def _hand_on(self, me: _Turn) -> None:
        if self._holder is me:
            self._pass_baton()
        self._await_baton(me)

    def _pass_baton(self) -> None:
        following = self._next()
        with self._mutex:
            self._holder = following
            self._handed_over += 1
            if following is not None:
                following.ready = False
                following.gate.set()

    def _await_baton(self, me: _Turn) -> None:
        seen = -1
        while self._failure is None and not me.gate.wait(0 if seen < 0 else self._watchdog):
            if seen == self._handed_over:
                holder = self._holder.name if self._holder else "nobody"
                self._fail(f"{holder} has run for {self._watchdog:g} real seconds without waiting")
            seen = self._handed_over
        me.gate.clear()
        if self._failure is not None:
            raise ClockFailure(self._failure)

    def _next(self) -> _Turn | None:
        """Return who goes next, letting time pass where nobody can; None where nobody ever will."""
        while self._failure is None and self._turns:
            with self._mutex:
                able = [turn for turn in self._turns if turn.ready or _over(turn.deadline, self._time)]
                self._steps_now += 1
                if able and self._steps_now <= STEPS_WITHOUT_TIME:
                    return self._schedule.choice(able)
                if able:
                    self._fail("time stands still: a thread waits for nothing")
                    return None
                due = self._advance()
            for action in due:
                action.do()
        return None

    def _advance(self) -> list[_Action]:
        moments = [turn.deadline for turn in self._turns if turn.deadline is not None]
        moments += [action.at for action in self._actions[:1]]
        if not moments:
            self._fail("every thread waits, and nothing will ever wake one")
            return []
        self._time, self._steps_now = max(self._time, min(moments)), 0
        due = [action for action in self._actions if action.at <= self._time]
        self._actions = self._actions[len(due) :]
        return due

    def _fail(self, why: str) -> None:
        """Let every thread raise, with what each of them was doing."""
        with self._mutex:
            frames = sys._current_frames()
            lines = [f"{why}, at {self._time:.3f}"]
            for turn in self._turns:
                stack = traceback.format_stack(frames[turn.ident]) if turn.ident in frames else []
                lines.append(f"-- {turn.name} (until {turn.deadline}):\n{''.join(stack[-6:])}")
            self._failure = self._failure or "\n".join(lines)
            for turn in self._turns:
                turn.gate.set()

    def _watch(self, condition: threading.Condition) -> None:
        # Nobody ever waits on the real condition, so that its own notify would wake nobody.
        if not isinstance(condition.notify, functools.partial):
            one = functools.partial(self._notified, condition, 1)
            everybody = functools.partial(self._notified, condition, None)
            condition.notify, condition.notify_all = one, everybody  # type: ignore[method-assign]  # see above

    def _notified(self, condition: threading.Condition, n: int | None) -> None:
        with self._mutex:
            waiting = [turn for turn in self._turns if turn.condition is condition and not turn.ready]
            for turn in waiting[:n]:
                turn.ready = True


def _over(deadline: float | None, now: float) -> bool:
    return deadline is not None and deadline <= now
