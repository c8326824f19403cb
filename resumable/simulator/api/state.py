"""What the simulated server knows while it serves: its settings, its data, its jobs, and how far the data has moved."""

import threading
from collections.abc import Callable
from datetime import datetime

from resumable.simulator.api.jobs import Jobs
from resumable.simulator.json_values import Json, words
from resumable.simulator.settings import SimSettings
from resumable.simulator.world.world import World

_DATA_SETTINGS = words(
    """
    seed records records_on style explicit_nulls queues users wrapup_codes cache_bytes
    late_share late_steps vanish_share ongoing_ended
    """
)


class State:
    """What every answer is made from. Safe to use from all threads."""

    def __init__(self, settings: SimSettings, *, monotonic: Callable[[], float], today: Callable[[], datetime]) -> None:
        self.monotonic, self.today = monotonic, today
        self.settings = settings
        self.world = World(settings)
        self.jobs = Jobs(settings.seed)
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Start the story of data that moves from the beginning."""
        self._turn = 0
        self._begun_at = self.monotonic()

    def switch(self, changes: dict[str, Json]) -> SimSettings:
        """Change settings; raises ValueError for what does not exist."""
        with self._lock:
            settings = self.settings.switched(changes)
            if any(getattr(settings, n) != getattr(self.settings, n) for n in _DATA_SETTINGS):
                self.world = World(settings)
            self.settings = settings
        return settings

    @property
    def stage(self) -> int:
        """How far the late records have arrived; at the last stage the vanishing ones have gone, too."""
        settings, last = self.settings, self.world.last_stage
        if settings.late_after_requests is None and settings.late_after_seconds is None:
            return last
        shares = [0.0]
        if settings.late_after_requests is not None:
            shares.append((self._turn - 1) / settings.late_after_requests if settings.late_after_requests else 1.0)
        if settings.late_after_seconds is not None:
            waited = self.monotonic() - self._begun_at
            shares.append(waited / settings.late_after_seconds if settings.late_after_seconds else 1.0)
        return min(last, int(max(shares) * last))

    @property
    def turn(self) -> int:
        """How many requests for pages there have been."""
        return self._turn

    def page_asked(self, pages: int) -> None:
        """Count a request for so many pages: the data moves with them."""
        with self._lock:
            self._turn += pages
