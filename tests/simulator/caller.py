"""A caller that speaks to a simulator, over HTTP or over a bare socket, and a clock that goes on only when told."""

import base64
import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from resumable.simulator.json_values import Json
from resumable.simulator.simulator import Simulator

DAY = "2023-10-01T00:00:00.000Z/2023-10-02T00:00:00.000Z"
QUERY = "/api/v2/analytics/conversations/details/query"
JOBS = "/api/v2/analytics/conversations/details/jobs"


class Clock:
    """A monotonic clock that goes on only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


@dataclass
class Caller:
    """A client of the simulator with one token."""

    simulator: Simulator
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        place = urlsplit(self.simulator.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=10)
        try:
            given = {k.replace("_", "-"): v for k, v in headers.items()}
            connection.request(method, path, body, {**self.headers, **given})
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=answer.headers, body=answer.read())
        finally:
            connection.close()

    def token(self, **changes: Json) -> Reply:
        settings = self.simulator.settings
        pair = changes.get("pair", f"{settings.client_id}:{settings.client_secret}")
        header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        reply = self.call("POST", "/oauth/token", b"grant_type=client_credentials", **header)
        if reply.status == 200:
            self.headers["Authorization"] = "Bearer " + reply.json["access_token"]
        return reply

    def post(self, path: str, content: Json, **headers: str) -> Reply:
        return self.call("POST", path, json.dumps(content).encode(), **{"Content_Type": "application/json", **headers})

    def get(self, path: str, **query: Json) -> Reply:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def page(self, number: int = 1, size: int = 100, interval: str = DAY, **more: Json) -> Reply:
        return self.post(QUERY, {"interval": interval, "paging": {"pageNumber": number, "pageSize": size}, **more})

    def article(self, number: int = 1, size: int = 100, **more: Json) -> Reply:
        start, end = DAY.split("/")
        return self.post(QUERY, {"dateFrom": start, "dateTo": end, "size": size, "pageNumber": number, **more})

    def finished_job(self, **query: Json) -> str:
        job: str = self.post(JOBS, {"interval": DAY, **query}).json["jobId"]
        for _ in range(20):
            if self.get(f"{JOBS}/{job}").json["state"] == "FULFILLED":
                return job
        raise AssertionError("the job does not get ready")

    def raw(self, content: bytes, most: int = 10_000_000) -> bytes:
        """Send bytes and return all that comes until the end; raises ConnectionResetError for a reset."""
        place = urlsplit(self.simulator.url)
        with socket.create_connection((str(place.hostname), place.port or 0), timeout=10) as sock:
            sock.sendall(content)
            found = b""
            while len(found) < most:
                data = sock.recv(65536)
                if not data:
                    break
                found += data
            return found

    def raw_page(self, most: int = 10_000_000, extra: str = "") -> bytes:
        """Ask for the first page over a bare socket, the connection to be closed after it."""
        body = json.dumps({"interval": DAY, "paging": {"pageNumber": 1, "pageSize": 100}})
        head = f"POST {QUERY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n{extra}"
        head += f"Authorization: {self.headers['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
        return self.raw(head.encode() + body.encode(), most)


Start = Callable[..., Caller]
