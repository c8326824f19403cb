"""Tells a URL how a run goes: pings as services for scheduled jobs take them, each with a JSON body as webhooks do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from resumable.api.statuses import succeeded
from resumable.clock import Clock
from resumable.errors import Fault, UsageError
from resumable.models import Request
from resumable.redaction import Redactor
from resumable.transport.address import checked_path
from resumable.transport.exchange import Limits
from resumable.transport.http import HttpTransport

PLACE: Final = "{event}"
"""Where the event goes in a URL that has a place for it; in any other it is added to the path."""

LIMITS: Final = Limits(connect_seconds=3.0, read_seconds=5.0, total_seconds=8.0, body_bytes=64 * 1024)
"""A run that is over waits no longer for somebody who does not listen."""


class Happening(StrEnum):
    """What a URL is told."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


class Notifier:
    """Sends to one URL. It may be a secret itself, so that no message names more of it than its host."""

    def __init__(self, url: str, *, clock: Clock, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        """Nothing is sent yet. Raises UsageError for what is no address that can be sent to."""
        try:
            parts = urlsplit(url.strip())
            origin = f"{parts.scheme}://{parts.netloc}"
            self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            checked_path(_filled(self._path, Happening.START))
            self._transport = HttpTransport(
                origin, limits=LIMITS, clock=clock, redactor=Redactor(), proxy=proxy, ca_bundle=ca_bundle
            )
        except (UsageError, ValueError):
            # The cause would quote it, and who knows it can speak in this job's name.
            raise UsageError(
                "--notify is not an address that can be sent to.",
                hint="Give a whole URL such as https://hc-ping.com/ID; http is for this machine only.",
            ) from None
        self.host = self._transport.origin.host

    def send(self, what: Happening, content: Mapping[str, Any]) -> str | None:
        """Send once; return why it did not arrive, None where it did. Nothing is raised."""
        request = Request(method="POST", path=_filled(self._path, what), body={"event": what.value, **content})
        try:
            reply = self._transport.send(request, {})
        except Fault as fault:
            return fault.reason
        return None if succeeded(reply.status) else f"HTTP {reply.status}"

    def close(self) -> None:
        """End what is in flight."""
        self._transport.close()


def _filled(path: str, what: Happening) -> str:
    """Return the path for an event: `/ID/start`, `/ID` and `/ID/fail`, or with the event where its place is."""
    if PLACE in path:
        return path.replace(PLACE, what.value)
    if what is Happening.SUCCESS:
        return path
    route, mark, query = path.partition("?")
    return f"{route.rstrip('/')}/{what.value}{mark}{query}"
