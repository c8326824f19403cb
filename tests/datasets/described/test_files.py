"""Descriptions that cannot be used: every complaint names the file, the line and the key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resumable.datasets.described.columns import inferred_columns
from resumable.datasets.described.declaration import from_canonical, from_file
from resumable.datasets.described.endpoints import load
from resumable.datasets.described.pages import DeclaredPages
from resumable.datasets.described.template import Json, filled, filled_path, placeholders, written
from resumable.datasets.resolve import get, of_job, resolve
from resumable.errors import ManifestUnusable, UsageError
from resumable.models import Interval, JobSpec, Query
from resumable.schema.decode import decode_carefully
from resumable.schema.fields import ColumnKind
from resumable.schema.rebuild import rebuild
from resumable.schema.schema import build
from resumable.tomlfile import line_of
from tests.support.json_records import ANY_JSON, body_of, comes_back

EXAMPLE = Path(__file__).parent / "example.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
DAY = Interval(start=datetime(2025, 1, 1, tzinfo=UTC), end=datetime(2025, 1, 2, tzinfo=UTC))

COMPLAINTS = [
    ("[dataset]", "[datset]", "datset is not a table that is known here; did you mean dataset", "[datset]"),
    ("[record]", "[record", r"is not valid TOML: .*line \d+", None),
    ('name = "tickets"', 'nam = "tickets"', "dataset.name is missing; is nam meant to be it", "[dataset]"),
    ('name = "tickets"', "name = 7", "dataset.name is a whole number, not text", "name = 7"),
    ('name = "tickets"', 'name = "My Tickets"', "dataset.name is 'My Tickets'", 'name = "My'),
    ('name = "tickets"', 'name = "users"', "dataset.name is 'users', which is a dataset of its own", 'name = "users"'),
    ("rate_per_minute = 120", "rate_per_minut = 1", "not a key that is known here; did you mean rate_per_m", "minut ="),
    ("rate_per_minute = 120", 'rate_per_minute = "fast"', "rate_per_minute is text, not a number", '"fast"'),
    ("rate_per_minute = 120", "rate_per_minute = 0", "rate_per_minute is 0; it can be 0.01 to", "minute = 0"),
    ('token = "env:TICKETS_TOKEN"', 'token = "s3cr3t"', 'dataset.token is none of "basic"', "s3cr3t"),
    ("env:TICKETS_TOKEN", "env:GENESYS_CLIENT_SECRET", "dataset.token names the secret of the OAuth client", "env:GEN"),
    ('"X-Api-Key: {token}"', '"X-Api-Key: s3cr3t"', "dataset.header is not like", "s3cr3t"),
    ('"X-Api-Key: {token}"', '"Host: {token}"', "dataset.header is not like", "Host:"),
    ('method = "POST"', 'method = "DELETE"', "request.method is 'DELETE'; it can be GET, POST", "DELETE"),
    ('method = "POST"', 'method = "GET"', "request.body goes with a POST only", "[request.body]"),
    ('path = "/api', 'path = "https://evil.example/api', "request.path is not a path on the API host", "evil"),
    ('path = "/api', 'path = "//evil.example/api', "request.path is not a path on the API host", "evil"),
    ('path = "/api', 'path = "/../api', "request.path holds what a path cannot", "/../"),
    ('path = "/api', 'path = "/%2e%2e/api', "request.path holds what a path cannot", "%2e"),
    ('path = "/api', 'path = "/x?y=1', "request.path holds what a path cannot", "?y"),
    ('time = "iso_s"', 'time = "isos"', "request.time is 'isos'; .*; did you mean iso", '"isos"'),
    ('end = "exclusive"', 'end = "excl"', "request.end is 'excl'; it can be exclusive, inclusive", '"excl"'),
    ('sort = "id"', "sort = [[1]]", "request.params.sort is not a text, a number", "sort = [[1]]"),
    ('sort = "id"', 'api_key = "x"', "request.params.api_key looks like a secret", "api_key"),
    (
        'page = "{page}"',
        'page = "{pge}"',
        r"request.body.page has the placeholder \{pge\}; .*did you mean page",
        "{pge}",
    ),
    ('page = "{page}"', 'page = "{cursor}"', r"has the placeholder \{cursor\}; known are", '"{cursor}"\n'),
    ('page = "{page}"', "page = 1", r"no \{page\} or \{offset\} is in the request", "[request]"),
    ('page = "{page}"', 'page = "{page}"\nx = 2025-01-01', "request.body.x is a time, NaN or infinity", "x = 2025"),
    ('page = "{page}"', 'page = "{page}"\nx = nan', "request.body.x is a time, NaN or infinity", "x = nan"),
    (', before = "{to}"', "", r"\{from\} and \{to\} go together", "[request]"),
    ('style = "page"', 'style = "offset"', "paging.style is 'offset'; it can be page, cursor", '"offset"'),
    ("first = 1", "first = 2", "paging.first is 2; it can be 0 to 1", "first = 2"),
    ("first = 1", "first = true", "paging.first is true or false, not a whole number", "first = true"),
    ("page_size_max = 500", "page_size_max = 5", "paging.page_size_max is 5; it can be 100 to", "max = 5"),
    ('longest_window = "31d"', 'longest_window = "a month"', "longest_window is 'a month', not a length", "a month"),
    ('records = "data.items"', "", "answer.records is missing", "[answer]"),
    ('records = "data.items"', 'records = "data..items"', "answer.records is not the way to a member", "data..items"),
    ('page = "meta.page"', 'next_cursor = "x"', 'answer.next_cursor goes with style = "cursor" only', "next_cursor = "),
    ('key = "id"', "", "record.key is missing", "[record]"),
    ('key = "id"', 'key = "uuid"', "record.key is 'uuid', which .schema. does not declare as text or", '"uuid"'),
    ('start = "created_at"', 'start = "subject"', "record.start is 'subject', which .schema. does not", '"subject"'),
    ('subject = "text"', 'subject = "txt"', "schema.subject is 'txt'; .*; did you mean text", '"txt"'),
    ('tags = ["text"]', "tags = []", "schema.tags is a list that does not hold just one thing", "tags = []"),
    ('requester = { id = "integer"', 'requester = { id = "int"', "schema.requester.id is 'int'", '"int"'),
]


def described(text: str, folder: Path) -> str:
    """Write a description, and return its path."""
    path = folder / "described.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("before", "after", "complaint", "at"), COMPLAINTS)
def test_what_cannot_be_used_is_named_by_file_line_and_key(
    before: str, after: str, complaint: str, at: str | None, tmp_path: Path
) -> None:
    """A description that is wrong in one place is refused with the file, the line and the key of that place."""
    changed = TEXT.replace(before, after, 1)
    assert changed != TEXT
    path = described(changed, tmp_path)
    with pytest.raises(UsageError, match=complaint) as caught:
        get(path)
    assert path in caught.value.message
    assert "s3cr3t" not in caught.value.message + caught.value.hint
    if at is not None:
        line = changed[: changed.index(at)].count("\n") + 1
        assert f"{path}, line {line}: " in caught.value.message


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"page_count = ": "# ", "total = ": "# "}, "answer.page_count is missing, and so is answer.total"),
        ({'time = "iso_s"': 'time = "date"', "# records_max": "records_max"}, "records_max cannot be with time"),
        ({'style = "page"': 'style = "cursor"', '"{page}"': '"{cursor}"'}, "answer.next_cursor is missing"),
        (
            {'style = "page"': 'style = "cursor"', '"{page}"': '"{cursor}"', 'page = "m': 'next_cursor = "m'},
            'answer.page_count goes with style = "page" only',
        ),
        ({'style = "page"': 'style = "cursor"', 'page = "{page}"': ""}, "no {cursor} is in the request"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(changes: dict[str, str], complaint: str, tmp_path: Path) -> None:
    """Keys that are each right and make no sense together are refused, too."""
    text = TEXT
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    with pytest.raises(UsageError) as caught:
        get(described(text, tmp_path))
    assert complaint in caught.value.message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"\xff", "is not UTF-8 text"), (b"#" * 1_000_001, "is longer than"), (b"dataset = 1", "write .dataset.")],
)
def test_a_file_that_is_no_description_is_refused(content: bytes, complaint: str, tmp_path: Path) -> None:
    """Whatever a file holds, it is a description or a usage error."""
    path = tmp_path / "described.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=complaint):
        get(str(path))


def test_a_description_survives_its_canonical_text() -> None:
    """What a manifest keeps makes the same description again."""
    found = from_file(str(EXAMPLE), reserved=frozenset())
    assert from_canonical(found.canonical) == found


def test_a_resolved_spec_names_the_dataset_and_holds_its_description() -> None:
    """A spec by path becomes one by name, which of_job understands without the file."""
    spec, contract = resolve(JobSpec.of(str(EXAMPLE), "2025-01-01", "2025-01-02", page_size=10))
    assert spec.dataset == contract.name == "tickets"
    assert Query.from_json(spec.query.to_json()) == spec.query
    assert of_job(spec, None).schema.digest == contract.schema.digest
    assert resolve(spec)[0] == spec


def test_a_kept_description_that_is_damaged_is_an_unusable_manifest() -> None:
    """A manifest whose description makes no sense is named as the thing that is broken."""
    spec = JobSpec.of("x", "2025-01-01", "2025-01-02", query=Query(declaration='{"request":{}}'), page_size=10)
    with pytest.raises(ManifestUnusable, match=r"request\.path is missing"):
        of_job(spec, None)


def test_where_the_server_decides_on_the_page_size_there_is_no_other(tmp_path: Path) -> None:
    """Without {page_size} in the request, a page has the size that the file says."""
    path = described(TEXT.replace('per_page = "{page_size}"', ""), tmp_path)
    assert resolve(JobSpec.of(path, "2025-01-01", "2025-01-02", page_size=10))[0].page_size == 100


def test_an_inclusive_end_is_one_step_earlier(tmp_path: Path) -> None:
    """Where the server counts the end to the range, windows do not share a moment."""
    text = TEXT.replace('"exclusive"', '"inclusive"').replace('"iso_s"', '"epoch_ms"')
    contract = load(described(text, tmp_path), reserved=frozenset())
    assert isinstance(contract, DeclaredPages)
    asked = contract.request(Query(), DAY, 1, 10).body
    assert asked is not None
    assert asked["created"] == {"after": 1735689600000, "before": 1735775999999}


def test_a_window_that_the_form_cannot_write_is_refused(tmp_path: Path) -> None:
    """A window that begins in the middle of a day is not asked for by days."""
    contract = load(described(TEXT.replace('"iso_s"', '"date"'), tmp_path), reserved=frozenset())
    assert isinstance(contract, DeclaredPages)
    half = Interval(start=DAY.start + timedelta(hours=12), end=DAY.end)
    with pytest.raises(UsageError, match="cannot be written as date"):
        contract.request(Query(), half, 1, 10)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("iso", "2025-01-01T00:00:00.000Z"),
        ("iso_s", "2025-01-01T00:00:00Z"),
        ("date", "2025-01-01"),
        ("epoch_ms", 1735689600000),
        ("epoch_s", 1735689600),
    ],
)
def test_a_time_is_written_in_the_form_asked_for(form: str, said: str | int) -> None:
    """Each form writes the same moment in its own way."""
    assert written(DAY.start, form) == said


def test_placeholders_are_filled_wherever_they_stand() -> None:
    """Placeholders are filled in nested texts, keep their type alone, and doubled braces make a plain text."""
    template: Json = {"a": ["{page}", "p{page}-{from}"], "b": {"c": "{{page}}", "d": "{ id }", "e": 1}}
    assert filled(template, {"page": 3, "from": "x"}) == {
        "a": [3, "p3-x"],
        "b": {"c": "{page}", "d": "{ id }", "e": 1},
    }
    assert sorted({name for _, name in placeholders(template)}) == ["from", "page"]


def test_what_fills_a_path_cannot_leave_it() -> None:
    """A value in a path is one segment, whatever it holds."""
    assert filled_path("/a/{from}/b", {"from": "../../x?y#z//"}) == "/a/..%2F..%2Fx%3Fy%23z%2F%2F/b"


@pytest.mark.parametrize(
    ("keys", "line"),
    [(("a", "b"), 2), (("a", "c"), 7), (("d", "e", "f"), 9), (("d",), 8), (("x",), None), (("a", "l", "m"), 10)],
)
def test_the_line_of_a_key_is_found(keys: tuple[str, ...], line: int | None) -> None:
    """A key is found in its table, behind texts of many lines, dotted, and inside what stands on one line."""
    text = '[a]\nb = """\nc = 1\n[d]\n"""\n# c = 2\nc = 3\n[d.e]\n"f" = 1\n[a.l]\n'
    assert line_of(text, keys) == line


records = st.lists(
    st.dictionaries(st.text(max_size=3).filter(lambda name: name != "_unmapped"), ANY_JSON, max_size=4).map(
        lambda record: {**record, "id": "a"}
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(records)
def test_inferred_columns_hold_what_they_were_inferred_from(found: list[dict[str, object]]) -> None:
    """Whatever JSON a page holds, the columns inferred from it make a schema, and give every record back."""
    schema = build("inferred", 1, inferred_columns(found, "id", None), "id", None)
    decoded = decode_carefully(body_of(found), schema=schema, records_key="records")
    assert decoded.table is not None
    for back, record in zip(rebuild(decoded.table, schema=schema), found, strict=True):
        assert comes_back(schema.root, record, back)


def test_kinds_are_inferred_from_all_records_together() -> None:
    """A column has the kind that all records agree on, and JSON where they do not."""
    columns = inferred_columns(
        [
            {"id": 1, "n": 1, "t": "2025-01-01T00:00:00Z", "m": 1, "l": [], "o": {"x": True}, "z": None},
            {"id": 2, "n": 1.5, "t": "2025-01-01T00:00:00.123+01:00", "m": "a", "l": ["a"], "o": {"y": 2}},
        ],
        "id",
        None,
    )
    assert columns == {
        "id": ColumnKind.INTEGER,
        "n": ColumnKind.NUMBER,
        "t": ColumnKind.INSTANT,
        "m": ColumnKind.JSON,
        "l": [ColumnKind.TEXT],
        "o": {"x": ColumnKind.FLAG, "y": ColumnKind.INTEGER},
        "z": ColumnKind.JSON,
    }
