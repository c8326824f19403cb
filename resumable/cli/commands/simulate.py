"""`resumable simulate`: a Genesys Cloud on this machine, to try things on."""

import json as json_text
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resumable.cli import options as o
from resumable.cli.session import Session
from resumable.errors import UsageError

if TYPE_CHECKING:
    from resumable.simulator.faults.faults import SimFault
    from resumable.simulator.settings import SimSettings

EPILOG = """
\b
Examples:
  resumable simulate --port 8080
  resumable simulate --records 5000 --latency 0.2-0.8 --token-lifetime 60
  resumable simulate --faults '[{"kind": "status", "status": 504, "times": null, "on": {"probability": 0.05}}]'
  resumable simulate --settings '{"late_share": 0.1, "late_after_requests": 50}'

\b
Then, in another terminal, with the lines that it prints:
  resumable backfill conversations --from 2023-10-01 --to 2023-10-08
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("simulate", epilog=EPILOG)(simulate)


def simulate(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed invents the same records.")] = 1,
    records: Annotated[int, typer.Option(metavar="N", min=0, help="Conversations a day.")] = 100,
    style: Annotated[str, typer.Option(metavar="full|small", help="How rich a record is: 5 KB or 0.7 KB.")] = "full",
    token_lifetime: Annotated[float, typer.Option(metavar="SECONDS", help="How long a token lives.")] = 86_400.0,
    rate: Annotated[int, typer.Option(metavar="N", min=0, help="Requests a minute; 0 is no limit.")] = 300,
    latency: Annotated[str, typer.Option(metavar="SECONDS", help="Wait before an answer: 0.5, or 0.2-0.8.")] = "0",
    faults: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="A list of faults.", show_default=False)
    ] = None,
    settings: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="An object with further settings.", show_default=False)
    ] = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Serve a simulated Genesys Cloud on this machine until Ctrl-C. It needs no account and no network."""
    session: Session = ctx.obj
    from resumable.simulator.simulator import serve

    changes = {
        "seed": seed,
        "records": records,
        "style": style,
        "token_lifetime": token_lifetime,
        **dict.fromkeys(("rate_public", "rate_article"), rate or None),
        "latency": _latency(latency),
        **_settings_json(settings),
    }
    known, disturbed = _checked(changes, faults)
    try:
        serve(known, port=port, ready=lambda url: _announce(session, url, known), faults=disturbed)
    except OSError as failure:
        raise UsageError(
            f"port {port} cannot be used: {failure.strerror}.", hint="Choose another --port, or leave it out."
        ) from failure


def _announce(session: Session, url: str, settings: "SimSettings") -> None:
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


def _checked(changes: dict[str, Any], faults: str | None) -> tuple["SimSettings", tuple["SimFault", ...]]:
    from resumable.simulator.faults.faults import SimFault
    from resumable.simulator.settings import SimSettings

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
    from resumable.cli.parse import text_of

    try:
        return json_text.loads(text_of(text, option))
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{option} is not JSON: {problem}.") from None


def _latency(text: str) -> Any:  # noqa: ANN401 - a number, or a list of two, as the settings take them

    try:
        numbers = [float(number) for number in text.split("-")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 <= number <= 3600 for number in numbers):
        raise UsageError(f"--latency {text[:20]!a} is no time in seconds.", hint="Write it as 0.5, or 0.2-0.8.")
    return numbers[0] if len(numbers) == 1 else numbers
