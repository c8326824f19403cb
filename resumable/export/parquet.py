"""A folder of Parquet files, a partition a day: the only module of the export that imports pyarrow.parquet."""

import contextlib
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from resumable.export.days import NO_DAY
from resumable.export.receipt import day_name
from resumable.storage import durable

FILE: Final = "part-00000.parquet"
NO_DATE: Final = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls the partition of rows that have no value there."""

_WRITING: Final[dict[str, Any]] = {
    # Measured on the full schema: zstd 1 takes half the bytes of snappy in less time, and 3 is dearer by half.
    "compression": "zstd",
    "compression_level": 1,
    "write_page_checksum": True,
}


class ParquetFolder:
    """The files of an export, a day each, under their final names in a folder that nobody reads yet."""

    def __init__(
        self, folder: Path, schema: pa.Schema, *, dated: bool, name: str = FILE, plain: bool = False, some: bool = False
    ) -> None:
        """Make the folder; nothing of these days is there.

        `plain`: without what only Arrow reads, with times as Delta wants them; `some`: others add other days.
        """
        durable.make_folder(folder, within=folder.parent, public=True)
        self._folder = folder
        self._schema = schema
        self._dated = dated
        self._partition = partition_of(schema)
        self._name = name
        self._more = {"store_schema": False, "coerce_timestamps": "us"} if plain else {}
        self._day: int | None = None
        self._open = contextlib.ExitStack()
        self._writer: pq.ParquetWriter | None = None
        self._files = 0
        self._some = some

    def path(self, day: int) -> Path:
        """Return where the rows of a day are, within the folder."""
        if not self._dated:
            return Path(self._name)
        return Path(f"{self._partition}={day_name(day) or NO_DATE}") / self._name

    def add(self, day: int, rows: pa.Table) -> None:
        """Write rows as one row group of the day's file."""
        if not rows.num_rows:
            return
        writer = self._writer if day == self._day and self._writer is not None else self._begin(day)
        writer.write_table(rows, row_group_size=rows.num_rows)

    def keep(self, day: int, old: Path | None) -> None:
        """Take a day's file over from an older export; None: it stays where it is, in a bucket."""
        self._files += 1
        if old is None:
            return
        durable.make_folder((self._folder / self.path(day)).parent, within=self._folder, public=True)
        durable.share(old, self._folder / self.path(day))

    def end(self) -> None:
        """Finish the last file; where there is none, an empty one tells the columns, unless they are only some days."""
        self._open.close()
        self._writer = None
        if self._files == 0 and not self._some:
            self._dated = False
            self._begin(NO_DAY)
            self._open.close()

    def abandon(self) -> None:
        """Let go of what is open; it is incomplete."""
        with contextlib.suppress(OSError, pa.ArrowException, ValueError):
            self._open.close()

    def _begin(self, day: int) -> pq.ParquetWriter:
        self._open.close()
        path = self._folder / self.path(day)
        durable.make_folder(path.parent, within=self._folder, public=True)
        file = self._open.enter_context(durable.created(path))
        self._writer = self._open.enter_context(pq.ParquetWriter(file, self._schema, **_WRITING, **self._more))
        self._day = day
        self._files += 1
        return self._writer


def partition_of(schema: pa.Schema) -> str:
    """Name the partition: `day`, unless a column has that name."""
    return "day" if "day" not in schema.names else "export_day"
