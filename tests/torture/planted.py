"""Bugs that this product could have: each is a few words of its source, changed; and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path

CUTS = "tests/torture/test_power_cuts.py::test_what_was_recorded_before_a_power_cut_is_there_after_it"
KILLS = "tests/torture/test_kill_sweep.py::test_killed_at_any_call_it_is_carried_on_to_the_truth"
ERRORS = "tests/torture/test_errno_sweep.py"
LOOKED = "tests/manifest/test_inventory.py"
OPEN = "tests/apart/test_apart_open.py"
TOKENS = "tests/torture/test_tokens_in_trouble.py"


@dataclass(frozen=True, kw_only=True)
class Bug:
    """One bug, and who must catch it."""

    name: str
    module: str
    right: str
    """The words as they are; they must be there, once."""
    wrong: str
    catchers: tuple[str, ...]
    """Tests of which one must fail; without the bug they pass, as this very suite shows."""
    options: tuple[str, ...] = ()

    def plant(self, project: Path) -> None:
        """Change a copy of the project."""
        path = project / self.module
        source = path.read_text(encoding="utf-8")
        assert source.count(self.right) == 1, f"{self.module} has changed: {self.right!r} is in it no more, or not once"
        path.write_text(source.replace(self.right, self.wrong), encoding="utf-8")


BUGS = (
    Bug(
        name="a part is renamed before its bytes are on the disk",
        module="resumable/storage/durable.py",
        right="            rest = rest[file.write(rest) or 0 :]\n        _sync(file.fileno())\n",
        wrong="            rest = rest[file.write(rest) or 0 :]\n",
        catchers=(f"{CUTS}[ext4-apart-calm]",),
        options=("--power-cuts", "0"),
    ),
    Bug(
        name="the name of a part is not synced",
        module="resumable/storage/durable.py",
        right="src_dir_fd=folder, dst_dir_fd=folder)\n        _sync(folder)\n",
        wrong="src_dir_fd=folder, dst_dir_fd=folder)\n",
        catchers=(f"{CUTS}[ext4-apart-calm]",),
        options=("--power-cuts", "0"),
    ),
    Bug(
        name="a page is recorded without waiting for the disk",
        module="resumable/manifest/connection.py",
        right='"EXTRA" if self.no_log else "FULL" if durable else "NORMAL"',
        wrong='"EXTRA" if self.no_log else "NORMAL"',
        catchers=(f"{CUTS}[ext4-calm]",),
        options=("--power-cuts", "0"),
    ),
    Bug(
        name="a row comes before its part",
        module="resumable/storage/parts.py",
        right="            saved = self.store.save(key, data)\n",
        wrong=(
            "            import threading\n"
            "            from resumable.storage.durable import Saved\n"
            "            saved = Saved(size=len(data), sha256=hashlib.sha256(data).digest())\n"
            "            threading.Timer(0.05, self.store.save, (key, bytes(data))).start()\n"
        ),
        catchers=(f"{KILLS}[new-conversations]",),
        options=("--kill-points", "150"),
    ),
    Bug(
        name="an orphan is adopted without looking into it",
        module="resumable/engine/recovery.py",
        right="    found = parts.inspect(key)\n",
        wrong=(
            "    import hashlib\n"
            "    from resumable.storage.job_files import part_key\n"
            "    said, data = parts.footer(key), parts.store.read(part_key(key))\n"
            "    digest = hashlib.sha256(data).digest()\n"
            "    found = (said, PartFact(rows=said.rows, size=len(data), sha256=digest)) if said else None\n"
        ),
        catchers=("tests/engine/test_recovery.py",),
    ),
    Bug(
        name="a cursor is forgotten when its page is recorded",
        module="resumable/manifest/store.py",
        right="            server_jobs.advance(self._db, window, cursor)\n            if cursor is None:\n",
        wrong="            server_jobs.advance(self._db, window, None)\n            if cursor is None:\n",
        catchers=("tests/e2e/test_jobs.py",),
    ),
    Bug(
        name="a token that was refused is used again",
        module="resumable/api/client.py",
        right="        self._client.tokens.invalidate(token)\n",
        wrong="",
        catchers=(f"{TOKENS}::test_a_token_revoked_at_any_request_costs_one_refresh",),
    ),
    Bug(
        name="a wait that the server asks for is not kept",
        module="resumable/api/client.py",
        right="        self._client.pacer.refused(wait)\n",
        wrong="",
        catchers=("tests/torture/test_rate_limits.py::test_everybody_holds_for_as_long_as_was_asked",),
    ),
    Bug(
        name="without a write-ahead log a row is committed by DELETE and FULL",
        module="resumable/manifest/connection.py",
        right='"EXTRA" if self.no_log else "FULL" if durable else "NORMAL"',
        wrong='"FULL" if self.no_log or durable else "NORMAL"',
        catchers=(f"{CUTS}[ext4-no-log-calm]", f"{CUTS}[ext4-no-log-storm]"),
        options=("--power-cuts", "0"),
    ),
    Bug(
        name="a redirect is followed",
        module="resumable/transport/http.py",
        right="                raise self._redirected(raw)\n",
        wrong=(
            "                where, sent = raw.headers['location'], dict(prepared.headers)\n"
            "                requests.request(prepared.method, where, headers=sent, data=prepared.body, timeout=5)\n"
            "                raise self._redirected(raw)\n"
        ),
        catchers=("tests/torture/test_network.py::test_no_redirect_is_followed_in_a_run",),
    ),
    Bug(
        name="an exchange has no deadline",
        module="resumable/transport/exchange.py",
        right="        left = self.deadline - self.clock.monotonic()\n",
        wrong="        left = 3600.0\n",
        catchers=("tests/transport/test_limits.py::test_a_drip_ends_at_the_total_deadline",),
        options=("--timeout", "20"),
    ),
    Bug(
        name="an empty page is trusted",
        module="resumable/datasets/contract.py",
        right="    if answer.rows == 0 and said.page_count > 0:\n",
        wrong="    if answer.table is None and said.page_count > 0:\n",
        catchers=("tests/torture/test_hostile_bodies.py",),
    ),
    Bug(
        name="each thread asks for a token of its own",
        module="resumable/api/tokens.py",
        right=(
            "                if not self._refreshing:\n"
            "                    break\n"
            "                clock.wait(condition, None)\n"
        ),
        wrong="                break\n",
        catchers=(f"{TOKENS}::test_a_token_revoked_at_any_request_costs_one_refresh",),
    ),
    Bug(
        name="a job can be run by two",
        module="resumable/storage/lock.py",
        right="        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)\n",
        wrong="        pass\n",
        catchers=("tests/torture/test_races.py::test_of_two_processes_one_runs_the_job_and_the_other_says_so",),
    ),
    Bug(
        name="an fsync that failed is tried again",
        module="resumable/storage/durable.py",
        right="        os.fsync(descriptor)\n",
        wrong="        with contextlib.suppress(OSError):\n            os.fsync(descriptor)\n            return\n"
        "        os.fsync(descriptor)\n",
        catchers=(f"{ERRORS}::test_an_fsync_that_failed_is_never_repeated",),
    ),
    Bug(
        name="a window is complete whatever its answers said",
        module="resumable/engine/closing.py",
        right="        complete=settled or not doubts,\n",
        wrong="        complete=True,\n",
        catchers=("tests/torture/test_chaos.py",),
        options=("--chaos-seeds", "60"),
    ),
    Bug(
        name="a secret is written where it should not be",
        module="resumable/redaction.py",
        right="        text = _mask(text, self._needles)\n        for pattern",
        wrong="        for pattern",
        catchers=("tests/torture/test_canary.py",),
    ),
    Bug(
        name="a count is taken as the server says it",
        module="resumable/datasets/contract.py",
        right="    if not 0 <= value <= most:\n",
        wrong="    if False:\n",
        catchers=("tests/datasets/test_bounds.py",),
    ),
    Bug(
        name="an id is taken as the server says it",
        module="resumable/datasets/contract.py",
        right="    if not usable_id(value):\n",
        wrong="    if False:\n",
        catchers=("tests/datasets/test_bounds.py",),
    ),
    Bug(
        name="a part that no row can hold is adopted",
        module="resumable/storage/parts.py",
        right="    _check_counts(footer)\n    return footer\n",
        wrong="    return footer\n",
        catchers=("tests/engine/test_recovery.py",),
    ),
    Bug(
        name="a walk goes in a circle",
        module="resumable/engine/cursor.py",
        right="        met = mark in self._met\n",
        wrong="        met = False\n",
        catchers=("tests/engine/test_troubled_jobs.py::test_cursors_that_go_round_end_the_take",),
        options=("--timeout", "20"),
    ),
    Bug(
        name="a page that is too big is given up on",
        module="resumable/engine/heavy_windows.py",
        right="        if fault.failure is Failure.TOO_BIG:\n",
        wrong="        if False:\n",
        catchers=("tests/engine/test_heavy_windows.py",),
    ),
    Bug(
        name="a day that answers 504 is given up on",
        module="resumable/engine/heavy_windows.py",
        right="        if fault.failure is Failure.TIMED_OUT:\n",
        wrong="        if False:\n",
        catchers=("tests/engine/test_heavy_windows.py",),
    ),
    Bug(
        name="a wall that the server names is not believed",
        module="resumable/engine/heavy_windows.py",
        right="        if wall is Wall.DEPTH:\n",
        wrong="        if False:\n",
        catchers=("tests/engine/test_heavy_windows.py",),
    ),
    Bug(
        name="what lies behind the wall is reckoned by records",
        module="resumable/engine/heavy_windows.py",
        right="last * page_size > self._limit",
        wrong="(last - 1) * page_size > self._limit",
        catchers=("tests/engine/test_heavy_windows.py",),
    ),
    Bug(
        name="results that are late are gone",
        module="resumable/engine/server_jobs.py",
        right="patient and meaning(fault.status).late",
        wrong="False",
        catchers=("tests/engine/test_troubled_jobs.py",),
    ),
)
