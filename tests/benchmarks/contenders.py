"""Other ways to do the same, each a process of its own: `python -m tests.benchmarks.contenders NAME URL TO FOLDER`.

floor        what one writes by hand and carefully: requests, orjson, one Parquet file a page, written durably
floor-1000   the same by the article's contract, whose pages hold 1,000 records
article      the loop of the article: every record into a list, nothing written
dlt, singer  tools that people use for this; see peers.py
"""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests

from tests.benchmarks.processes import CLIENT_ID, CLIENT_SECRET, FIRST_DAY

PATH = "/api/v2/analytics/conversations/details/query"
PAGE_SIZE = 100


def days(to: str) -> Iterator[tuple[str, str]]:
    """Yield each day from the first up to `to`, as its first moment and the next day's."""
    day = date.fromisoformat(FIRST_DAY)
    while day < date.fromisoformat(to):
        yield f"{day}T00:00:00Z", f"{day + timedelta(days=1)}T00:00:00Z"
        day += timedelta(days=1)


def token(url: str) -> str:
    """Return a token."""
    form = {"grant_type": "client_credentials"}
    answer = requests.post(f"{url}/oauth/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET), timeout=60)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def session(url: str) -> requests.Session:
    """Return a session with a token."""
    opened = requests.Session()
    opened.headers["Authorization"] = f"Bearer {token(url)}"
    return opened


def query(start: str, end: str, number: int) -> dict[str, Any]:
    """Return the body that asks for a page."""
    return {
        "interval": f"{start}/{end}",
        "order": "asc",
        "orderBy": "conversationStart",
        "paging": {"pageSize": PAGE_SIZE, "pageNumber": number},
    }


def pages_of(content: dict[str, Any]) -> int:
    """Return how many pages an answer's day has."""
    return -(-int(content["totalHits"]) // PAGE_SIZE)


Fetched = tuple[str, list[dict[str, Any]]]


def by_hundred(url: str, to: str, load: Callable[[bytes], Any]) -> Iterator[Fetched]:
    """Yield a name and the records of each page of the public contract, one after the other."""
    opened = session(url)
    for start, end in days(to):
        number, count = 1, 1
        while number <= count:
            answer = opened.post(f"{url}{PATH}", json=query(start, end, number), timeout=60)
            answer.raise_for_status()
            content = load(answer.content)
            count = pages_of(content)
            yield f"{start[:10]}-{number:05d}", content.get("conversations") or []
            number += 1


def by_thousand(url: str, to: str, load: Callable[[bytes], Any]) -> Iterator[Fetched]:
    """Do the same by the article's contract."""
    opened = session(url)
    for start, end in days(to):
        number, count = 1, 1
        while number <= count:
            body = {"dateFrom": start, "dateTo": end, "size": 1000, "pageNumber": number}
            answer = opened.post(f"{url}{PATH}", json=body, timeout=60)
            answer.raise_for_status()
            content = load(answer.content)
            count = content["paging"]["pageCount"]
            yield f"{start[:10]}-{number:05d}", content["entities"]
            number += 1


def save(pages: Iterator[Fetched], folder: Path) -> int:
    """Write each page as a durable Parquet file, with the product's columns and times as times; return the records."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from resumable.schema.registry import pinned

    typed = pinned("conversation").arrow
    plain = pa.schema([pa.field(field.name, times_as_text(field.type)) for field in typed])
    count = 0
    for name, found in pages:
        table = pa.Table.from_pylist(found, schema=plain).cast(typed)
        path = folder / f"{name}.parquet"
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            pq.write_table(table, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        count += len(found)
    return count


def times_as_text(kind: Any) -> Any:  # noqa: ANN401 - an Arrow type
    """Return a type with texts in the place of times: from_pylist does not read them, the cast behind it does."""
    import pyarrow as pa
    import pyarrow.types as of

    if of.is_timestamp(kind):
        return pa.string()
    if of.is_list(kind):
        return pa.list_(pa.field("element", times_as_text(kind.value_type)))
    if of.is_struct(kind):
        return pa.struct([pa.field(each.name, times_as_text(each.type)) for each in kind])
    return kind


def floor(url: str, to: str, folder: Path) -> int:
    """Take pages of 100 with requests, read them with orjson, write them durably."""
    import orjson

    return save(by_hundred(url, to, orjson.loads), folder)


def floor_1000(url: str, to: str, folder: Path) -> int:
    """Do the same with pages of 1,000."""
    import orjson

    return save(by_thousand(url, to, orjson.loads), folder)


def article(url: str, to: str, _: Path) -> int:
    """Take page after page with `.json()` and keep every record in one list."""
    import json

    kept: list[dict[str, Any]] = []
    for _name, found in by_hundred(url, to, json.loads):
        kept.extend(found)
    return len(kept)


def _peer(name: str) -> Callable[[str, str, Path], int]:
    from tests.benchmarks import peers

    return {"dlt": peers.by_dlt, "singer": peers.by_singer}[name]


def _main(name: str, url: str, to: str, folder: str) -> None:
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    ours = {"floor": floor, "floor-1000": floor_1000, "article": article}
    print(f"{(ours.get(name) or _peer(name))(url, to, place)} records")


if __name__ == "__main__":
    _main(*sys.argv[1:])
