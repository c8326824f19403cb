"""Shows a verification while it goes, by what its report counts."""

from resumable.cli.session import Session
from resumable.cli.text.steps import Step, Steps
from resumable.text import amount, size
from resumable.verify.findings import Report


class VerifyProgress(Steps):
    """The onlooker of a verification; `show` is handed to it."""

    def __init__(self, session: Session, what: str) -> None:
        """Nothing is drawn until it goes."""
        super().__init__(session, what, self._step)
        self.report: Report | None = None
        """The report, as soon as there is one."""

    def show(self, report: Report) -> None:
        """Take in how far it is."""
        self.report = report
        self.tick()

    def _step(self) -> Step:
        report = self.report
        if report is None or not report.windows_all:
            return Step(text="")
        counted = f"{report.counted:,} windows counted by the server" if report.counted else ""
        facts = [
            f"{report.pages:,} / {report.pages_all:,} pages, {report.windows:,} / {report.windows_all:,} windows",
            size(report.bytes),
            counted,
            amount(report.faults, "fault"),
        ]
        return Step(text=", ".join(fact for fact in facts if fact), share=_share(report))


def _share(report: Report) -> float:
    if report.pages_all and not report.counted:
        return min(1.0, report.pages / report.pages_all)
    return min(1.0, report.windows / report.windows_all) if report.windows_all else 0.0
