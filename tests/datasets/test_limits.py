"""What a contract allows, each by one rule; and what the catalogue says without importing anything."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from resumable.datasets.catalogue import CATALOGUE, breakdown_of, cheaper, counted_by
from resumable.datasets.details import CONVERSATIONS
from resumable.datasets.details_query import DetailsQuery
from resumable.datasets.facts import Excess, PageSizes, Paging
from resumable.datasets.limits import deep_limit, page_size, window_length
from resumable.datasets.resolve import get
from resumable.errors import UsageError

PLAIN = DetailsQuery(name="conversations", subject=CONVERSATIONS)
DAY = timedelta(days=1)


def sized(excess: Excess) -> DetailsQuery:
    """Return a contract whose pages have 50 records, and 200 at the most."""
    return replace(PLAIN, page_sizes=PageSizes(usual=50, most=200, excess=excess))


@pytest.mark.parametrize(
    ("excess", "asked", "size"),
    [
        (Excess.CLAMPED, None, 50),
        (Excess.CLAMPED, 1, 1),
        (Excess.CLAMPED, 201, 200),
        (Excess.REFUSED, 200, 200),
        (Excess.REFUSED, None, 50),
        (Excess.IGNORED, 7, 50),
        (Excess.IGNORED, 1000, 50),
    ],
)
def test_a_page_is_as_large_as_the_contract_lets_it_be(excess: Excess, asked: int | None, size: int) -> None:
    """The usual size where none is asked for, or none can be; the most where more is asked for."""
    assert page_size(sized(excess), asked) == size


@pytest.mark.parametrize(("excess", "asked"), [(Excess.REFUSED, 201), (Excess.REFUSED, 0), (Excess.CLAMPED, 0)])
def test_a_page_size_that_cannot_be_is_refused(excess: Excess, asked: int) -> None:
    """The error names the largest."""
    with pytest.raises(UsageError, match="holds 1 to 200 records") as caught:
        page_size(sized(excess), asked)
    assert "--page-size 200" in caught.value.hint


def test_settings_count_before_the_contract() -> None:
    """Windows are no longer than either lets them be; how deep one can be paged is the settings' word, if any."""
    assert window_length(PLAIN, 30 * DAY, None) == 7 * DAY
    assert window_length(PLAIN, 30 * DAY, 2 * DAY) == 2 * DAY
    assert window_length(PLAIN, DAY, 2 * DAY) == DAY
    assert window_length(replace(PLAIN, interval_max=None), 30 * DAY, None) == 30 * DAY
    assert (deep_limit(PLAIN, None), deep_limit(PLAIN, 5000)) == (100_000, 5000)


def test_what_a_bulk_dataset_saves_is_said_by_one_rule() -> None:
    """It is named where it needs half of the requests or fewer, and only where there is one."""
    assert cheaper("conversations", requests=16, records=2000, windows=1) == ("conversation-history", 8)
    assert cheaper("conversations", requests=15, records=2000, windows=1) is None
    assert cheaper("users", requests=1000, records=1000, windows=1) is None
    assert cheaper("tickets", requests=1000, records=1000, windows=1) is None


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_fits_its_contracts(name: str) -> None:
    """A bulk dataset works through jobs on the server, what counts it by numbers; a breakdown is a column."""
    contract, bulk, column, counted = get(name), CATALOGUE[name].bulk, breakdown_of(name), counted_by(name)
    assert column is None or column in contract.schema.arrow.names
    if bulk is not None:
        assert counted_by(bulk) == name
    if counted is not None:
        assert contract.paging in (Paging.SERVER_JOB, Paging.BY_WINDOW)
        assert get(counted).schema.digest == contract.schema.digest
        assert get(counted).paging is Paging.NUMBERED


def test_naming_the_datasets_imports_no_more() -> None:
    """A help or a status that asks the catalogue costs no pyarrow and no requests."""
    program = "import sys, resumable.datasets.catalogue; print(*({'pyarrow', 'requests'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
