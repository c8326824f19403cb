"""The simulator's own interface under /simulator/, for judging it when it runs as a process of its own."""

import json
from collections.abc import Callable, Iterator, Mapping

from resumable.simulator.api.service import Service
from resumable.simulator.faults.faults import SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import SimAnswer, SimRequest, error_body, plain
from resumable.simulator.world.truth import Dataset, find_truth

PREFIX = "/simulator/"
_BATCH = 500


def control(service: Service, request: SimRequest) -> SimAnswer:
    """Answer a request of the judge."""
    handler = _HANDLERS.get((request.method, request.path.removeprefix(PREFIX)))
    if handler is None:
        return plain(404, error_body(404, f"no {request.method} {request.path} here", "simulator"))
    try:
        return handler(service, request)
    except (ValueError, TypeError) as problem:
        return plain(400, error_body(400, str(problem), "simulator"))


def truth_lines(service: Service, request: SimRequest) -> Iterator[bytes] | None:
    """Yield the truth as JSON lines, some hundred records at a time; None if the request is for something else."""
    what = request.path.removeprefix(PREFIX)
    if request.method != "GET" or what not in ("truth/ids", "truth/records"):
        return None
    dataset = Dataset(request.first("dataset") or "conversations")
    body = json.loads(request.first("query") or "{}")
    found = find_truth(service.state.world, dataset, request.first("interval"), body)
    return _batched(json.dumps(key).encode() if what == "truth/ids" else record for key, record in found)


def _batched(lines: Iterator[bytes]) -> Iterator[bytes]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= _BATCH:
            yield b"\n".join(batch) + b"\n"
            batch = []
    if batch:
        yield b"\n".join(batch) + b"\n"


def _log(service: Service, request: SimRequest) -> SimAnswer:
    return plain(200, service.log.as_json())


def _counts(service: Service, request: SimRequest) -> SimAnswer:
    log = service.log
    content = {
        "requests": len(log),
        "kinds": log.counts(),
        "statuses": {str(status): count for status, count in log.statuses().items()},
        "faults": service.faults.fired(),
        "jobs_alive": service.state.jobs.alive(),
        "peak": log.peak(),
    }
    return plain(200, content)


def _revoke(service: Service, request: SimRequest) -> SimAnswer:
    return plain(200, {"revoked": service.tokens.revoke()})


def _switch(service: Service, request: SimRequest) -> SimAnswer:
    body = request.json()
    if not isinstance(body, dict) or set(body) - {"settings", "faults", "clear_faults"}:
        raise ValueError("a switch takes settings, faults and clear_faults")
    added = [SimFault.from_json(fault) for fault in body.get("faults", [])]
    service.state.switch(_mapping(body.get("settings", {})))
    if body.get("clear_faults"):
        service.faults.clear()
    service.faults.add(*added)
    return plain(200, {"ok": True})


def _mapping(given: Json) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise ValueError("settings must be an object")
    return given


def _reset_log(service: Service, request: SimRequest) -> SimAnswer:
    service.log.clear()
    return plain(200, {"ok": True})


def _begin(service: Service, request: SimRequest) -> SimAnswer:
    service.state.begin()
    service.rates.forget()
    return plain(200, {"ok": True})


_HANDLERS: Mapping[tuple[str, str], Callable[[Service, SimRequest], SimAnswer]] = {
    ("GET", "log"): _log,
    ("GET", "counts"): _counts,
    ("POST", "revoke"): _revoke,
    ("POST", "switch"): _switch,
    ("POST", "reset-log"): _reset_log,
    ("POST", "begin"): _begin,
}
