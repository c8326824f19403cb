"""The allowance: how many requests a key may make in a window, and what the headers say about it."""

import math
import threading
from collections import deque
from dataclasses import dataclass, field

from resumable.simulator.settings import RateWindow, SimSettings


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a key stands: `count` includes this request if it was let in."""

    admitted: bool
    count: int
    allowed: int
    reset_seconds: int

    def headers(self) -> list[tuple[str, str]]:
        """Return what the server tells about it."""
        return [
            ("inin-ratelimit-count", str(self.count)),
            ("inin-ratelimit-allowed", str(self.allowed)),
            ("inin-ratelimit-reset", str(self.reset_seconds)),
        ]


@dataclass
class _Account:
    begun: float = -math.inf
    count: int = 0
    others_from: float = 0.0  # when the requests of others were counted last
    others_owed: float = 0.0  # the fraction of one of theirs that is left over
    moments: deque[float] = field(default_factory=deque)


class Rates:
    """Counts the requests of every key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def admit(self, key: str, allowed: int, settings: SimSettings, now: float) -> Standing:
        """Count a request of the key if it is still allowed, and tell where it stands."""
        with self._lock:
            account = self._accounts.setdefault(key, _Account(others_from=now))
            others = self._others(account, settings, now)
            if settings.rate_kind is RateWindow.SLIDING:
                return _slide(account, allowed, settings.rate_window, now, others)
            return _fix(account, allowed, settings.rate_window, now, others)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._accounts.clear()

    @staticmethod
    def _others(account: _Account, settings: SimSettings, now: float) -> int:
        account.others_owed += (now - account.others_from) * settings.other_traffic
        account.others_from = now
        whole = int(account.others_owed)
        account.others_owed -= whole
        return whole


def _fix(account: _Account, allowed: int, window: float, now: float, others: int) -> Standing:
    if now >= account.begun + window:
        account.begun, account.count = now, 0
    account.count = min(account.count + others, max(allowed, account.count))
    admitted = account.count < allowed
    account.count += admitted
    left = account.begun + window - now
    return Standing(admitted=admitted, count=account.count, allowed=allowed, reset_seconds=_whole(left))


def _slide(account: _Account, allowed: int, window: float, now: float, others: int) -> Standing:
    moments = account.moments
    while moments and moments[0] <= now - window:
        moments.popleft()
    moments.extend([now] * min(others, max(0, allowed - len(moments))))
    admitted = len(moments) < allowed
    if admitted:
        moments.append(now)
    left = moments[0] + window - now if moments else 0.0
    return Standing(admitted=admitted, count=len(moments), allowed=allowed, reset_seconds=_whole(left))


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds - 1e-9))
