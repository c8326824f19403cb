"""Bodies of status 200 that are none: each is made of a good page, with what the reason must hold."""

import json
from collections.abc import Callable

SECRET = "canary-hostile-secret-77ab"


def _changed(body: bytes, **members: object) -> bytes:
    answer = json.loads(body)
    for name, value in members.items():
        if value is ...:
            answer.pop(name, None)
        else:
            answer[name] = value
    return json.dumps(answer).encode()


def _counted(body: bytes, value: object) -> bytes:
    """Return an answer that names another count than it should; `...` leaves it out."""
    if b'"totalHits"' in body:
        return _changed(body, totalHits=value)
    paging = json.loads(body)["paging"]
    paging.pop("pageCount")
    return _changed(body, paging=paging if value is ... else {**paging, "pageCount": value})


def _records(body: bytes, value: object) -> bytes:
    return _changed(body, **{"conversations" if b'"conversations"' in body else "entities": value})


LEAK = f'{{"error":"no","access_token":"{SECRET}","client_secret":"{SECRET}"}}'.encode()

BODIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "HTML": (lambda body: b"<!DOCTYPE html><html><body>Sign in</body></html>", "<!DOCTYPE html>"),
    "HTML with a secret": (lambda body: f"<html>client_secret={SECRET}".encode(), "***"),
    "JSON with a secret": (lambda body: LEAK, "***"),
    "a secret cut short": (lambda body: LEAK[: LEAK.index(b"77ab")], "***"),
    "nothing": (lambda body: b"", ""),
    "blanks": (lambda body: b" \r\n\t", ""),
    "null": (lambda body: b"null", "not a JSON object"),
    "true": (lambda body: b"true", "not a JSON object"),
    "a number": (lambda body: b"17", "not a JSON object"),
    "a text": (lambda body: b'"conversations"', "not a JSON object"),
    "a list": (lambda body: b"[]", "not a JSON object"),
    "a list of answers": (lambda body: b"[" + body + b"]", "not a JSON object"),
    "two answers": (lambda body: body + body, ""),
    "an answer and a brace": (lambda body: body + b"}", ""),
    "bad UTF-8": (lambda body: body.replace(b'{"', b'{"x":"\xff\xc3(","', 1), "UTF-8"),
    "bad UTF-8 in a record": (lambda body: body.replace(b'Id":"', b'Id":"\xed\xa0\x80', 1), "UTF-8"),
    "a byte order mark": (lambda body: b"\xef\xbb\xbf" + body, "byte order mark"),
    "UTF-16": (lambda body: body.decode().encode("utf-16"), ""),
    "NaN": (lambda body: body.replace(b'{"', b'{"x":NaN,"', 1), "NaN"),
    "Infinity in a record": (lambda body: body.replace(b'Id":', b'Id":-Infinity,"y":', 1), "NaN or Infinity"),
    "1e999": (lambda body: body.replace(b'{"', b'{"x":1e999,"', 1), "double"),
    "a key twice": (lambda body: body[:-1] + b',"x":1,"x":2}', "twice"),
    "the records twice": (lambda body: body[:-1] + b',"conversations":[],"entities":[]}', "twice"),
    "a record's key twice": (
        lambda body: body.replace(b'"conversationId":', b'"conversationId":"x","conversationId":', 1),
        "twice",
    ),
    "a comma too many": (lambda body: body[:-1] + b",}", ""),
    "single quotes": (lambda body: body.replace(b'"', b"'"), ""),
    "a control character in a text": (lambda body: body.replace(b'Id":"', b'Id":"\x00', 1), "control"),
    "half a number": (lambda body: body.replace(b'{"', b'{"x":1.,"', 1), ""),
    "a digit of 5,000": (lambda body: body.replace(b'{"', b'{"x":' + b"9" * 5000 + b',"', 1), "4300"),
    "records that are an object": (lambda body: _records(body, {"0": {}}), "is not a list"),
    "records that are text": (lambda body: _records(body, "all"), "is not a list"),
    "records that are texts": (lambda body: _records(body, ["a", "b"]), "not a JSON object"),
    "a record that is null": (lambda body: _records(body, [{"conversationId": "a"}, None]), "not a JSON object"),
    "records that are missing": (lambda body: _records(body, ...), "is missing"),
    "records that are null": (lambda body: _records(body, None), "is null"),
    "records that are empty": (lambda body: _records(body, []), "is empty"),
    "a count that is text": (lambda body: _counted(body, "3"), "not a whole number"),
    "a count that is 1.5": (lambda body: _counted(body, 1.5), "not a whole number"),
    "a count that is true": (lambda body: _counted(body, True), "not a whole number"),
    "a count that is a list": (lambda body: _counted(body, [3]), "not a whole number"),
    "a count that is null": (lambda body: _counted(body, None), "page count"),
    "a count that is missing": (lambda body: _counted(body, ...), "page count"),
    "a count that is negative": (lambda body: _counted(body, -1), ""),
    "lists in lists, a million deep": (lambda body: b"[" * 1_000_001 + b"]" * 1_000_001, "more values"),
    "lists in lists, as deep as is read": (lambda body: b"[" * 900_000 + b"]" * 900_000, "nested too deep"),
    "objects in objects, deep": (
        lambda body: body.replace(b'{"', b'{"x":' + b'{"a":' * 900_000 + b"1" + b"}" * 900_000 + b',"', 1),
        "nested too deep",
    ),
    "a deep record": (
        lambda body: body.replace(b'Id":', b'Id":' + b"[" * 900_000 + b"]" * 900_000 + b',"y":', 1),
        "nested too deep",
    ),
    "more values than any page has": (lambda body: body[:-1] + b',"x":[' + b"[]," * 2_100_000 + b"0]}", "more values"),
}
"""Bodies made of a good page, and what the reason must hold."""

WITHOUT_RECORDS = ("records that are missing", "records that are null", "records that are empty")
"""On the last page of a window its end, for totals may be too high: another run has to say the same."""
