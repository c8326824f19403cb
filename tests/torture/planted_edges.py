"""Bugs at the edges: of whose data it is, of what is there already, of streams, links, locks, limits and words."""

from tests.torture.planted import Bug

ANSWERS = "tests/apart/test_apart_answers.py"
EDGES = "tests/cli/test_edges.py"
LOST = "tests/storage/test_lock_lost.py"
ORGANISATIONS = "tests/e2e/test_organisations.py"

BUGS_OF_EDGES = (
    Bug(
        name="another organisation is taken for the job's own",
        module="resumable/api/organisation.py",
        right="        return found if known.id == found.id else None\n",
        wrong="        return found\n",
        catchers=(f"{ORGANISATIONS}::test_a_job_begun_at_one_is_not_resumed_at_another",),
    ),
    Bug(
        name="a client of which nobody says whose it is passes for the job's",
        module="resumable/api/organisation.py",
        right="    if confirmed or (known.origin, known.client) == (found.origin, found.client):\n",
        wrong="    if True:\n",
        catchers=("tests/api/test_organisation.py",),
    ),
    Bug(
        name="a complete job is complete for whoever asks",
        module="resumable/cli/run_command.py",
        right="            job.confirm_organisation(self.stop)\n",
        wrong="",
        catchers=(f"{ORGANISATIONS}::test_a_complete_job_is_not_called_complete_at_another",),
    ),
    Bug(
        name="two profiles share a job",
        module="resumable/cli/job_spec.py",
        right='    return checked_job_name(f"{session.profile}-{plain}")\n',
        wrong="    return plain\n",
        catchers=(f"{ORGANISATIONS}::test_profiles_of_one_file_are_jobs_of_their_own",),
    ),
    Bug(
        name="names come from whatever organisation has listed them",
        module="resumable/export/id_names.py",
        right="    return known.id == other.id if None not in (known.id, other.id) else known.origin == other.origin\n",
        wrong="    return True\n",
        catchers=(f"{ORGANISATIONS}::test_names_of_another_organisation_are_not_put_beside_ids",),
    ),
    Bug(
        name="a piece of an answer is a page",
        module="resumable/api/statuses.py",
        right="PAGE: Final = frozenset({200})\n",
        wrong="PAGE: Final = frozenset({200, 202, 203, 206})\n",
        catchers=(f"{ANSWERS}::test_partial_content_is_not_a_page",),
    ),
    Bug(
        name="results that name the watermark are not listened to",
        module="resumable/datasets/details_job.py",
        right='                available_to=instant(envelope, "dataAvailabilityDate"),\n',
        wrong="                available_to=None,\n",
        catchers=(f"{ANSWERS}::test_results_that_name_the_watermark_are_believed",),
    ),
    Bug(
        name="a run ends complete without looking for what it made",
        module="resumable/engine/run.py",
        right="                check_complete(self._manifest, self._home, closed=False)\n",
        wrong="",
        catchers=("tests/manifest/test_inventory.py::test_what_is_taken_away_during_a_run_is_missed",),
    ),
    Bug(
        name="a report goes into the folder of a job",
        module="resumable/storage/targets.py",
        right="    if (job := job_around(path)) is not None:\n",
        wrong="    if (job := job_around(path)) is not None and False:\n",
        catchers=("tests/apart/test_apart_outputs.py::test_report_replaces_no_file_of_a_job_whatever_is_said",),
    ),
    Bug(
        name="a report replaces the file of a stranger",
        module="resumable/report/document.py",
        right="    if kind is not None and not replace and _job_of(path) != uuid:\n",
        wrong="    if False:\n",
        catchers=("tests/apart/test_apart_outputs.py::test_report_replaces_no_file_of_a_stranger",),
    ),
    Bug(
        name="an export replaces the export of another job",
        module="resumable/export/destination.py",
        right="    if found is None or found.of_same(intent):\n",
        wrong="    if True:\n",
        catchers=(
            "tests/export/test_owners.py::test_an_export_of_another_job_is_left_alone_unless_it_is_to_be_replaced",
        ),
    ),
    Bug(
        name="a look-back opens windows before it compares the query",
        module="resumable/job/making.py",
        right="    if not same:\n",
        wrong="    if not same and look_back is None:\n",
        catchers=(f"{EDGES}::test_a_look_back_with_another_query_changes_nothing",),
    ),
    Bug(
        name="an address is a folder",
        module="resumable/storage/targets.py",
        right="    if address is not None:\n",
        wrong="    if address is not None and False:\n",
        catchers=(f"{EDGES}::test_an_address_that_is_no_buckets_is_refused_by_every_command",),
    ),
    Bug(
        name="a job that was moved keeps its old name",
        module="resumable/manifest/reader.py",
        right="        return replace(row, name=self._db.path.absolute().parent.name)\n",
        wrong="        return row\n",
        catchers=(f"{EDGES}::test_a_job_that_was_moved_is_called_by_its_folder",),
    ),
    Bug(
        name="half a character ends an export",
        module="resumable/schema/json_columns.py",
        right='    return text if text.isascii() else text.encode(errors="backslashreplace").decode()\n',
        wrong="    return text\n",
        catchers=(f"{ANSWERS}::test_half_of_a_surrogate_pair_reaches_json_lines",),
    ),
    Bug(
        name="a link that the user named is not followed",
        module="resumable/job/making.py",
        right="    make_folder(there.resolve() / folder.relative_to(there), within=there.resolve(), mode=mode)\n",
        wrong="    make_folder(folder, within=folder.parents[len(folder.parents) - 2], mode=mode)\n",
        catchers=(f"{EDGES}::test_a_state_folder_through_links_works_the_first_time",),
    ),
    Bug(
        name="a lock that was taken away is not missed",
        module="resumable/storage/lock.py",
        right="        if self.lost:\n            raise JobLocked(",
        wrong="        if False:\n            raise JobLocked(",
        catchers=(f"{LOST}::test_a_process_whose_lock_was_taken_away_writes_nothing_any_more",),
    ),
    Bug(
        name="a look that the disk refused is a lock that was taken away",
        module="resumable/storage/lock.py",
        right=(
            "            return True\n"
            "        except OSError as failure:\n"
            "            raise failed(self._path, failure) from failure\n"
        ),
        wrong="            return True\n        except OSError:\n            return True\n",
        catchers=(f"{LOST}::test_a_look_that_the_disk_refuses_is_not_a_lock_that_was_taken",),
    ),
    Bug(
        name="those who only look keep each other out",
        module="resumable/storage/lock.py",
        right="_opened(path, os.O_RDONLY | os.O_CREAT, fcntl.LOCK_SH, job)",
        wrong="_opened(path, os.O_RDONLY | os.O_CREAT, fcntl.LOCK_EX, job)",
        catchers=(f"{LOST}::test_those_who_look_do_not_exclude_each_other",),
    ),
    Bug(
        name="a holder that is dying is taken for one that lives",
        module="resumable/storage/lock.py",
        right='        return not _dying(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))\n',
        wrong="        return True\n",
        catchers=("tests/storage/test_lock.py",),
    ),
    Bug(
        name="a file gets the number of a stream that was closed",
        module="resumable/__main__.py",
        right="        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:\n",
        wrong="        while (descriptor := os.open(os.devnull, os.O_RDWR)) < 0:\n",
        catchers=("tests/cli/test_streams.py::test_no_file_gets_the_number_of_a_closed_stream",),
    ),
    Bug(
        name="everybody may read conversations",
        module="resumable/job/making.py",
        right="OWNER_ALONE, GROUP_READS = 0o700, 0o750\n",
        wrong="OWNER_ALONE, GROUP_READS = 0o755, 0o750\n",
        catchers=("tests/storage/test_permissions.py::test_a_jobs_files_are_its_owners_whatever_the_umask",),
    ),
    Bug(
        name="a hidden file that readers trip over is passed over",
        module="resumable/verify/strays.py",
        right="    if name.startswith(HIDDEN) and not _globbed(subject, key):\n",
        wrong="    if name.startswith(HIDDEN):\n",
        catchers=("tests/verify/test_rows.py::test_what_does_not_belong_is_found_where_a_reader_would_see_it",),
    ),
    Bug(
        name="the longest duration is not kept",
        module="resumable/cli/run_command.py",
        right="        if not stop.wait(seconds):\n",
        wrong="        if not stop.wait(seconds + 60):\n",
        catchers=("tests/apart/test_apart_stuck.py::test_longest_duration_holds_through_waits",),
    ),
    Bug(
        name="a run that is to end waits for the whole of an answer",
        module="resumable/transport/exchange.py",
        right="self._stop.ends_at if self._stop else",
        wrong="float('inf') if self._stop else",
        catchers=("tests/transport/test_stopping.py",),
    ),
    Bug(
        name="nobody is told since when a job does not complete",
        module="resumable/cli/failure.py",
        right="    if not isinstance(error, Incomplete) or error.since is None:\n",
        wrong="    if not isinstance(error, Incomplete) or error.since is None or True:\n",
        catchers=(f"{EDGES}::test_a_job_that_does_not_complete_says_since_when",),
    ),
    Bug(
        name="a certificate that is refused does not name what to set",
        module="resumable/api/client.py",
        right="set RESUMABLE_CA_BUNDLE to their file.",
        wrong="ask somebody.",
        catchers=("tests/api/test_client.py::test_an_api_host_that_cannot_prove_itself_ends_the_run",),
    ),
    Bug(
        name="the id that the vendor's support asks for is not told",
        module="resumable/api/status_faults.py",
        right='    named = f" (correlation id {correlation or context})" if correlation or context else ""\n',
        wrong='    named = ""\n',
        catchers=("tests/api/test_client_failures.py::test_a_failure_names_the_ids_that_the_support_asks_for",),
    ),
    Bug(
        name="a gateway's 404 is about the filters",
        module="resumable/api/statuses.py",
        right="    return Failure.NOT_THE_API if status == 404 and not in_its_own_words else meaning(status).failure\n",
        wrong="    return meaning(status).failure\n",
        catchers=("tests/api/test_client_failures.py::test_a_404_in_words_that_are_not_the_api_s_blames_the_address",),
    ),
    Bug(
        name="one broken job ends what is about the others",
        module="resumable/cli/job_choice.py",
        right="        except ResumableError as error:\n            broken.append(error)\n",
        wrong="        except ResumableError as error:\n            if error:\n                raise\n",
        catchers=(f"{EDGES}::test_one_broken_job_breaks_nothing_of_the_others",),
    ),
    Bug(
        name="the article is filtered by a path of ours",
        module="resumable/datasets/pagecount.py",
        right='        ("queue.id", query.queues),\n',
        wrong='        ("queueId", query.queues),\n',
        catchers=(f"{ANSWERS}::test_article_is_filtered_by_its_own_path",),
    ),
    Bug(
        name="users are sorted in the words of queues",
        module="resumable/datasets/entities.py",
        right='("sortOrder", "ascending"), ("state", "any")',
        wrong='("sortOrder", "asc"), ("state", "any")',
        catchers=(f"{ANSWERS}::test_list_is_sorted_in_its_own_words",),
    ),
    Bug(
        name="most columns of users stay empty",
        module="resumable/datasets/entities.py",
        right=', ("expand", ",".join(EXPANDED))',
        wrong="",
        catchers=(f"{ANSWERS}::test_users_are_asked_for_with_what_can_be_expanded",),
    ),
    Bug(
        name="a key that no record has is taken",
        module="resumable/engine/recorder.py",
        right="answer.table.column(key).null_count == answer.rows > 0 and",
        wrong="answer.table.column(key).null_count > answer.rows > 0 and",
        catchers=(
            "tests/datasets/described/test_jobs.py::test_a_key_that_no_record_has_is_refused_before_anything_is_recorded",
        ),
    ),
)
