"""`resumable simulate`: a Genesys Cloud on this machine, to try things on."""

import json
import os
from typing import Any

from resumable.cli.command_options import SimulateOptions
from resumable.cli.parse import json_fault, text_of
from resumable.cli.session import Session
from resumable.errors import UsageError
from resumable.simulator.faults.faults import SimFault
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import serve


def simulate(session: Session, options: SimulateOptions) -> None:
    """Serve a simulated Genesys Cloud until a signal comes."""
    changes = {
        "seed": options.seed,
        "records": options.records,
        "style": options.style,
        "token_lifetime": options.token_lifetime,
        **dict.fromkeys(("rate_public", "rate_article"), options.rate or None),
        "latency": _latency(options.latency),
        **_settings_json(options.settings),
    }
    known, disturbed = _checked(changes, options.faults)
    session.interrupts.unchanged, session.interrupts.hint = "nothing of the simulation is kept", ""
    try:
        serve(known, port=options.port, ready=lambda url: _announce(session, url, known), faults=disturbed)
    except OSError as failure:
        raise UsageError(
            f"port {options.port} cannot be used: {os.strerror(failure.errno or 0)}.",
            hint="Choose another --port, or leave it out.",
        ) from failure
    session.tell("ended: nothing of the simulation is kept.")


def _announce(session: Session, url: str, settings: SimSettings) -> None:
    # The secret is the simulator's own and opens nothing else.
    variables = {
        "GENESYS_API_URL": url,
        "GENESYS_LOGIN_URL": url,
        "GENESYS_CLIENT_ID": settings.client_id,
        "GENESYS_CLIENT_SECRET": settings.client_secret,
    }
    if session.json:
        session.give_json({"url": url, "environment": variables})
        return
    session.give("\n".join(f"export {name}={value}" for name, value in variables.items()))
    session.tell(f"A simulated Genesys Cloud listens on {url}; Ctrl-C ends it.")
    session.tell("Try: resumable backfill conversations --from 2023-10-01 --to 2023-10-08")


def _checked(changes: dict[str, Any], faults: str | None) -> tuple[SimSettings, tuple[SimFault, ...]]:
    try:
        listed = _json(faults, "--faults") if faults is not None else []
        if not isinstance(listed, list):
            raise UsageError("--faults is not a list.", hint="""Such as --faults '[{"kind": "status"}]'.""")
        return SimSettings().switched(changes), tuple(SimFault.from_json(fault) for fault in listed)
    except (ValueError, TypeError) as problem:
        raise UsageError(
            f"the simulator cannot be set like that: {problem}.", hint="See: resumable simulate --help"
        ) from None


def _settings_json(text: str | None) -> dict[str, Any]:
    content = _json(text, "--settings") if text is not None else {}
    if not isinstance(content, dict):
        raise UsageError("--settings is not an object.", hint="""Such as --settings '{"records": 50}'.""")
    return content


def _json(text: str, option: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text_of(text, option))
    except (ValueError, RecursionError) as problem:
        raise UsageError(
            f"{option} is not JSON: {json_fault(problem)}.", hint="See: resumable simulate --help"
        ) from None


def _latency(text: str) -> Any:  # noqa: ANN401 - a number, or a list of two, as the settings take them
    try:
        numbers = [float(number) for number in text.split("-")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 <= number <= 3600 for number in numbers):
        raise UsageError(f"--latency {text[:20]!a} is not a time in seconds.", hint="Write it as 0.5, or 0.2-0.8.")
    return numbers[0] if len(numbers) == 1 else numbers
