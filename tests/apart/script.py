"""The script of the second server: which answers it changes, how often, and into what."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.apart.exchange import Answer, Kind, Place, Request

Change = Callable[[Request, Answer], Answer]
"""Makes of a request and the right answer to it the answer that goes out."""

FIRST, MIDDLE, LAST = "first", "middle", "last"


@dataclass(frozen=True, kw_only=True)
class When:
    """Which requests a rule is about; what is not given matches all."""

    kind: Kind | None = None
    day: str | None = None
    """The first day of the window asked for."""
    page: int | str | None = None
    """A page's number, or `first`, `middle` or `last`."""
    nth: int | None = None
    """The how-manyeth of the requests that match all else, counted from 1, and those after it."""

    def fits(self, kind: Kind, place: Place) -> bool:
        """Tell whether a request matches, but for `nth`."""
        if self.kind not in (None, kind) or self.day not in (None, place.day):
            return False
        if self.page is None or isinstance(self.page, int):
            return self.page in (None, place.page)
        wanted = {FIRST: 1, MIDDLE: (place.pages + 1) // 2, LAST: place.pages}[self.page]
        return place.page == wanted


@dataclass(kw_only=True)
class Rule:
    """Changes answers."""

    when: When = field(default_factory=When)
    change: Change
    times: int | None = 1
    """How often; None is always."""
    seen: int = 0
    fired: int = 0

    def applies(self, kind: Kind, place: Place) -> bool:
        """Count a request, and tell whether its answer is to be changed."""
        if not self.when.fits(kind, place):
            return False
        self.seen += 1
        if self.seen < (self.when.nth or 1) or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


class Script:
    """The rules of one server. The first that applies has the say."""

    def __init__(self) -> None:
        """Begin with a healthy server."""
        self.rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, change: Change, *, times: int | None = 1, **when: Any) -> Rule:  # noqa: ANN401 - as When takes them
        """Add a rule and return it."""
        rule = Rule(when=When(**when), change=change, times=times)
        with self._lock:
            self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """Let the server be healthy from now on."""
        with self._lock:
            self.rules = []

    def changed(self, kind: Kind, place: Place, request: Request, answer: Answer) -> tuple[Answer, bool]:
        """Return what goes out, and whether a rule changed it."""
        with self._lock:
            rule = next((rule for rule in self.rules if rule.applies(kind, place)), None)
        return (answer, False) if rule is None else (rule.change(request, answer), True)


def instead(body: Any, *, status: int = 200, **more: Any) -> Change:  # noqa: ANN401 - JSON, and as Answer takes them
    """Return a change into another answer altogether."""
    return lambda _request, _answer: Answer(status=status, body=body, **more)


def with_value(*path: str, value: Any) -> Change:  # noqa: ANN401 - JSON
    """Return a change of one value in the right answer, at a path of keys; a missing object on the way is made."""

    def change(_request: Request, answer: Answer) -> Answer:
        return Answer(status=answer.status, body=_put(answer.body, path, value), headers=answer.headers)

    return change


def without(*path: str) -> Change:
    """Return a change that takes one key out of the right answer."""

    def change(_request: Request, answer: Answer) -> Answer:
        return Answer(status=answer.status, body=_cut(answer.body, path), headers=answer.headers)

    return change


def until(over: Callable[[], bool], change: Change) -> Change:
    """Return a change that ends by itself, once something is over."""
    return lambda request, answer: answer if over() else change(request, answer)


def after(act: Callable[[], None]) -> Change:
    """Return a change that changes nothing and does something first."""

    def change(_request: Request, answer: Answer) -> Answer:
        act()
        return answer

    return change


def nested(path: tuple[str, ...], value: Any, beside: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an object with a value at a path, and with what is beside the path's first key."""
    for name in reversed(path):
        value = {name: value}
    return {**value, **beside}


def value_at(body: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    """Return the value at a path of keys; None where there is none."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _put(body: Any, path: tuple[str, ...], value: Any) -> Any:  # noqa: ANN401 - JSON
    inner = body if isinstance(body, dict) else {}
    return {**inner, path[0]: value if len(path) == 1 else _put(inner.get(path[0]), path[1:], value)}


def _cut(body: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(body, dict) or path[0] not in body:
        return body
    if len(path) == 1:
        return {name: value for name, value in body.items() if name != path[0]}
    return {**body, path[0]: _cut(body[path[0]], path[1:])}
