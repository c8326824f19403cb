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
        right="        saved = self.store.save(part_key(footer.key), data)\n",
        wrong=(
            "        import threading\n"
            "        from resumable.storage.durable import Saved\n"
            "        saved = Saved(size=len(data), sha256=hashlib.sha256(data).digest())\n"
            "        threading.Timer(0.05, self.store.save, (part_key(footer.key), bytes(data))).start()\n"
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
        right="            remotes.advance(self._db, window, cursor)\n            if cursor is None:\n",
        wrong="            remotes.advance(self._db, window, None)\n            if cursor is None:\n",
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
        right="            if not _locked(file.fileno()):\n",
        wrong="            if False:\n",
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
        catchers=("tests/engine/test_troubled_jobs.py",),
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
    Bug(
        name="a job that failed is a source that changed",
        module="resumable/engine/server_jobs.py",
        right="                raise JobFailed(why) if remote.id in self._submitted else BeginAgain(why, gone=True)\n",
        wrong="                raise BeginAgain(why)\n",
        catchers=("tests/engine/test_troubled_jobs.py",),
    ),
    Bug(
        name="a server full of others jobs is given up on",
        module="resumable/engine/server_jobs.py",
        right="            if self._crowded(window, asked, fault):\n",
        wrong="            if False:\n",
        catchers=("tests/engine/test_troubled_jobs.py",),
    ),
    Bug(
        name="an outage is taken for many pages that fail",
        module="resumable/api/outage.py",
        right="            if self._outage.failed(who, now, fault):\n",
        wrong="            if False:\n",
        catchers=("tests/engine/test_outages.py",),
    ),
    Bug(
        name="an outage has no end",
        module="resumable/api/outage.py",
        right="                    self._lose_patience(now)\n",
        wrong="",
        catchers=("tests/engine/test_outages.py",),
    ),
    Bug(
        name="an answer that speaks of an error is an empty page",
        module="resumable/datasets/page_bodies.py",
        right="documented=envelope.documented, empty=empty):\n",
        wrong="documented=envelope.documented, empty=empty) and not empty:\n",
        catchers=("tests/datasets/test_page_bodies.py",),
    ),
    Bug(
        name="an answer without the key of its records is an empty page",
        module="resumable/datasets/page_bodies.py",
        right="    if page.table is None and not envelope.may_lack(named, page.presence):\n",
        wrong="    if False:\n",
        catchers=("tests/datasets/test_page_bodies.py",),
    ),
    Bug(
        name="one empty answer is believed",
        module="resumable/engine/pages.py",
        right="        return self._fetch(window, 1) if belief is Belief.DOUBTED else answer\n",
        wrong="        return answer\n",
        catchers=("tests/engine/test_empty_windows.py",),
    ),
    Bug(
        name="a window that the source does not have whole is complete",
        module="resumable/engine/cursor.py",
        right="            self._recorder.cut_off(window, answer.said.available_to)\n",
        wrong="            pass\n",
        catchers=("tests/e2e/test_jobs.py",),
    ),
    Bug(
        name="parts do not say that their window is cut off",
        module="resumable/engine/recorder.py",
        right="            cut_at=None if cut_at is None else iso(cut_at),\n",
        wrong="",
        catchers=("tests/e2e/test_jobs.py",),
    ),
    Bug(
        name="a cut-off window waits for ever",
        module="resumable/engine/server_jobs.py",
        right="        if ends is None or ends >= window.interval.end:\n",
        wrong="        if False:\n",
        catchers=("tests/e2e/test_jobs.py",),
    ),
    Bug(
        name="an empty last page of a job is no end",
        module="resumable/engine/server_jobs.py",
        right="            if answer.rows == 0 and answer.said.cursor:\n",
        wrong="            if answer.rows == 0 and (answer.said.cursor or number > 1):\n",
        catchers=("tests/apart/test_apart_answers.py::test_last_page_of_a_job_may_be_empty",),
    ),
    Bug(
        name="a page named too many keeps a window open for ever",
        module="resumable/engine/pages.py",
        right="return Ended.EMPTY if self._last_pages.is_empty(window, number, fault) else Ended.FAILED\n",
        wrong="return Ended.FAILED\n",
        catchers=("tests/engine/test_last_pages.py",),
    ),
    Bug(
        name="a last page that is full is not followed",
        module="resumable/engine/last_pages.py",
        right="        elif self._followed(row):\n",
        wrong="        else:\n",
        catchers=("tests/engine/test_last_pages.py",),
    ),
    Bug(
        name="what is missing of a total in one run is settled in it",
        module="resumable/engine/recorder.py",
        right="        if empty_end and not few_missing(row) and (window.id in self._takes or not verdict.complete):\n",
        wrong="        if False:\n",
        catchers=("tests/engine/test_last_pages.py",),
    ),
    Bug(
        name="a user on two pages is one record",
        module="resumable/schema/registry.py",
        right="bundles=name in _BUNDLES",
        wrong="bundles=False",
        catchers=("tests/engine/test_user_documents.py",),
    ),
    Bug(
        name="documents are told apart by how they are grouped",
        module="resumable/schema/identity.py",
        right="        for element in plain(node, row[name]) or ():\n            yield _mark(name, element, None)\n",
        wrong="        yield _mark(name, plain(node, row[name]), None)\n",
        catchers=("tests/schema/test_identity.py",),
    ),
    Bug(
        name="an answer that was no page is not kept",
        module="resumable/engine/recorder.py",
        right="if fault.answer is None or not self._keep(answer_key(window.interval, number), fault.answer):\n",
        wrong="if True:\n",
        catchers=("tests/apart/test_apart_answers.py::test_answer_without_entities_is_kept_whole",),
    ),
    Bug(
        name="a partial export leaves out windows that lack a page",
        module="resumable/export/source.py",
        right="            for take in (row.whole_take or row.window.take,)\n",
        wrong="            for take in (row.whole_take or 0,)\n",
        catchers=("tests/apart/test_apart_answers.py::test_partial_export_has_the_pages_that_are_there",),
    ),
    Bug(
        name="complete is said without looking for the parts",
        module="resumable/status.py",
        right="    check_there(manifest, home)\n",
        wrong="",
        catchers=(f"{LOOKED}::test_complete_job_that_lost_something_is_not_called_complete",),
    ),
    Bug(
        name="a window's folder is not asked whose it is",
        module="resumable/manifest/inventory.py",
        right="if claim is not None and claim.page == key and claim.job == manifest.job().uuid:",
        wrong="if claim is not None:",
        catchers=(f"{LOOKED}::test_complete_job_that_lost_something_is_not_called_complete",),
    ),
    Bug(
        name="a manifest is believed whosever parts lie beside it",
        module="resumable/manifest/ownership.py",
        right="    _refuse(foreign(job, claims) if claims else _receipt_of_another(job, home), home)\n",
        wrong="",
        catchers=(f"{LOOKED}::test_parts_of_another_job_are_told_and_decide",),
    ),
    Bug(
        name="a manifest that was replaced during a run is not missed",
        module="resumable/engine/run.py",
        right="                self._manifest.check_in_place()\n",
        wrong="",
        catchers=(f"{LOOKED}::test_manifest_that_is_replaced_during_a_run_is_missed",),
    ),
    Bug(
        name="a count that is higher than what came is not minded",
        module="resumable/engine/recorder.py",
        right="        if found.how is not Comparison.COUNTS_MORE:\n",
        wrong="        if found.how is not None:\n",
        catchers=("tests/engine/test_counts.py",),
    ),
    Bug(
        name="two downloads of one run settle that fewer records came than are counted",
        module="resumable/engine/recorder.py",
        right="        if earlier and verdict.fingerprint == window.fingerprint:\n",
        wrong="        if (earlier or again) and verdict.fingerprint == window.fingerprint:\n",
        catchers=("tests/engine/test_counts.py",),
    ),
    Bug(
        name="a total of users' documents is compared with users",
        module="resumable/engine/counts.py",
        right="    if not counting.of_records:\n",
        wrong="    if False:\n",
        catchers=("tests/engine/test_counts.py", "tests/apart/test_apart_counts.py"),
    ),
    Bug(
        name="records without an end are not counted",
        module="resumable/engine/open_records.py",
        right="    lacking = pc.is_null(table.column(contract.end_key))\n",
        wrong="    lacking = pc.is_null(table.column(contract.schema.key))\n",
        catchers=(OPEN,),
    ),
    Bug(
        name="a look-back does not reach windows with records without an end",
        module="resumable/manifest/reach.py",
        right=" AND open_records > 0 AND end_ms > ?",
        wrong=" AND open_records < 0 AND end_ms > ?",
        catchers=(OPEN,),
    ),
    Bug(
        name="a refresh by id keeps the old records",
        module="resumable/engine/refresh.py",
        right="                pieces += [old.slice(start, place - start), fresh[str(name)]]\n",
        wrong="                pieces += [old.slice(start, place - start), old.slice(place, 1)]\n",
        catchers=(OPEN,),
    ),
)
