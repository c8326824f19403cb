"""Settings: read from an environment that is handed in, and refused by name where they are wrong."""

import re
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from resumable.config import MIN_FREE, REGIONS, Endpoints, Settings, checked_job_name, from_environment, region_domain
from resumable.errors import AuthenticationFailed, ExitCode, UsageError
from resumable.job.naming import default_name
from resumable.models import Interval, JobSpec, Query
from resumable.redaction import Secret

FULL = {"GENESYS_REGION": "eu-central-1", "GENESYS_CLIENT_ID": "id", "GENESYS_CLIENT_SECRET": "canary-secret"}


def test_an_empty_environment_gives_the_defaults_and_says_what_is_missing() -> None:
    """Nothing is needed until something is asked for; then each missing setting is named."""
    settings = from_environment({})
    assert (settings.state, settings.workers, settings.rate_per_minute) == (Path("state"), 8, None)
    with pytest.raises(UsageError, match="no Genesys Cloud region") as region:
        settings.required_endpoints()
    assert region.value.exit_code == ExitCode.USAGE
    with pytest.raises(AuthenticationFailed, match="GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET are") as client:
        settings.required_client()
    assert client.value.exit_code == ExitCode.AUTHENTICATION
    with pytest.raises(AuthenticationFailed, match="GENESYS_CLIENT_SECRET is not set"):
        from_environment({"GENESYS_CLIENT_ID": "id"}).required_client()


@pytest.mark.parametrize("name", REGIONS)
def test_a_region_is_known_by_its_name_its_domain_and_its_hosts(name: str) -> None:
    """All the ways to write a region lead to the same two origins."""
    domain = REGIONS[name]
    wanted = Endpoints(api=f"https://api.{domain}", login=f"https://login.{domain}")
    for text in (name, domain, f"api.{domain}", f"login.{domain}", f"apps.{domain}", f"  {name.upper()} "):
        assert from_environment({"GENESYS_REGION": text}).endpoints == wanted


@pytest.mark.parametrize("text", ["mars-1", "mypurecloud.com.evil.example", "https://api.mypurecloud.com", "api."])
def test_a_region_that_nobody_knows_is_refused_with_those_that_are(text: str) -> None:
    """No credential goes to a host that only looks like one."""
    with pytest.raises(UsageError) as caught:
        region_domain(text)
    assert "eu-central-1" in caught.value.hint


def test_origins_can_be_named_for_a_proxy_or_a_simulator() -> None:
    """GENESYS_API_URL alone serves for both; beside a region each overrides its own half."""
    url = "http://127.0.0.1:8080"
    assert from_environment({"GENESYS_API_URL": url}).endpoints == Endpoints(api=url, login=url)
    both = from_environment({"GENESYS_API_URL": url, "GENESYS_LOGIN_URL": "http://127.0.0.1:9"}).endpoints
    assert both == Endpoints(api=url, login="http://127.0.0.1:9")
    half = from_environment({**FULL, "GENESYS_LOGIN_URL": url}).endpoints
    assert half == Endpoints(api="https://api.mypurecloud.de", login=url)
    assert from_environment({"GENESYS_LOGIN_URL": url}).endpoints is None


def test_credentials_come_without_the_blanks_of_a_pasted_line() -> None:
    """A newline at the end of a secret is nobody's intention."""
    settings = from_environment({"GENESYS_CLIENT_ID": " id\n", "GENESYS_CLIENT_SECRET": " secret\r\n"})
    assert settings.required_client() == ("id", Secret("secret"))


def test_no_secret_shows_in_settings() -> None:
    """Their repr can be printed."""
    assert "canary-secret" not in repr(from_environment(FULL))


def test_numbers_are_read() -> None:
    """Workers, the longest interval and the deep limit."""
    environment = {"RESUMABLE_WORKERS": "3", "RESUMABLE_INTERVAL_DAYS": " 31 ", "RESUMABLE_DEEP_LIMIT": "5000"}
    settings = from_environment({**environment, "RESUMABLE_STATE": "/x"})
    assert (settings.workers, settings.interval_max, settings.deep_limit) == (3, timedelta(days=31), 5000)
    assert settings.state == Path("/x")


@pytest.mark.parametrize("name", ["RESUMABLE_WORKERS", "RESUMABLE_INTERVAL_DAYS", "RESUMABLE_DEEP_LIMIT"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "٣", "1e3", "9" * 20, "9" * 5000, "0000000001000000000000"])
def test_a_number_that_is_none_is_refused_by_name(name: str, text: str) -> None:
    """What cannot be meant is exit code 2, naming the variable."""
    with pytest.raises(UsageError, match=f"{name} must be a whole number from 1 to"):
        from_environment({name: text})


@pytest.mark.parametrize("name", ["a", "2023-10", "conversations-2023-10-abc123", "A.b_c-d", "x" * 100])
def test_a_plain_name_is_a_jobs_name(name: str) -> None:
    """Letters, digits, dots, dashes and underscores."""
    assert checked_job_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc",
        "a/b",
        "a\\b",
        "-x",
        ".hidden",
        "a\0b",
        "a\nb",
        "a\n",
        "x" * 101,
        "x" * 300,
        "ä",
        "a b",
        "a.",
    ],
    ids=ascii,
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    """Exit code 2, and nothing of it is printed raw."""
    with pytest.raises(UsageError) as caught:
        checked_job_name(name)
    assert caught.value.message.isascii()
    assert "\n" not in caught.value.message


@given(st.text(max_size=120))
def test_any_accepted_name_is_one_plain_folder(name: str) -> None:
    """Whatever passes is a single path segment."""
    try:
        checked_job_name(name)
    except UsageError:
        return
    assert Path("state", name).parent == Path("state")
    assert set(name) <= set(string.ascii_letters + string.digits + "._-")


NAMES = {
    ("2023-10-01", "2023-10-02"): "conversations-2023-10-01",
    ("2023-10-01", "2023-11-01"): "conversations-2023-10",
    ("2024-02-01", "2024-03-01"): "conversations-2024-02",
    ("2023-12-01", "2024-01-01"): "conversations-2023-12",
    ("2023-01-01", "2024-01-01"): "conversations-2023",
    ("2023-10-01", "2023-10-08"): "conversations-2023-10-01-to-2023-10-08",
    ("2023-10-01T06:00", "2023-10-01T07:30"): "conversations-20231001T060000Z-20231001T073000Z",
}


@pytest.mark.parametrize("times", NAMES, ids="..".join)
def test_a_job_is_named_for_its_range(times: tuple[str, str]) -> None:
    """Days, months and years are written short, anything else in full."""
    assert default_name(JobSpec.of("conversations", *times, page_size=100)) == NAMES[times]


@given(
    start=st.integers(min_value=0, max_value=10**9),
    length=st.integers(min_value=1, max_value=10**9),
    queues=st.lists(st.text(max_size=5), max_size=2),
)
def test_a_default_name_is_always_a_valid_one(start: int, length: int, queues: list[str]) -> None:
    """Whatever the range and the query, the name can be a folder's, and another query has another."""
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    interval = Interval(start=at, end=at + timedelta(seconds=length))
    spec = JobSpec(
        dataset="conversations",
        interval=interval,
        query=Query(queues=tuple(queues)),
        window=timedelta(days=1),
        page_size=1,
    )
    name = default_name(spec)
    assert checked_job_name(name) == name
    assert not queues or re.search(r"-[0-9a-f]{6}$", name)


def test_settings_are_frozen() -> None:
    """A run cannot change what it was given."""
    with pytest.raises(AttributeError):
        Settings().workers = 3  # type: ignore[misc]  # that is the test


@given(
    page_size=st.integers(1, 1000),
    window_ms=st.integers(1, 10**9),
    queues=st.lists(st.text(max_size=20), max_size=3),
    free=st.none() | st.text(min_size=1, max_size=50),
)
def test_a_spec_comes_back_from_its_text(page_size: int, window_ms: int, queues: list[str], free: str | None) -> None:
    """What each part repeats of its job is enough to make the same job of it again."""
    spec = JobSpec(
        dataset="conversations",
        interval=Interval(start=datetime(2023, 10, 1, tzinfo=UTC), end=datetime(2023, 11, 1, 1, 2, 3, 4000, UTC)),
        query=Query(queues=tuple(queues), filter=free, declaration=free),
        window=timedelta(milliseconds=window_ms),
        page_size=page_size,
    )
    assert JobSpec.from_json(spec.to_json()) == spec
    assert JobSpec.from_json(spec.to_json()).digest == spec.digest


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"dataset": "users"}'])
def test_a_text_that_is_no_spec_is_refused(text: str) -> None:
    """Never half a spec."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        JobSpec.from_json(text)


@pytest.mark.parametrize(("text", "least"), [("0", 0), ("1000000", 10**6), ("", MIN_FREE)])
def test_the_room_a_run_needs_can_be_set(text: str, least: int) -> None:
    """Bytes, 0 for not looking, and a default."""
    assert from_environment({"RESUMABLE_MIN_FREE": text}).min_free == least
