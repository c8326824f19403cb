"""`resumable load`: the tables of a job in a warehouse, through dlt."""

from resumable.cli.analyst_options import LoadOptions
from resumable.cli.job_choice import only_job
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.steps import Counted, Steps
from resumable.export import warehouse
from resumable.export.warehouse import LoadRequest
from resumable.job.making import find
from resumable.text import amount, paragraph


def load(session: Session, options: LoadOptions) -> None:
    """Bring the tables of a warehouse to what a job holds."""
    warehouse.needed()
    settings = session.settings(options.state)
    found = find(options.job or only_job(settings.files, "load"), settings, clock=session.clock)
    session.home = found.home
    request = LoadRequest(to=options.to, schema=options.schema, tables=tuple(options.tables or ()), zone=options.tz)
    counted = Counted()
    unchanged = f"what was loaded to {options.to} before is there, and the next load finishes what is under way"
    with interruptible(session.interrupts, unchanged), Steps(session, options.to, counted.look).going():
        done = found.load(request, watching=counted)
    rows = {name: count for name, count in done.rows.items() if count}
    if session.json:
        session.give_json({"job": done.job, "to": done.to, "days": done.days, "rows": rows})
    what = f"{amount(sum(rows.values()), 'row')} of {amount(done.days, 'day')} into {amount(len(rows), 'table')}"
    sentence = f"loaded: {what} of {done.to}."
    if not rows:
        sentence = f"loaded: {done.to} was as it had to be; nothing was written."
    session.tell(paragraph([sentence], ending="exit 0", width=session.width))
