"""One organisation a job: whatever command, profile or environment brings another, no record of it comes in."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.apart.contracts import CONVERSATIONS, HERE, TICKETS
from tests.apart.desk import Desk, MakeDesk
from tests.apart.exchange import Kind
from tests.apart.judge import wrong_with
from tests.apart.manners import Manners
from tests.apart.truth import World

Elsewhere = Callable[[Desk, World], Desk]
OTHER = World(name="Beta Insurance")
HARMLESS = {Kind.TOKEN, Kind.ORGANISATION}
"""What another organisation may be asked: who it is."""


def refused(there: Desk, *arguments: str) -> str:
    """Run a command that has to end with exit 2, asking nothing but who is there; return what was said."""
    outcome = there(*arguments)
    assert outcome.code == 2, outcome.stderr
    assert {entry.kind for entry in there.wire.cloud.asked()} <= HARMLESS
    return outcome.stderr


def test_resume_at_another_organisation_is_refused(desk_at: MakeDesk, elsewhere: Elsewhere) -> None:
    """`resume` at another organisation ends with exit 2, names both, and the job goes on at its own."""
    here = desk_at()
    there = elsewhere(here, OTHER)
    assert here(*CONVERSATIONS.arguments(), "--max-requests", "4").code == 3
    said = refused(there, "resume", "j")
    assert "Acme Support" in said
    assert "Beta Insurance" in said
    assert here("resume", "j").code == 0
    assert wrong_with(here, CONVERSATIONS) == ""


def test_same_backfill_at_another_organisation_is_refused(desk_at: MakeDesk, elsewhere: Elsewhere) -> None:
    """The same command with another organisation's environment ends with exit 2, also when the job is complete."""
    here = desk_at()
    there = elsewhere(here, OTHER)
    assert here(*CONVERSATIONS.arguments()).code == 0
    refused(there, *CONVERSATIONS.arguments())
    assert wrong_with(here, CONVERSATIONS) == ""


def test_profiles_of_two_organisations_have_two_jobs(desk_at: MakeDesk, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """One job file with two profiles makes two jobs, or refuses; the second never counts as the first's."""
    here = desk_at()
    there = elsewhere(here, OTHER)
    text = 'dataset = "conversations"\nfrom = 2023-10-01\nto = 2023-10-04\n'
    for name, desk in {"prod": here, "other": there}.items():
        text += f'\n[profiles.{name}]\napi_url = "{desk.wire.api}"\nlogin_url = "{desk.wire.login}"\n'
        text += f'client_id_env = "ID_{name.upper()}"\nclient_secret_env = "SECRET_{name.upper()}"\n'
        here.extra |= {f"ID_{name.upper()}": desk.wire.cloud.client, f"SECRET_{name.upper()}": desk.wire.cloud.secret}
    (tmp_path / "year.toml").write_text(text, encoding="utf-8")
    words = ("backfill", "--config", str(tmp_path / "year.toml"), "--profile")
    first = here(*words, "prod")
    assert first.code == 0, first.stderr
    second = here(*words, "other")
    assert second.code in (0, 2), second.stderr
    jobs = [folder.name for folder in here.state.iterdir() if (folder / "parts").is_dir()]
    assert len(jobs) == (2 if second.code == 0 else 1)
    if second.code == 0:
        assert there.wire.cloud.asked(Kind.CONVERSATIONS)


def test_repair_at_another_organisation_is_refused(desk_at: MakeDesk, elsewhere: Elsewhere) -> None:
    """A part that is gone is not asked for again at another organisation."""
    here = desk_at()
    there = elsewhere(here, OTHER)
    assert here(*CONVERSATIONS.arguments()).code == 0
    next(here.parts("j")).unlink()
    refused(there, "repair", "j")
    assert here("repair", "j").code == 0
    assert wrong_with(here, CONVERSATIONS) == ""


def test_later_end_at_another_organisation_is_refused(desk_at: MakeDesk, elsewhere: Elsewhere) -> None:
    """`--look-back` with a later end takes nothing of another organisation."""
    here = desk_at(World(days=4))
    there = elsewhere(here, World(name="Beta Insurance", days=4))
    assert here(*CONVERSATIONS.arguments(days=3), "--look-back", "4d").code == 0
    refused(there, *CONVERSATIONS.arguments(days=4), "--look-back", "4d")
    assert here(*CONVERSATIONS.arguments(days=4), "--look-back", "4d").code == 0
    assert wrong_with(here, CONVERSATIONS, days=4) == ""


def test_described_endpoint_stays_at_its_origin(desk_at: MakeDesk, elsewhere: Elsewhere) -> None:
    """A job of a described endpoint is not carried on at another address."""
    here = desk_at()
    there = elsewhere(here, OTHER)
    assert here(*TICKETS.arguments(), "--max-requests", "4").code == 3
    refused(there, "resume", "j")
    assert here("resume", "j").code == 0
    assert wrong_with(here, TICKETS) == ""


def test_online_check_at_another_organisation_is_refused(desk_at: MakeDesk, elsewhere: Elsewhere) -> None:
    """`verify --online` does not find another organisation's counts to be right."""
    here = desk_at()
    there = elsewhere(here, OTHER)
    assert here(*CONVERSATIONS.arguments()).code == 0
    refused(there, "verify", "j", "--online")


def test_names_of_another_organisation_are_refused(desk_at: MakeDesk, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """`export --names` takes no names from lists of another organisation."""
    here = desk_at()
    # Ids may be the same by accident; names are then of somebody else.
    there = elsewhere(here, World(name="Beta Insurance"))
    there.wire.cloud.world.__dict__["all_users"] = [
        {**user, "name": "Somebody Else"} for user in here.wire.cloud.world.all_users
    ]
    assert here(*CONVERSATIONS.arguments()).code == 0
    assert there("backfill", "users", "--job", "theirs").code == 0
    outcome = here("export", "j", "--to", str(tmp_path / "p.csv"), "--table", "participants", "--names")
    written = (tmp_path / "p.csv").read_text(encoding="utf-8") if outcome.code == 0 else ""
    assert outcome.code in (0, 2), outcome.stderr
    assert "Somebody Else" not in written


def test_status_names_the_organisation(desk_at: MakeDesk) -> None:
    """`status --json` has the origin, the id and the name of the organisation, and a client without its secret."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments()).code == 0
    organisation = desk.status("j")["organisation"]
    assert organisation["origin"] == desk.wire.api
    assert organisation["id"] == desk.wire.cloud.world.organisation["id"]
    assert organisation["name"] == "Acme Support"
    assert organisation["client"]


def test_another_client_of_nobody_knows_which_organisation_is_refused(desk_at: MakeDesk) -> None:
    """Where the role may not read the organisation, another client at the same origin has to be confirmed."""
    desk = desk_at(manners=Manners(organisation_allowed=False))
    assert desk(*CONVERSATIONS.arguments(), "--max-requests", "4").code == 3
    cloud = desk.wire.cloud
    own = cloud.client, cloud.secret
    cloud.client, cloud.secret = "client-new", "canary-secret-apart-new"
    before = len(cloud.asked(Kind.CONVERSATIONS))
    assert desk("resume", "j").code == 2
    assert len(cloud.asked(Kind.CONVERSATIONS)) == before
    cloud.client, cloud.secret = own
    assert desk("resume", "j").code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


def test_new_client_of_the_same_organisation_goes_on(desk_at: MakeDesk) -> None:
    """Where organizations/me names the same organisation, another client of it carries the job on."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments(), "--max-requests", "4").code == 3
    desk.wire.cloud.client, desk.wire.cloud.secret = "client-new", "canary-secret-apart-new"
    assert desk("resume", "j", later=timedelta(days=2)).code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


def test_descriptions_are_where_they_are_looked_for() -> None:
    """The descriptions of the two other endpoints stand beside the tests."""
    assert (HERE / TICKETS.file).is_file()
