"""`resumable check`: is everything there that a run needs?"""

from resumable.cli.command_options import CheckOptions
from resumable.cli.run_command import source_settings
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.steps import Step, Steps
from resumable.clock import Stop
from resumable.job.check import CheckLevel, CheckResult
from resumable.job.check import check as look
from resumable.text import amount, hanging, paragraph


def check(session: Session, options: CheckOptions) -> None:
    """Say what is found, a line each. Raises the first of what would end a run."""
    settings = source_settings(session, options)
    found: list[CheckResult] = []
    steps = Steps(session, "check", lambda: Step(text="asking"))
    with interruptible(session.interrupts, "a check changes nothing"), steps.going():
        for checked in look(settings, datasets=_datasets(session, options), stop=Stop(session.clock)):
            found.append(checked)
            if not session.json:
                with steps.aside():
                    for line in _lines(checked, session.stdout_width):
                        session.give(line)
    _conclude(session, found)


def _datasets(session: Session, options: CheckOptions) -> list[str]:
    if options.datasets or session.job_file is None:
        return options.datasets or []
    named = session.job_file.values.get("dataset")
    return [] if named is None else [named]


def _lines(checked: CheckResult, width: int | None) -> list[str]:
    mark = {CheckLevel.OK: " ", CheckLevel.NOTE: "-", CheckLevel.WRONG: "!"}[checked.verdict]
    return hanging(f"{mark} {checked.name:<12}  ", checked.text, width=width)


def _conclude(session: Session, found: list[CheckResult]) -> None:
    content = {"checks": [checked.to_json() for checked in found]}
    notes = sum(checked.verdict is CheckLevel.NOTE for checked in found)
    session.content = content
    for checked in found:
        if checked.error is not None:
            raise checked.error
    said = "nothing is wrong" + (f"; {amount(notes, 'note')}" if notes else "")
    session.tell(paragraph([f"checked: {said}."], ending="exit 0", width=session.width))
    if session.json:
        session.give_json({"ok": True, **content})
