"""Makes the spec of a job of what was typed: dataset, range, query, window, page size; and the job's name of that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from resumable.api.organisation import told_locally
from resumable.cli import parse
from resumable.cli.options import JobOptions
from resumable.cli.privacy_options import key_of, rules_of
from resumable.cli.session import Session
from resumable.cli.signature import rows
from resumable.clock import Stop
from resumable.config import Settings, checked_job_name
from resumable.datasets.contract import Contract
from resumable.datasets.facts import CLOSED
from resumable.datasets.limits import page_size
from resumable.datasets.resolve import get, of_job, resolve
from resumable.errors import ManifestUnusable, UsageError
from resumable.job.each_ids import ids_of
from resumable.job.naming import default_name
from resumable.job.queue_ids import is_id, queue_ids
from resumable.manifest.reader import reader
from resumable.models import Interval, JobSpec, Query
from resumable.schema.schema import Schema
from resumable.storage.job_files import JobFiles
from resumable.text import amount
from resumable.tomlfile import nearest_of

FLAGS = {row.name: row.typed for row in rows(JobOptions) if row.name in Query.__dataclass_fields__ and row.kind is list}
"""The flags that narrow a query, by the names of its fields."""

SHORT_LIST = 20
"""So many values are named in a message; of longer lists only those that are usual."""

USUAL = {
    "group_by": ("queueId", "userId", "mediaType", "direction", "wrapUpCode"),
    "metrics": ("nOffered", "nConnected", "tAnswered", "tAbandon", "tHandle"),
}


def spec_of(options: JobOptions, session: Session, settings: Settings, *, stop: Stop | None = None) -> JobSpec:
    """Return the spec. Raises UsageError for what the dataset does not know or allow.

    Where queues are named and no list of them was downloaded, the server is asked: raises what that does.
    """
    if options.dataset is None:
        raise UsageError(
            "no dataset is named.",
            hint="For example: resumable backfill conversations --from 2025-01-01 --to 2025-02-01",
        )
    contract = get(options.dataset)
    zone = _zone(contract, options)
    interval = _range(contract, options, zone, session)
    query = _query(contract, options, _privacy(contract, options, session))
    queues = tuple(sorted(set(_queues(query.queues, contract, session, settings, stop or Stop(session.clock)))))
    return JobSpec(
        dataset=contract.name,
        interval=interval,
        query=replace(query, queues=queues, each=_ids(query.each, contract, session, settings), zone=zone),
        window=parse.window(options.window, interval) if not contract.timeless else timedelta(days=1),
        page_size=_page_size(contract, options.page_size, session),
    )


def job_name(resolved: JobSpec, named: str | None, session: Session, settings: Settings) -> str:
    """Return the name that was typed, or the one that is made of a resolved spec. Raises UsageError.

    Where a job file has several profiles, the profile is part of the name: two organisations never share one. A job
    that has the name without it, from before, keeps it while it may be of this profile's organisation.
    """
    if named is not None:
        return checked_job_name(named)
    plain = default_name(resolved)
    if session.profile is None or _may_be_of(settings, settings.files.job(plain), resolved):
        return plain
    return checked_job_name(f"{session.profile}-{plain}")


def _may_be_of(settings: Settings, home: JobFiles, resolved: JobSpec) -> bool:
    """Tell whether there is a job, and nothing says that it is of another organisation than the settings lead to."""
    try:
        with reader(home) as manifest:
            if manifest is None:
                return False
            known = manifest.job().organisation
    except ManifestUnusable:
        return False
    if known is None or settings.endpoints is None or not settings.client_id:
        return True
    told = told_locally(of_job(resolved, None), settings)
    return (known.origin, known.client) == (told.origin, told.client)


def job_of_file(session: Session, settings: Settings) -> str | None:
    """Return the name of the job that the job file describes; None where there is no file, or no dataset in it."""
    if session.job_file is None:
        return None
    known = {row.name for row in rows(JobOptions)}
    options = JobOptions(**{name: value for name, value in session.job_file.values.items() if name in known})
    if options.dataset is None:
        return None
    return job_name(resolve(spec_of(options, session, settings))[0], options.job, session, settings)


def _zone(contract: Contract, options: JobOptions) -> str | None:
    zone = parse.zone(options.tz)
    if zone is None:
        return None
    if contract.timeless:
        raise UsageError(f"{contract.name} is a list as it is today, and has no time zone.", hint="Leave out --tz.")
    if parse.duration(options.window, "--window") % timedelta(days=1):
        raise UsageError(
            f"--window {options.window} is no whole number of days, and windows of --tz begin at midnight.",
            hint="Use --window 1d, or leave out --tz.",
        )
    return zone


def _range(contract: Contract, options: JobOptions, zone: str | None, session: Session) -> Interval:
    now, start, end = session.clock.now(), options.start, options.end
    if contract.timeless:
        if start is not None or end is not None:
            raise UsageError(
                f"{contract.name} is a list as it is today, and has no range.",
                hint=f"Leave out --from and --to: resumable backfill {contract.name}",
            )
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Interval(start=today, end=today + timedelta(days=1))
    if start is not None and end is None:
        end = parse.implied_end(start, now=now, place=UTC if zone is None else ZoneInfo(zone))
    if start is None or end is None:
        raise UsageError(
            f"{contract.name} needs a range: {'--from' if start is None else '--to'} is missing.",
            hint=f"For example: resumable backfill {contract.name} --from 2025-01-01 --to 2025-02-01",
        )
    return parse.date_range(start, end, now=now, zone=zone)


def _page_size(contract: Contract, given: int | None, session: Session) -> int:
    size, most = page_size(contract, given), contract.page_sizes.most
    if given is not None and given > most:
        session.tell(f"a page of {contract.name} holds {most} records at most: asking for {size}, not {given}")
    return size


def _privacy(contract: Contract, options: JobOptions, session: Session) -> str | None:
    def schema() -> Schema:
        if contract.inferred is not None:
            raise UsageError(
                f"the fields of {contract.name} are not known before a page has come, and cannot be named.",
                hint="Declare them in the file, under [schema].",
            )
        return contract.schema

    needed = [] if contract.end_key is None else [contract.end_key]
    settings = Settings(hash_key=key_of(options, session.environment))
    rules = rules_of(options, schema, needed=needed, key_id=lambda: settings.required_hash().id)
    return None if rules is None else rules.to_json()


def _query(contract: Contract, options: JobOptions, privacy: str | None) -> Query:
    """Return the query, with queues and ids as they were typed.

    Raises UsageError for a flag that this dataset does not know, or a filter of a wrong form.
    """
    known = contract.filters.fields
    given = {name: values for name in FLAGS if (values := getattr(options, name))}
    for name, values in given.items():
        if name not in known:
            usable = ", ".join(FLAGS[n] for n in FLAGS if n in known) or "none of these"
            raise UsageError(f"{contract.name} cannot be narrowed by {FLAGS[name]}.", hint=f"It understands: {usable}.")
        for value in values:
            if not value.strip() or not value.isprintable() or len(value) > 200:
                raise UsageError(f"{FLAGS[name]} {value[:40]!a} cannot be right.", hint="Check what was pasted there.")
    # In one order, so that the same ids are the same query however they were typed.
    chosen = {name: tuple(sorted({_listed(name, value) for value in given.get(name, ())})) for name in FLAGS}
    return Query(
        queues=chosen["queues"],
        divisions=chosen["divisions"],
        media_types=chosen["media_types"],
        directions=chosen["directions"],
        group_by=chosen["group_by"],
        metrics=chosen["metrics"],
        filter=_free(contract, parse.filter_text(options.filters)),
        declaration=contract.description,
        privacy=privacy,
        each=chosen["each"],
    )


def _listed(name: str, value: str) -> str:
    """Return a value as the vendor writes it, where it lists all there are. Raises UsageError naming the nearest."""
    if name not in CLOSED:
        return value
    known = {each.lower(): each for each in CLOSED[name]}
    if value.lower() in known:
        return known[value.lower()]
    wrong = f"{FLAGS[name]} {value[:40]!a} is not one of those that there are"
    near = known.get(nearest_of(value.lower(), known) or "")
    if len(known) > SHORT_LIST:
        hint = f"Genesys Cloud lists {len(known)}, such as {', '.join(USUAL[name])}."
    else:
        hint = f"Use {', '.join(known)}. Any other goes into --filter."
    raise UsageError(f"{wrong}{f'; did you mean {near}' if near else ''}.", hint=hint)


def _ids(typed: Sequence[str], contract: Contract, session: Session, settings: Settings) -> tuple[str, ...]:
    wanted = contract.filters.ids
    if wanted is None:
        return ()
    found, whence = ids_of(typed, wanted, contract, settings)
    session.tell(f"{contract.name}: one request for each of {amount(len(found), 'id')} of {whence}")
    return found


def _queues(
    values: Sequence[str], contract: Contract, session: Session, settings: Settings, stop: Stop
) -> Iterator[str]:
    """Yield the ids of queues; of names those that a downloaded list has for them, or else the server."""
    yield from (value for value in values if is_id(value))
    names = [value for value in values if not is_id(value)]
    if not names:
        return
    for name, found in queue_ids(names, contract, settings, stop=stop).items():
        if found is None:
            session.tell(f"--queue {name}: not an id as Genesys Cloud writes it, and this server has no list of queues")
        else:
            session.tell(f"--queue {name}: {found}")
        yield found or name


def _free(contract: Contract, free: Mapping[str, Any] | None) -> str | None:
    parts = contract.filters.free
    if not free:
        return None
    if not parts:
        raise UsageError(f"{contract.name} cannot be narrowed by --filter.", hint="Leave it out.")
    for part, content in free.items():
        if part not in parts or not isinstance(content, list):
            raise UsageError(
                f"--filter holds {part[:40]!a}, which is not a list of filters of {contract.name}.",
                hint=f"""It may hold {", ".join(parts)}, each a list: --filter '{{"{parts[0]}": [...]}}'.""",
            )
    return parse.canonical(dict(free))
