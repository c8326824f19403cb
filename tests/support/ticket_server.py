"""A made-up ticket API on loopback, nothing like Genesys: pages with a count in one place, a cursor in another."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

TOKEN = "tickets-token-3f9a1c77d2"
START = datetime(2025, 1, 1, tzinfo=UTC)


def ticket(number: int) -> dict[str, Any]:
    """Make ticket `number`: six a day, each field now and then missing or null."""
    made: dict[str, Any] = {
        "id": 9_000_000_000 + number,
        "created_at": (START + timedelta(hours=4 * number, milliseconds=number)).isoformat(timespec="milliseconds")[:-6]
        + "Z",
        "subject": f"Ticket {number} — Ö\n",
        "open": number % 3 == 0,
        "score": number / 8,
        "tags": [f"tag-{each}" for each in range(number % 4)],
        "requester": {"id": number % 7, "name": f"Person {number % 7}"},
        "comments": [{"author": "a", "body": f"b{each}"} for each in range(number % 3)],
        "extra": {"free": [number, None, "x"]} if number % 2 else number,
    }
    if number % 5 == 0:
        del made["subject"]
    return made


def _unspoilt(answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _nothing(number: int) -> None:
    """Do nothing."""


@dataclass(kw_only=True)
class Tickets:
    """The server: what it holds, what it was asked, and how it answers."""

    tickets: list[dict[str, Any]] = field(default_factory=lambda: [ticket(number) for number in range(60)])
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Method, path, params, body and headers of every request, in order."""
    largest_page: int = 1000
    """It uses smaller pages than it is asked for, and does not say so."""
    spoil: Callable[[dict[str, Any]], dict[str, Any]] = _unspoilt
    """Changes an answer before it is sent."""
    before: Callable[[int], None] = _nothing
    """Called with the number of each request before it is answered."""
    refused: dict[str, int] = field(default_factory=dict)
    """The status that a cursor is answered with, once."""
    url: str = ""
    token: str | None = TOKEN
    """What X-Api-Key has to be; None for no matter what."""

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        self.asked.append(asked)
        self.before(len(self.asked))
        if self.token is not None and asked["headers"].get("x-api-key") != self.token:
            return 401, {"message": "no key"}
        if asked["path"] == "/api/v1/tickets/search":
            return 200, self.spoil(self._by_page(asked["body"]))
        if asked["path"] == "/api/v1/feed":
            status = self.refused.pop(asked["params"].get("after", ""), 200)
            return status, self.spoil(self._by_cursor(asked["params"])) if status == 200 else {"message": "no"}
        if asked["path"] == "/api/v1/list":
            return 200, self.spoil(self._by_offset(asked["params"]))
        return 404, {"message": "no such path"}

    def _between(self, start: str, end: str) -> list[dict[str, Any]]:
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
        return [each for each in self.tickets if first <= datetime.fromisoformat(each["created_at"]) < last]

    def _by_page(self, body: dict[str, Any]) -> dict[str, Any]:
        number, size = body["page"], min(body["per_page"], self.largest_page)
        found = self._between(body["created"]["after"], body["created"]["before"])
        items = found[(number - 1) * size : number * size]
        # Tempting, and never to be followed: where the next page is said to be.
        links = {"next": "https://evil.example/next?page=2", "self": "//evil.example/"}
        meta = {"pages": -(-len(found) // size), "total": len(found), "page": number, "links": links}
        return {"data": {"items": items}, "meta": meta, "next": links["next"]}

    def _by_offset(self, params: dict[str, str]) -> dict[str, Any]:
        found = self._between(params["since"], params["until"])
        offset, limit = int(params["offset"]), min(int(params["limit"]), self.largest_page)
        return {"tickets": found[offset : offset + limit], "count": len(found)}

    def _by_cursor(self, params: dict[str, str]) -> dict[str, Any]:
        found = self._between(params["since"], params["until"])
        at = int(params.get("after", "c0")[1:])
        more = at + int(params["limit"]) < len(found)
        following = f"c{at + int(params['limit'])}" if more else None
        return {"tickets": found[at : at + int(params["limit"])], "paging": {"after": following}}


Served = TypeVar("Served", bound=Tickets)


@contextlib.contextmanager
def serving(tickets: Served) -> Iterator[Served]:
    """Serve tickets on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _serve(self, body: dict[str, Any]) -> None:
            parts = urlsplit(self.path)
            asked = {"method": self.command, "path": parts.path, "params": dict(parse_qsl(parts.query)), "body": body}
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = tickets.answer({**asked, "headers": headers})
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        tickets.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield tickets
        finally:
            server.shutdown()
            thread.join()
