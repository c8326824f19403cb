"""The fault matrix: whatever one request is answered, never false, never stuck, always a documented exit code."""

import zlib
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.apart.contracts import ALL, CONVERSATIONS
from tests.apart.matrix import Bench, Cell, Verdict, cells
from tests.apart.script import instead

MATRIX: dict[str, list[Cell]] = {}
for one in cells():
    MATRIX.setdefault(one.group, []).append(one)

SAMPLE = 1
"""Cells of each group before a commit: the torture suite tries more of them, or all."""


def _order(cell: Cell) -> int:
    return zlib.crc32(cell.name.encode())


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Return where cells are tried."""
    with Bench() as made:
        yield made


Tally = Callable[[str, int], None]


@pytest.mark.parametrize("group", list(MATRIX))
def test_some_wrong_answers_of_each_kind(bench: Bench, group: str, tally: Tally) -> None:
    """A bounded sample of every request of every contract, and every family of wrong answers to it."""
    chosen = sorted(MATRIX[group], key=_order)[:SAMPLE]
    assert _faults(bench, chosen, tally) == []


@pytest.mark.torture
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("group", list(MATRIX))
def test_every_wrong_answer(bench: Bench, group: str, tally: Tally, trials: Callable[[str], int]) -> None:
    """Every wrong answer to every request of every contract, at every place, once and until the command has ended."""
    most = trials("matrix-cells")
    share = 1 if most == 0 else max(1, sum(map(len, MATRIX.values())) // most)
    chosen = [cell for cell in MATRIX[group] if _order(cell) % share == 0]
    assert _faults(bench, chosen, tally) == []


def test_matrix_sees_what_is_false(bench: Bench) -> None:
    """A product that believed a wrong page would be found out: here the server itself changes after it was asked."""
    wrong = next(cell for cell in cells([CONVERSATIONS])).wrong
    cell = Cell(contract=CONVERSATIONS, kind=CONVERSATIONS.page, wrong=wrong, page="first")
    assert bench.tried(cell).verdict is Verdict.RIGHT
    lasting = Cell(contract=CONVERSATIONS, kind=CONVERSATIONS.page, wrong=wrong, page="first", times=None, heals=False)
    assert bench.tried(lasting).verdict is Verdict.STUCK
    short = instead({"conversations": [], "totalHits": 0})
    consistent = Cell(
        contract=CONVERSATIONS,
        kind=CONVERSATIONS.page,
        wrong=type(wrong)(name="an empty day for ever", family=wrong.family, change=short),
        page="first",
        times=None,
        heals=False,
    )
    assert bench.tried(consistent).verdict is Verdict.FALSE


def test_matrix_has_every_contract_and_every_request() -> None:
    """No contract is left out, and no request of any."""
    assert {(cell.contract.name, cell.kind) for group in MATRIX.values() for cell in group} == {
        (contract.name, kind) for contract in ALL for kind in (contract.page, *contract.setup)
    }


def _faults(bench: Bench, chosen: Sequence[Cell], tally: Tally) -> list[str]:
    findings = [bench.tried(cell) for cell in chosen]
    tally("cells of the fault matrix (contract x request x wrong answer x place)", len(findings))
    unreached = sum(finding.verdict is Verdict.UNREACHED for finding in findings)
    tally("cells of the fault matrix whose request no run made", unreached)
    return [finding.line for finding in findings if finding.verdict not in (Verdict.RIGHT, Verdict.UNREACHED)]
