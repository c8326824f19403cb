"""A small model of the public details query: a list of ids a day, and what may happen to it in mid-run."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from resumable.errors import TransportFault
from resumable.models import Request
from resumable.redaction import Secret
from resumable.transport.http import Reply


class Killed(BaseException):
    """Stands for a kill: nothing in the product catches it on purpose."""


@dataclass
class ModelServer:
    """Serves ids by day, oldest first. `script` says what happens before the n-th page request of a run."""

    days: dict[str, list[str]]
    script: dict[int, tuple[str, str]] = field(default_factory=dict)
    asked: int = 0
    flipped: bool = False
    ever: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Remember what was ever there."""
        self.ever = {day: set(ids) for day, ids in self.days.items()}

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Answer a token request or a page request."""
        if form is not None:
            return _reply({"access_token": "t", "expires_in": 86400})
        with self._lock:
            return self._page(request)

    def close(self) -> None:
        """Do nothing."""

    def change(self, what: str, day: str) -> None:
        """Let something happen to a day."""
        ids = self.days[day]
        if what == "grow":
            # Late records carry an early start: everything behind them shifts.
            new = f"{day}-late-{len(self.ever[day])}"
            ids.insert(len(ids) // 2, new)
            self.ever[day].add(new)
        elif what == "shrink" and ids:
            ids.pop(len(ids) // 2)

    def _page(self, request: Request) -> Reply:
        if request.path == "/api/v2/organizations/me":
            return _reply({"id": "the-only-one", "name": "Model"})
        self.asked += 1
        what, day = self.script.get(self.asked, ("", ""))
        if what in ("grow", "shrink"):
            self.change(what, day)
        if what == "fail":
            raise TransportFault("connection reset")
        if what == "kill":
            raise Killed
        body = dict(request.body or {})
        ids = list(self.days[str(body["interval"])[:10]])
        size, number = body["paging"]["pageSize"], body["paging"]["pageNumber"]
        total = len(ids)
        if what == "reorder":
            ids.reverse()
        if what == "repeat" and number > 1:
            number -= 1
        chosen = ids[(number - 1) * size : number * size]
        answer: dict[str, object] = {"totalHits": total + (what == "flap")}
        if chosen:
            answer["conversations"] = [{"conversationId": name} for name in chosen]
        return _reply(answer)


def _reply(answer: object) -> Reply:
    return Reply(status=200, headers={}, body=json.dumps(answer).encode(), seconds=0.0)
