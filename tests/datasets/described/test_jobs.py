"""Jobs of endpoints that a file describes, against a server that is nothing like Genesys."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import (
    AuthenticationFailed,
    Incomplete,
    Interrupted,
    JobSpec,
    JobState,
    Query,
    Secret,
    SourceUnsettled,
    UsageError,
)
from resumable.cli.main import run
from resumable.datasets.described import endpoints
from resumable.datasets.described.declaration import Declaration, from_file
from resumable.datasets.resolve import get
from tests.support.described_jobs import BEFORE_SCHEMA, EXAMPLE, OFFSET, assert_truth, made, settings, stopping_at
from tests.support.ticket_server import TOKEN, Tickets


def test_the_example_of_the_readme_brings_every_record(server: Tickets, tmp_path: Path) -> None:
    """The example in the README works as it stands: typed columns, each value where it belongs, none lost."""
    job = made(EXAMPLE, server, tmp_path)
    status = job.run()
    assert (status.state, status.totals.records, status.drift) == (JobState.COMPLETE, 60, {})
    assert_truth(job, server)
    assert [str(job.dataset().schema.field(name).type) for name in ("id", "created_at", "score", "extra")] == [
        "int64",
        "timestamp[ms, tz=UTC]",
        "double",
        "string",
    ]
    assert job.name.startswith("tickets-2025-01-01-to-2025-01-12-")


def test_a_job_that_is_stopped_carries_on_without_its_file(server: Tickets, tmp_path: Path) -> None:
    """Stopped and resumed, a described job asks for no finished page again, and needs its file no more."""
    job = made(EXAMPLE.read_text(encoding="utf-8"), server, tmp_path)
    with pytest.raises(Interrupted):
        job.run(stop=stopping_at(7, server))
    (tmp_path / "described.toml").unlink()
    before = job.status().totals.pages_done
    assert 0 < before < 20
    job.run()
    assert_truth(job, server)
    pages = [(asked["body"]["created"]["after"], asked["body"]["page"]) for asked in server.asked]
    assert len(set(pages)) == 21
    # One day holds nothing, and the days beside it do: it is asked for a second time.
    assert len(pages) == 21 + 1
    asked = len(server.asked)
    job.run()
    assert len(server.asked) == asked


def test_columns_are_inferred_once_and_pinned(server: Tickets, tmp_path: Path) -> None:
    """Without [schema] the first run infers the columns, later ones keep them, and what does not fit is kept whole."""
    job = made(BEFORE_SCHEMA, server, tmp_path)
    with pytest.raises(Interrupted):
        job.run(stop=stopping_at(7, server))
    pinned = job.dataset().schema
    assert str(pinned.field("id").type) == "int64"
    assert str(pinned.field("created_at").type) == "timestamp[ms, tz=UTC]"
    assert str(pinned.field("requester").type) == "struct<id: int64, name: string>"
    for ticket in server.tickets[30:]:
        ticket |= {"open": "maybe", "new": 1}
    status = job.run()
    assert job.dataset().schema == pinned
    assert "new" in status.drift
    assert_truth(job, server)


def test_inferring_asks_for_no_more_than_the_newest_records(server: Tickets, tmp_path: Path) -> None:
    """The columns are inferred from the last window that has records: here the last but one."""
    made(BEFORE_SCHEMA, server, tmp_path).run()
    assert len(server.asked) == 21 + 2 + 1, "and the empty day among full ones a second time"


def test_a_range_with_no_records_is_complete_without_columns(server: Tickets, tmp_path: Path) -> None:
    """Where there is nothing to infer from, the job is complete all the same."""
    server.tickets.clear()
    job = made(BEFORE_SCHEMA, server, tmp_path)
    assert job.run().totals.records == 0
    assert list(job.records()) == []


def test_a_changed_file_is_another_job(server: Tickets, tmp_path: Path) -> None:
    """Another content of the file is another query: another name, or a refusal under the old one."""
    text = EXAMPLE.read_text(encoding="utf-8")
    first = made(text, server, tmp_path)
    commented = made(f"# a comment changes nothing\n{text}", server, tmp_path)
    changed = made(text.replace('sort = "id"', 'sort = "-id"'), server, tmp_path)
    assert first.name == commented.name != changed.name
    with pytest.raises(UsageError, match=r"query: description of the dataset was \w{6} and is now \w{6}\.$"):
        made(text.replace('sort = "id"', 'sort = "-id"'), server, tmp_path, name=first.name)


def test_values_keep_their_type_in_a_body(server: Tickets, tmp_path: Path) -> None:
    """A placeholder that is a whole text becomes a number where its value is one."""
    made(EXAMPLE, server, tmp_path).run()
    first = next(asked for asked in server.asked if asked["body"]["page"] == 1)
    assert (first["method"], first["params"]) == ("POST", {"sort": "id"})
    assert first["body"]["created"]["after"].endswith("T00:00:00Z")
    assert first["body"]["per_page"] == 4


def test_addresses_in_answers_are_never_followed(server: Tickets, tmp_path: Path) -> None:
    """An answer that names other addresses leads nowhere: every request goes where the description says."""
    made(EXAMPLE, server, tmp_path).run()
    assert {asked["path"] for asked in server.asked} == {"/api/v1/tickets/search"}


def test_the_token_is_on_the_wire_and_nowhere_else(server: Tickets, tmp_path: Path) -> None:
    """The token of the variable goes out in its header, and is in no file of the job."""
    made(EXAMPLE, server, tmp_path).run()
    assert all(asked["headers"]["x-api-key"] == TOKEN for asked in server.asked)
    assert all("authorization" not in asked["headers"] for asked in server.asked)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_a_token_that_is_not_set_is_named(server: Tickets, tmp_path: Path) -> None:
    """Without its variable nothing is asked for, and the message names it."""
    job = made(EXAMPLE, server, tmp_path)
    without = replace(job, settings=replace(job.settings, secrets=lambda _: Secret("")))
    with pytest.raises(AuthenticationFailed, match="TICKETS_TOKEN is not set"):
        without.run()
    assert server.asked == []


def test_a_token_that_is_refused_ends_the_run(server: Tickets, tmp_path: Path) -> None:
    """A refused token is not tried again and again: there is no other."""
    server.token = "another"
    with pytest.raises(AuthenticationFailed, match="refuses the token in TICKETS_TOKEN"):
        made(EXAMPLE, server, tmp_path).run()
    assert len(server.asked) <= 3


def test_an_api_without_tokens_gets_no_header(server: Tickets, tmp_path: Path) -> None:
    """With token = "none" no credential is needed, and none is sent."""
    server.token = None
    job = made(OFFSET, server, tmp_path)
    job.run()
    assert_truth(job, server)
    assert not any({"authorization", "x-api-key"} & asked["headers"].keys() for asked in server.asked)


def test_pages_smaller_than_asked_for_are_never_a_complete_window(server: Tickets, tmp_path: Path) -> None:
    """Where pages are where we reckon them to be, a server that cuts them short is found out, not read with gaps."""
    server.token, server.largest_page = None, 3
    with pytest.raises(Incomplete):
        made(OFFSET, server, tmp_path).run()


def test_a_server_that_ignores_the_page_number_is_found_out(server: Tickets, tmp_path: Path) -> None:
    """Pages that repeat each other never settle, however often they come the same."""
    text = EXAMPLE.read_text(encoding="utf-8").replace('page = "meta.page"', "")

    def same_page(answer: dict[str, Any]) -> dict[str, Any]:
        first = server.asked[-1]["body"] | {"page": 1}
        return answer | {"data": server._by_page(first)["data"]}

    server.spoil = same_page
    with pytest.raises(SourceUnsettled):
        made(text, server, tmp_path, page_size=3).run()


def test_an_answer_for_another_page_is_not_believed(server: Tickets, tmp_path: Path) -> None:
    """Where the answer names its page, one that names another is no page."""
    server.spoil = lambda answer: answer | {"meta": answer["meta"] | {"page": 7}}
    with pytest.raises(Incomplete):
        made(EXAMPLE, server, tmp_path).run()


def test_filters_of_the_command_line_are_refused(server: Tickets, tmp_path: Path) -> None:
    """A filter that the file has no place for is an error and not ignored."""
    spec = JobSpec.of(str(EXAMPLE), "2025-01-01", "2025-01-02", query=Query(queues=("q",)), page_size=4)
    with pytest.raises(UsageError, match="takes no filters"):
        resumable.make(spec, settings(server, tmp_path))


def test_a_description_is_read_once(server: Tickets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is asked of the command line, the file is opened once, before the first request."""
    read: list[str] = []

    def counting(path: str, *, reserved: frozenset[str]) -> Declaration:
        read.append(path)
        return from_file(path, reserved=reserved)

    monkeypatch.setattr(endpoints, "from_file", counting)
    secrets = {"GENESYS_API_URL": server.url, "GENESYS_LOGIN_URL": server.url, "TICKETS_TOKEN": TOKEN}
    said = io.StringIO()
    for command in ("plan", "backfill"):
        words = [command, str(EXAMPLE), "--from", "2025-01-01", "--to", "2025-01-04", "--state", str(tmp_path)]
        assert run(words, stdout=said, stderr=said, environment=secrets) == 0, said.getvalue()
        assert read == [str(EXAMPLE)]
        read.clear()


def test_the_description_kept_with_a_job_is_json_with_every_default(server: Tickets, tmp_path: Path) -> None:
    """The manifest keeps the description with its defaults, so that a later version reads it the same."""
    job = made(OFFSET, server, tmp_path)
    kept = json.loads(job.status().job.spec.query.declaration or "")
    assert kept["paging"] == {"page_size": 100, "style": "page", "first": 1, "page_size_max": 100}
    assert kept["request"]["method"] == "GET"


def test_a_dataset_is_a_name_or_a_path() -> None:
    """What ends in .toml or holds a slash is the path of a file; anything else is a name of the catalogue."""
    assert get(str(EXAMPLE)).name == "tickets"
    with pytest.raises(UsageError, match="cannot be read"):
        get("./nowhere")
    with pytest.raises(UsageError, match="no dataset 'tickets'"):
        get("tickets")


@pytest.mark.parametrize("inferred", [False, True])
def test_a_key_that_no_record_has_is_refused_before_anything_is_recorded(
    server: Tickets, tmp_path: Path, inferred: bool
) -> None:
    """Exit 2 names the key: without it the receipt would call all of them one record."""
    text = BEFORE_SCHEMA if inferred else EXAMPLE.read_text(encoding="utf-8")
    text = text.replace('key = "id"', 'key = "number"').replace("[schema]\n", '[schema]\nnumber = "integer"\n')
    job = made(text, server, tmp_path)
    with pytest.raises(UsageError, match=r"none of the first \d+ records of tickets has the key 'number'"):
        job.run()
    assert job.status().totals.pages_done == 0
    assert list(job.folder.rglob("*.parquet")) == []
    assert job.status().state is not JobState.COMPLETE


def test_records_without_a_key_are_counted_as_such(server: Tickets, tmp_path: Path) -> None:
    """Where others have one: they are not one record that came many times, and the receipt adds up."""
    job = made(EXAMPLE, server, tmp_path)
    for ticket in server.tickets[20:23]:
        del ticket["id"]
    status = job.run()
    receipt = status.receipt
    assert receipt is not None
    assert (receipt["records"], receipt["records_distinct"], receipt["records_without_key"]) == (60, 57, 3)
    assert receipt["duplicates"] == {"within_windows": 0, "across_windows": 0}
    assert [finding.text for finding in job.verify()] == []
