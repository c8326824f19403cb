"""What is said of a job before it is begun, and of what is left of one under way."""

from collections.abc import Iterator

from resumable.engine.forecast import Forecast
from resumable.job.rest import Rest
from resumable.status import Status
from resumable.text import amount, facts, hanging, length, reach, safe, selection, size, span

ROUGHLY = 0.005
"""A share under which an estimate is not called one."""


def forecast_lines(found: Forecast, *, width: int | None) -> list[str]:
    """Tell what is to be expected."""
    spec = found.spec
    chosen = "".join(f", {one}" for one in selection(spec.query))
    windows = f"{amount(found.windows, 'window')} of {length(spec.window)}"
    head = f"{spec.dataset}, {reach(spec.interval, spec.query.zone)} ({windows}){chosen}"
    lines = [*hanging("", head, width=width), *facts(list(_known_facts(found)), width=width)]
    for warning in found.warnings:
        lines += facts([("note", warning)], width=width)
    return [safe(line) for line in lines]


def _known_facts(found: Forecast) -> list[tuple[str, str]]:
    if found.hits is None or found.pages is None or found.requests is None or found.seconds is None:
        return [
            ("records", f"{found.spec.dataset} does not tell how much there is before its last page"),
            ("disk", _free(found)),
        ]
    sampled = found.asked < found.windows
    about = f"+/- {found.plus_minus * 100:.0f} %" if found.plus_minus >= ROUGHLY else "all much alike"
    how = f"page 1 of {found.asked} windows asked, {about}" if sampled else "page 1 of every window asked"
    disk = "nothing" if found.disk_bytes is None else size(found.disk_bytes)
    known = [
        ("records", f"{found.hits:,}  ({how})"),
        ("pages", f"{found.pages:,} of {found.spec.page_size}"),
        ("requests", f"{found.requests:,}"),
        ("time", f"{span(found.seconds)} at {found.per_minute:g} requests a minute"),
        ("disk", f"{disk} of {_free(found)}" if found.free_bytes is not None else disk),
    ]
    if found.saves is not None:
        name, more = found.saves
        known.append(("saves", f"{more:,} of {more + found.requests:,} requests that {name} would need"))
    free = found.free_bytes
    if free is not None and found.disk_bytes is not None and found.disk_bytes > free:
        known.append(("note", "the disk is too small for it: choose another with --state"))
    if found.cheaper is not None:
        name, requests = found.cheaper
        known.append(("cheaper", f"{name} would need {requests:,} requests, {span(requests / found.per_minute * 60)}"))
    return known


def _free(found: Forecast) -> str:
    return "a bucket has no end" if found.free_bytes is None else f"{size(found.free_bytes)} free"


def rest_lines(known: Status, rest: Rest, *, per_minute: float, width: int | None) -> list[str]:
    """Tell what is left of a job."""
    totals, requests = known.totals, rest.requests
    windows = totals.windows - totals.windows_done
    if requests == 0:
        say = [("windows", f"all {totals.windows:,} are complete: nothing is left")]
    else:
        say = [("windows", f"{windows:,} of {totals.windows:,} are left"), ("pages", f"{totals.pages_done:,} are done")]
        say += _again(rest)
        if requests is None:
            say.append(("left", "unknown until a window is begun"))
        else:
            time = span(requests / per_minute * 60)
            say.append(("left", f"about {amount(requests, 'request')}, {time} at {per_minute:g} a minute"))
    return [safe(line) for line in [f"{known.job.name}  {known.state.value}", *facts(say, width=width)]]


def _again(rest: Rest) -> Iterator[tuple[str, str]]:
    for name, part, why in (
        ("look back", rest.look_back, "to download again, within --look-back"),
        ("cut off", rest.cut_off, "to download again once the source has all of it"),
        ("later", rest.later, "that the later end adds"),
    ):
        if part.windows:
            yield name, f"{amount(part.windows, 'window')} {why}: about {amount(part.pages, 'request')}"
