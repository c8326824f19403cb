"""The settings of one call: the environment, and the options over it."""

from dataclasses import replace

from resumable.cli import parse
from resumable.cli.session import Session
from resumable.config import Settings, from_environment
from resumable.errors import UsageError


def settings_of(
    session: Session,
    *,
    state: str | None,
    workers: int | None,
    rate: str | None,
    max_requests: int | None,
    on_drift: str,
) -> Settings:
    """Return the settings of a command that runs a job."""
    if on_drift not in ("keep", "fail"):
        raise UsageError(f"--on-drift is keep or fail, not {on_drift[:20]!a}.")
    settings = from_environment(session.environment)
    per_minute, share = parse.rate(rate)
    return replace(
        settings,
        state=parse.state_folder(state, session.environment.get("RESUMABLE_STATE")),
        workers=workers or settings.workers,
        workers_most=None if workers else settings.workers_most,
        rate_per_minute=per_minute,
        rate_share=share,
        max_requests=max_requests,
        fail_on_drift=on_drift == "fail",
    )
