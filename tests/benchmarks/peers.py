"""Tools that people use for this, each set up for speed as its documentation says; they need the extra `bench`.

dlt     one transformer that takes days side by side and yields whole pages, nesting off, orjson, Parquet files
singer  Meltano's SDK, in batches of Parquet files; see singertap.py
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import PATH, days, pages_of, query, session


def by_dlt(url: str, to: str, folder: Path) -> int:
    """Extract, normalize and load into Parquet files; return how many records came."""
    settings = {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "EXTRACT__WORKERS": "8",
        "NORMALIZE__WORKERS": str(os.cpu_count() or 1),
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "10000",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    }
    os.environ.update(settings)
    import dlt

    opened = session(url)

    @dlt.resource(name="day")
    def day() -> Iterator[tuple[str, str]]:
        yield from days(to)

    @dlt.transformer(data_from=day, name="conversations", parallelized=True, max_table_nesting=0)
    def conversations(item: tuple[str, str]) -> Iterator[list[dict[str, Any]]]:
        number, count = 1, 1
        while number <= count:
            answer = opened.post(f"{url}{PATH}", json=query(*item, number), timeout=60)
            answer.raise_for_status()
            content = answer.json()
            count = pages_of(content)
            yield content.get("conversations") or []
            number += 1

    pipeline = dlt.pipeline(
        "benchmark",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=(folder / "out").as_uri()),
        dataset_name="data",
    )
    pipeline.run(day | conversations, loader_file_format="parquet")
    return int(pipeline.last_trace.last_normalize_info.row_counts["conversations"])


def by_singer(url: str, to: str, folder: Path) -> int:
    """Let a tap of the SDK write batches of Parquet; return how many records came."""
    from tests.benchmarks import singertap

    return singertap.run(url, to, folder)
