"""Makes of an answer that is an error what people and the engine need to know of it."""

import json
import re
from datetime import datetime
from typing import Any, Final

from resumable.api.retry import retry_after_seconds
from resumable.api.statuses import failure_of, wall_in
from resumable.errors import StatusFault
from resumable.redaction import Redactor
from resumable.transport.http import Reply

WORDS_READ = 2000
"""Bytes of an error answer in which a wall of the server is looked for."""

_ID: Final = re.compile(r"[A-Za-z0-9._-]{4,100}")


def status_fault(reply: Reply, *, redactor: Redactor, now: datetime) -> StatusFault:
    """Return the fault that an answer is: its words, its ids, the wait and the wall that it names."""
    asked_for = retry_after_seconds(reply.headers.get("retry-after"), now=now, served_at=reply.headers.get("date"))
    words = _words(reply)
    page = words.lstrip()[:1] == b"<"  # of HTML: it says nothing after its first words
    shown = f"a page of HTML, {redactor.body_start(words, 60)}" if page else redactor.body_start(words, 200)
    wall, limit = wall_in(words[:WORDS_READ].decode(errors="replace"))
    correlation, context = _ids(reply, redactor)
    named = f" (correlation id {correlation or context})" if correlation or context else ""
    return StatusFault(
        f"HTTP {reply.status}{f': {shown}' if shown else ''}{named}",
        status=reply.status,
        failure=failure_of(reply.status, in_its_own_words=bool(_answer(reply))),
        retry_after_seconds=asked_for,
        wall=wall,
        limit=limit,
        correlation_id=correlation,
        context_id=context,
    )


def _ids(reply: Reply, redactor: Redactor) -> tuple[str | None, str | None]:
    """Return the ids by which the vendor's support finds an answer: of its header, and of its body."""
    named = reply.headers.get("inin-correlation-id"), _answer(reply).get("contextId")
    # An id that is none, or that shows a secret, is not worth keeping.
    fit = [
        text if isinstance(text, str) and _ID.fullmatch(text) and redactor.scrub(text) == text else None
        for text in named
    ]
    return fit[0], fit[1]


def _answer(reply: Reply) -> dict[str, Any]:
    """Return what an error answer holds; nothing where it is not as the API writes one."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _words(reply: Reply) -> bytes:
    """Return what an error answer says of itself: `code, message`, its limit, or its body where it names none."""
    answer = _answer(reply)
    words = [str(answer[name]) for name in ("code", "message") if answer.get(name)]
    limit = answer.get("limit")
    # Which of the limits it was: only this tells jobs that may be at once from requests a minute in all languages.
    words += [str(limit["key"])] if isinstance(limit, dict) and limit.get("key") else []
    # JSON may hold half a character, which UTF-8 cannot.
    return ", ".join(words).encode(errors="replace") if words else reply.body
