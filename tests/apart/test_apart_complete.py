"""Complete means looked at: what was recorded and is not there is missed, at every moment."""

import shutil

import pytest

from tests.apart.contracts import CONVERSATIONS
from tests.apart.desk import MakeDesk
from tests.apart.exchange import Kind
from tests.apart.judge import wrong_with
from tests.apart.script import after
from tests.apart.truth import World


@pytest.mark.parametrize("nth", [5, 9])
def test_parts_removed_during_a_run_are_missed(desk_at: MakeDesk, nth: int) -> None:
    """Where the folder of parts is removed while a run goes on, it does not end with exit 0 unless all is there."""
    desk = desk_at()
    parts = desk.folder("j") / "parts"
    rule = after(lambda: shutil.rmtree(parts, ignore_errors=True))
    desk.wire.cloud.script.add(rule, kind=Kind.CONVERSATIONS, nth=nth)
    outcome = desk(*CONVERSATIONS.arguments())
    assert outcome.code in (0, 3, 5, 6), outcome.stderr
    if outcome.code != 0:
        assert desk("repair", "j").code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


def test_one_part_removed_during_a_run_is_missed(desk_at: MakeDesk) -> None:
    """One recorded part that goes while a run goes on is missed before complete is said."""
    desk = desk_at()

    def remove() -> None:
        for part in list(desk.parts("j"))[:1]:
            part.unlink()

    desk.wire.cloud.script.add(after(remove), kind=Kind.CONVERSATIONS, nth=7)
    outcome = desk(*CONVERSATIONS.arguments())
    assert outcome.code in (0, 3, 5, 6), outcome.stderr
    if outcome.code != 0:
        assert desk("repair", "j").code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


@pytest.mark.parametrize("all_of_them", [True, False])
def test_complete_job_without_its_parts_is_not_complete(desk_at: MakeDesk, all_of_them: bool) -> None:
    """`resume` of a complete job whose parts are gone ends with exit 6, and names what is gone."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments()).code == 0
    gone = list(desk.parts("j")) if all_of_them else list(desk.parts("j"))[4:5]
    for part in gone:
        part.unlink()
    outcome = desk("resume", "j")
    assert outcome.code == 6, outcome.stderr
    assert desk(*CONVERSATIONS.arguments()).code == 6


def test_manifest_of_another_job_is_refused(desk_at: MakeDesk) -> None:
    """A manifest that was copied from another job ends with exit 8, and the parts stay where they are."""
    desk = desk_at(World(days=6))
    assert desk(*CONVERSATIONS.arguments()).code == 0
    assert desk(*CONVERSATIONS.arguments(days=6, job="k")).code == 0
    before = list(desk.parts("j"))
    for end in ("", "-wal", "-shm"):
        other = desk.folder("k") / f"manifest.sqlite{end}"
        own = desk.folder("j") / f"manifest.sqlite{end}"
        own.unlink(missing_ok=True)
        if other.exists():
            shutil.copy(other, own)
    assert desk("resume", "j").code == 8
    assert desk("export", "j", "--to", "-", "--format", "jsonl").code == 8
    assert list(desk.parts("j")) == before
