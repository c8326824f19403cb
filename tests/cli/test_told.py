"""Being told: a URL, a file of metrics, a log file, OpenTelemetry; and none of them changes how a command ends."""

import json
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from resumable.cli import log_file
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from tests.support.command_line import RANGE, CommandLine
from tests.support.listener import Listener

COMMAND = ("backfill", "conversations", *RANGE, "--job", "j")
BROKEN = SimFault(
    kind=FaultKind.STATUS, status=404, times=None, on=Match(window="2023-10-02T00:00:00.000Z/", pages=(2,))
)


def metrics(path: Path) -> dict[str, float]:
    """Return what the official parser reads, by name and by the label `state` where there is one."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        for sample in family.samples:
            assert sample.labels["job"] == "j"
            found[" ".join(filter(None, (sample.name, sample.labels.get("state"))))] = sample.value
    return found


def test_a_url_is_told_of_start_and_success(cli: CommandLine) -> None:
    """Pings as services for scheduled jobs take them, each with what a person would want to know."""
    with Listener() as listener:
        outcome = cli(*COMMAND, "--notify", f"{listener.url}/ping/0b7a?rid=1")
        assert outcome.code == 0, outcome.stderr
    assert [heard.path for heard in listener.heard] == ["/ping/0b7a/start?rid=1", "/ping/0b7a?rid=1"]
    start, success = (heard.body for heard in listener.heard)
    assert start["event"] == "start"
    assert success["event"] == "success"
    assert success["exit_code"] == 0
    assert success["job"] == "j"
    assert success["records"] == 750
    assert success["text"] == "resumable backfill j: complete (exit 0)"


def test_one_address_for_all_has_a_place_for_the_event(cli: CommandLine) -> None:
    """A webhook gets every event at one address, with the event where the URL says."""
    cli.extra["GENESYS_CLIENT_SECRET"] = "wrong-secret-1234"
    with Listener() as listener:
        cli.extra["RESUMABLE_NOTIFY"] = f"{listener.url}/hook?what={{event}}"
        assert cli(*COMMAND).code == 4
    assert [heard.path for heard in listener.heard] == ["/hook?what=start", "/hook?what=fail"]
    failed = listener.heard[1].body
    assert failed["error"]["code"] == "authentication"
    assert "wrong-secret-1234" not in json.dumps(failed)


@pytest.mark.parametrize("broken", ["refused", "status"])
def test_a_url_that_does_not_listen_changes_nothing(broken: str, cli: CommandLine) -> None:
    """It is said, by its host alone, and the exit code is that of the run."""
    with Listener(status=500) as listener:
        pass
    url = f"{listener.url}/ping/a-secret-id"
    if broken == "refused":
        outcome = cli(*COMMAND, "--notify", url)
    else:
        with Listener(status=500) as listener:
            outcome = cli(*COMMAND, "--notify", f"{listener.url}/ping/a-secret-id")
    assert outcome.code == 0
    assert "127.0.0.1 was not told: " in outcome.stderr
    assert "a-secret-id" not in outcome.stderr


def test_an_address_that_is_none_is_a_usage_error_that_does_not_quote_it(cli: CommandLine) -> None:
    """Plain http to another machine would show to the network what speaks in this job's name."""
    outcome = cli(*COMMAND, "--notify", "http://example.org/a-secret-id")
    assert outcome.code == 2
    assert "a-secret-id" not in outcome.stderr
    assert not cli.state.exists()


def test_metrics_parse_and_tell_a_success_from_a_failure(cli: CommandLine, tmp_path: Path) -> None:
    """The official parser reads them, and they say what an alert is made of: exit code, last success, since when."""
    target = tmp_path / "resumable.prom"
    cli.sim.inject(BROKEN)
    assert cli(*COMMAND, "--metrics-file", str(target)).code == 3
    failed = metrics(target)
    assert failed["resumable_exit_code"] == 3
    assert failed["resumable_incomplete_runs"] == 1
    assert failed["resumable_windows done"] == 2
    assert "resumable_last_success_timestamp_seconds" not in failed
    cli.sim.clear_faults()
    assert cli("resume", "j", "--metrics-file", str(target)).code == 0
    healed = metrics(target)
    assert healed["resumable_exit_code"] == 0
    assert healed["resumable_records"] == 750
    assert healed["resumable_pages done"] == healed["resumable_pages expected"] == 9
    assert healed["resumable_last_success_timestamp_seconds"] > failed["resumable_last_run_timestamp_seconds"] - 1
    assert healed["resumable_lag_seconds"] < failed["resumable_lag_seconds"]
    assert healed["resumable_requests_total"] > failed["resumable_requests_total"]
    assert healed["resumable_incomplete_runs"] == 0


def test_metrics_are_written_over_metrics_of_the_same_job_alone(cli: CommandLine, tmp_path: Path) -> None:
    """Any other file is left as it was, and so is one of another job; the run ends as it would."""
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    assert cli(*COMMAND, "--metrics-file", str(other)).code == 2
    assert other.read_text() == "mine"
    target = tmp_path / "resumable.prom"
    assert cli("backfill", "users", "--job", "u", "--metrics-file", str(target)).code == 0
    before = target.read_text(encoding="utf-8")
    outcome = cli(*COMMAND, "--metrics-file", str(target))
    assert outcome.code == 0
    assert "no metrics were written" in outcome.stderr
    assert target.read_text(encoding="utf-8") == before


def test_a_log_file_has_every_event_and_begins_anew_before_it_grows_large(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line each, in the job's own folder never; an older file keeps its lines under another name."""
    target = tmp_path / "resumable.log"
    assert cli(*COMMAND, "--log-file", str(target)).code == 0
    lines = target.read_text(encoding="utf-8").splitlines()
    assert any(" info    j run_started: " in line for line in lines)
    assert lines[-1].endswith(' ended: {"exit_code": 0}')
    monkeypatch.setattr(log_file, "BYTES", target.stat().st_size + 10)
    assert cli("resume", "j", "--log-file", str(target), "--log-json").code == 0
    assert (tmp_path / "resumable.log.1").exists()
    newest = json.loads(target.read_text(encoding="utf-8").splitlines()[-1])
    assert newest["event"] == "ended"
    assert cli(*COMMAND, "--log-file", str(cli.state / "j" / "x.log")).code == 2
    assert not (cli.state / "j" / "x.log").exists()


def test_quiet_says_nothing_but_what_fails_and_verbose_every_event(cli: CommandLine) -> None:
    """-q leaves stderr empty where all is well, and not where it is not; -v names each request's snapshot."""
    assert cli("backfill", "users", "-q").stderr == ""
    assert cli("resume", "nothing", "-q").stderr.startswith("error: ")
    cli.extra["RESUMABLE_PROGRESS_SECONDS"] = "0.05"
    assert "snapshot: " not in cli("backfill", "queues").stderr
    assert "snapshot: " in cli("backfill", "wrapupcodes", "-v").stderr


def test_a_run_is_a_span_where_somebody_has_set_that_up(cli: CommandLine) -> None:
    """It carries job, records and exit code, and says that a run failed."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    cli.extra["OTEL_SERVICE_NAME"] = "backfills"
    assert cli(*COMMAND).code == 0
    (span,) = exporter.get_finished_spans()
    assert span.name == "resumable backfill"
    assert dict(span.attributes or {})["resumable.records"] == 750
    cli.extra["GENESYS_CLIENT_SECRET"] = "wrong-secret-1234"
    assert cli("backfill", "users").code == 4
    assert exporter.get_finished_spans()[1].status.description == "authentication"
