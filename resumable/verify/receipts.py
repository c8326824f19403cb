"""The receipt of a complete job: is it there, and does it say what the manifest says?"""

import json
from collections.abc import Iterator
from typing import Any

from resumable.engine import receipt
from resumable.models import iso, label
from resumable.storage.durable import FILE
from resumable.storage.job_files import RECEIPT
from resumable.verify.findings import Finding, Flaw
from resumable.verify.subject import Subject

NAMED = 5
"""Windows that a sentence names."""


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is wrong with the receipt of a complete job."""
    kind = subject.store.kind(RECEIPT)
    if kind != FILE:
        text = "the receipt of the job is not there" if kind is None else f"{kind} is in the place of the receipt"
        yield _finding(subject, text)
        return
    try:
        said = json.loads(subject.store.read(RECEIPT))
        differing = [*_differing(subject, said)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield _finding(subject, "the receipt cannot be read")
        return
    if differing:
        yield _finding(subject, f"the receipt says otherwise than the manifest about {', '.join(differing)}")


def _differing(subject: Subject, said: dict[str, Any]) -> Iterator[str]:
    for name, known in receipt.facts(subject.manifest).items():
        if name in receipt.SINCE_0_2 and name not in said:
            continue  # of version 0.1.0, which did not tell
        told = said[name]
        if name == "job":
            continue  # the folder may have been given another name since; the uuid is the job's
        if (told["within_windows"] != known["within_windows"]) if name == "duplicates" else (told != known):
            yield name
    twice = said["duplicates"]
    # Receipts of older versions do not tell of records without a key.
    without = said.get("records_without_key", 0)
    if said["records_distinct"] + twice["within_windows"] + twice["across_windows"] + without != said["records"]:
        yield "records_distinct"
    yield from _windows(subject, said["windows"])


def _windows(subject: Subject, said: list[dict[str, Any]]) -> Iterator[str]:
    told = {(window["from"], window["to"]): window for window in said}
    other = []
    for row in subject.manifest.windows():
        interval = row.window.interval
        known, window = receipt.window_facts(row), told.pop((iso(interval.start), iso(interval.end)), None)
        untold = receipt.WINDOWS_SINCE_0_2 - set(window or known)
        if window != {name: fact for name, fact in known.items() if name not in untold}:
            other.append(label(interval))
    if other:
        more = f" and {len(other) - NAMED:,} more" if len(other) > NAMED else ""
        yield f"the windows {', '.join(other[:NAMED])}{more}"
    if told:
        yield f"{len(told):,} windows that the job does not have"


def _finding(subject: Subject, text: str) -> Finding:
    return subject.file(Flaw.RECEIPT, RECEIPT, f"{text}.")
