"""One organisation a job: learned by its first run, asked again by every other, and another one refused before it."""

from collections.abc import Callable
from datetime import datetime

from resumable.api.client import Client, Stopped
from resumable.api.journal import Journal
from resumable.api.organisation import foreign, identify, same, told_locally
from resumable.api.session import open_session
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets.contract import Contract
from resumable.datasets.token_forms import TokenForm
from resumable.errors import Fault, Incomplete
from resumable.manifest.rows import JobRow
from resumable.manifest.store import Manifest
from resumable.models import Counter, EventKind, Organisation
from resumable.text import described


class HeldJournal:
    """Keeps what a run reports until it is known whose data it would bring: a run that is refused leaves no trace."""

    def __init__(self, journal: Journal) -> None:
        """`journal` is told all of it once it is released, and everything after that at once."""
        self._journal = journal
        self._held: list[Callable[[], None]] | None = []

    def release(self) -> None:
        """Tell all that was held."""
        held, self._held = self._held or [], None
        for tell in held:
            tell()

    def count(self, counter: Counter) -> None:
        """Add one to a lifetime counter."""
        self._tell(lambda: self._journal.count(counter))

    def event(self, kind: EventKind, text: str) -> None:
        """Keep one line of history."""
        self._tell(lambda: self._journal.event(kind, text))

    def failed(self, asked: str, fault: Fault) -> None:
        """Keep why the last exchange failed."""
        self._tell(lambda: self._journal.failed(asked, fault))

    def outage(self, since: datetime | None, why: str) -> None:
        """Keep since when nobody is answered, at once: a run that waits for that says why it does."""
        self._journal.outage(since, why)

    def answered(self, seconds: float, *, allowed: float, others: int | None = None) -> None:
        """Count an answer to its minute."""
        self._tell(lambda: self._journal.answered(seconds, allowed=allowed, others=others))

    def _tell(self, tell: Callable[[], None]) -> None:
        if self._held is None:
            tell()
        else:
            self._held.append(tell)


def settle(manifest: Manifest, client: Client, contract: Contract, settings: Settings) -> JobRow:
    """Ask whose data this is, and return the job with it. Raises UsageError where it is not the job's own.

    Nothing is changed where it is refused. A job of an older version learns its organisation here, as an event.
    """
    job = manifest.job()
    found = accepted(job, _identified(client, contract, settings), settings)
    if found == job.organisation:
        return job
    manifest.learned.organisation(found)
    before = "" if job.organisation is None else f"; it was {described(job.organisation)}"
    manifest.event(EventKind.ORGANISATION, f"{described(found)}{before}")
    return manifest.job()


def confirm(job: JobRow, contract: Contract, settings: Settings, stop: Stop) -> None:
    """Ask whose data this is, where the settings are not those that the job knows. Raises UsageError for another's.

    For what changes a job, or calls it complete, before any run of it has asked.
    """
    known = job.organisation
    if known is None or _told(contract, settings) in (None, (known.origin, known.client)):
        return
    with open_session(contract, settings, stop=stop, journal=NoJournal()) as client:
        accepted(job, _identified(client, contract, settings), settings)


def check(job: JobRow, client: Client, contract: Contract, settings: Settings) -> None:
    """Ask whose data a client gets, before it is compared with a job's. Raises UsageError where it is another's."""
    if job.organisation is not None:
        accepted(job, _identified(client, contract, settings), settings)


def accepted(job: JobRow, found: Organisation, settings: Settings) -> Organisation:
    """Return what is known of the organisation once it is the job's own. Raises UsageError naming both where not."""
    if job.organisation is None:
        return found
    known = same(job.organisation, found, confirmed=settings.same_organisation)
    if known is None:
        raise foreign(job.name, job.organisation, found)
    return known


def _identified(client: Client, contract: Contract, settings: Settings) -> Organisation:
    try:
        return identify(client, contract, settings)
    except Stopped:
        raise
    except Fault as fault:
        raise Incomplete(
            f"the API did not say whose data it serves: {fault.reason}.",
            hint="Nothing was downloaded. Run the same command when the server can be reached.",
            unreachable=True,
        ) from None


def _told(contract: Contract, settings: Settings) -> tuple[str, str | None] | None:
    """Return origin and client of the settings; None where they name none, so that nothing could be asked anyway."""
    if settings.endpoints is None or (isinstance(contract.token_form, TokenForm) and not settings.client_id):
        return None
    told = told_locally(contract, settings)
    return told.origin, told.client


class NoJournal:
    """Keeps nothing."""

    def count(self, counter: Counter) -> None:
        """Forget it."""

    def event(self, kind: EventKind, text: str) -> None:
        """Forget it."""

    def failed(self, asked: str, fault: Fault) -> None:
        """Forget it."""

    def outage(self, since: datetime | None, why: str) -> None:
        """Let it pass."""

    def answered(self, seconds: float, *, allowed: float, others: int | None = None) -> None:
        """Forget it."""
