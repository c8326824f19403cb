"""`resumable load`: the tables of a job in a warehouse, through dlt."""

from resumable.cli.analyst_options import LoadOptions
from resumable.cli.job_choice import only_job
from resumable.cli.session import Session
from resumable.cli.signals import raised
from resumable.errors import Interrupted
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
    with raised(lambda number: Interrupted(f"interrupted by {number.name}.", terminated=True)):
        done = found.load(request)
    rows = {name: count for name, count in done.rows.items() if count}
    if session.json:
        session.give_json({"job": done.job, "to": done.to, "days": done.days, "rows": rows})
    what = f"{amount(sum(rows.values()), 'row')} of {amount(done.days, 'day')} into {amount(len(rows), 'table')}"
    sentence = (
        f"loaded: {what} of {done.to}." if rows else f"loaded: nothing had changed since the last load to {done.to}."
    )
    session.tell(paragraph([sentence], ending="exit 0", width=session.width))
