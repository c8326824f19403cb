"""What faults do to an answer: other records, other totals, other bodies."""

import json
from collections.abc import Callable, Mapping

from resumable.simulator.faults.faults import ABSENT, FaultKind, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import SimAnswer, error_body
from resumable.simulator.world.names import seeded

HTML = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


def replacement(fault: SimFault, context_id: str) -> SimAnswer | None:
    """Return the answer that a fault gives instead of any work, or None if it lets the work be done."""
    if fault.kind is FaultKind.STATUS:
        return _status(fault, context_id)
    if fault.kind is FaultKind.HTML:
        text = HTML.format(f"{fault.status} Service").encode()
        return SimAnswer(
            status=fault.status, text=text, content_type="text/html; charset=utf-8", headers=[*fault.headers]
        )
    if fault.kind is FaultKind.REDIRECT:
        return SimAnswer(status=fault.status, text=b"", headers=[("Location", fault.location), *fault.headers])
    return None


def _status(fault: SimFault, context_id: str) -> SimAnswer:
    if fault.body is not None:
        text = fault.body if isinstance(fault.body, bytes) else fault.body.encode()
    else:
        text = json.dumps(error_body(fault.status, _message(fault.status), context_id)).encode()
    return SimAnswer(
        status=fault.status,
        text=text,
        headers=[*fault.headers],
        content_type=fault.content_type or "application/json",
    )


def _message(status: int) -> str:
    return {
        429: "Rate limit exceeded the maximum. Retry the request in [1] seconds",
        503: "The service is temporarily unavailable.",
        504: "The request timed out.",
    }.get(status, f"HTTP {status}")


def spoil(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    """Change an answer as a fault says; a fault that has nothing to do with the answer changes nothing."""
    if fault.kind in _RECORDS:
        _RECORDS[fault.kind](answer, fault, turn)
    elif fault.kind in _BODIES:
        answer.text = _BODIES[fault.kind](answer.render(), answer, fault)
    elif fault.kind is FaultKind.HEADER:
        answer.headers += fault.headers


def _missing(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    answer.records = answer.records_text = None


def _null(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    answer.records_text = b"null"


def _empty(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    answer.records, answer.records_text = [], None


def _wrong_page(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    _other_page(answer, fault, turn)
    if answer.page_at:
        holder, name = _holder(answer, answer.page_at)
        holder[name] += fault.by


def _other_page(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.paging is not None:
        _refetch(answer, answer.paging.start + fault.by * answer.paging.size)


def _repeat(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.paging is not None:
        _refetch(answer, answer.paging.start - fault.by)


def _duplicate_records(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.paging is not None and answer.records is not None and answer.paging.start > 0:
        first = max(0, answer.paging.start - fault.by)
        answer.records = answer.paging.fetch(first, answer.paging.start - first) + answer.records


def _shift(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.paging is not None:
        _refetch(answer, answer.paging.start + fault.by)


def _refetch(answer: SimAnswer, start: int) -> None:
    if answer.paging is not None and answer.records is not None:
        answer.records = answer.paging.fetch(max(0, start), answer.paging.size)


def _drop(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.records is not None:
        answer.records = answer.records[: -fault.by or None]


def _changed(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    _each(answer, fault.by, lambda record: record | {"externalTag": f"version {turn}"})


def _field(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    _each(answer, fault.by, lambda record: _set(record, fault.path.split("."), fault.value))


def _answer_field(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.text is None:
        _set(answer.fields, fault.path.split("."), fault.value)
    elif answer.text.startswith(b"{"):
        answer.text = json.dumps(_set(json.loads(answer.text), fault.path.split("."), fault.value)).encode()


def _each(answer: SimAnswer, count: int, change: Callable[[dict[str, Json]], Json]) -> None:
    if answer.records is None:
        return
    changed = count or len(answer.records)
    others = [change(json.loads(record)) for record in answer.records[:changed]]
    texts = [json.dumps(other, ensure_ascii=False, separators=(",", ":")).encode() for other in others]
    answer.records = texts + answer.records[changed:]


def _set(node: dict[str, Json], path: list[str], value: Json) -> dict[str, Json]:
    if len(path) == 1:
        node[path[0]] = value
        return node
    inner = node.get(path[0])
    for child in inner if isinstance(inner, list) else [inner]:
        if isinstance(child, dict):
            _set(child, path[1:], value)
    return node


def _total(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    if answer.total_at:
        holder, name = _holder(answer, answer.total_at)
        holder[name] = fault.value
        if fault.value == ABSENT:
            del holder[name]


def _total_by(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    _change_total(answer, lambda total: total + fault.by)


def _total_flap(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    step = seeded("flap", turn).randint(-fault.by, fault.by)
    _change_total(answer, lambda total: max(0, total + step))


def _change_total(answer: SimAnswer, change: Callable[[int], int]) -> None:
    if answer.total_at:
        holder, name = _holder(answer, answer.total_at)
        if isinstance(holder.get(name), int):  # another fault may have been here before
            holder[name] = change(holder[name])


def _wrong_types(answer: SimAnswer, fault: SimFault, turn: int) -> None:
    answer.records_text = b'{"0":{}}'
    if answer.total_at:
        holder, name = _holder(answer, answer.total_at)
        holder[name] = "many"


def _holder(answer: SimAnswer, path: tuple[str, ...]) -> tuple[dict[str, Json], str]:
    holder = answer.fields
    for name in path[:-1]:
        holder = holder[name]
    return holder, path[-1]


_RECORDS: Mapping[FaultKind, Callable[[SimAnswer, SimFault, int], None]] = {
    FaultKind.RECORDS_MISSING: _missing,
    FaultKind.RECORDS_NULL: _null,
    FaultKind.RECORDS_EMPTY: _empty,
    FaultKind.WRONG_PAGE: _wrong_page,
    FaultKind.OTHER_PAGE: _other_page,
    FaultKind.REPEAT: _repeat,
    FaultKind.SHIFT: _shift,
    FaultKind.DUPLICATE: _duplicate_records,
    FaultKind.DROP: _drop,
    FaultKind.CHANGED: _changed,
    FaultKind.FIELD: _field,
    FaultKind.ANSWER_FIELD: _answer_field,
    FaultKind.TOTAL: _total,
    FaultKind.TOTAL_BY: _total_by,
    FaultKind.TOTAL_FLAP: _total_flap,
    FaultKind.WRONG_TYPES: _wrong_types,
}


def _given(body: bytes, answer: SimAnswer, fault: SimFault) -> bytes:
    answer.content_type = fault.content_type or answer.content_type
    text = fault.body if fault.body is not None else ""
    return text if isinstance(text, bytes) else text.encode()


def _bad_utf8(body: bytes, answer: SimAnswer, fault: SimFault) -> bytes:
    return body.replace(b'{"', b'{"spoiled":"\xff\xfe\xc3(","', 1)


def _nan(body: bytes, answer: SimAnswer, fault: SimFault) -> bytes:
    return body.replace(b'{"', b'{"spoiled":NaN,"', 1)


def _duplicate(body: bytes, answer: SimAnswer, fault: SimFault) -> bytes:
    key = (answer.key or "access_token").encode()
    return body[:-1] + b',"' + key + b'":[]}'


def _padded(body: bytes, answer: SimAnswer, fault: SimFault) -> bytes:
    return body[:-1] + b" " * max(0, fault.extent - len(body)) + body[-1:]


_BODIES: Mapping[FaultKind, Callable[[bytes, SimAnswer, SimFault], bytes]] = {
    FaultKind.BODY: _given,
    FaultKind.EMPTY: lambda body, answer, fault: b"",
    FaultKind.BAD_UTF8: _bad_utf8,
    FaultKind.BOM: lambda body, answer, fault: b"\xef\xbb\xbf" + body,
    FaultKind.NAN: _nan,
    FaultKind.DUPLICATE_KEYS: _duplicate,
    FaultKind.BIG: _padded,
    FaultKind.NESTED: lambda body, answer, fault: b"[" * fault.extent + b"]" * fault.extent,
}
