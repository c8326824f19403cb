"""Parts as pyarrow opens them, without what it works out anew for each."""

import contextlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

Paths = dict[str, list[int]]


class PathsOnce:
    """Which leaves lie below each name of a schema: all parts of a job have one, and all threads may ask.

    pyarrow walks over the 213 leaves of a conversation in Python, 0.6 ms a part: more than all else that a look at its
    keys takes.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[str, Paths] = {}

    def of(self, file: "PartFile", schema: str) -> Paths:
        """Return those of a file of a schema; they are worked out once for each."""
        # The schema's name is believed: to compare what pyarrow has of it leaves a circle of objects behind for each
        # part, with its whole footer, and 100 MB of them before they are collected.
        known = self._known.get(schema)
        if known is None:
            known = self._known[schema] = file.worked_out()
        return known


class PartFile(pq.ParquetFile):  # type: ignore[misc] # pyarrow has no types
    """A part that is opened to be read."""

    def __init__(self, source: object, paths: PathsOnce, schema: str) -> None:
        """Read the footer of a file or of a buffer; parts with one `schema` have the same leaves. Raises as pyarrow."""
        self._paths_once, self._schema_name = paths, schema
        super().__init__(source)

    def worked_out(self) -> Paths:
        """Work the paths out, as pyarrow does."""
        found: Paths = super()._build_nested_paths()
        return found

    def _build_nested_paths(self) -> Paths:
        return self._paths_once.of(self, self._schema_name)


def some_columns(data: bytes, names: Sequence[str], schema: str, paths: PathsOnce) -> pa.Table | None:
    """Read some columns of a part; None where it does not have them all."""
    # Where a part has other leaves than the schema that it names, what is known of that is of no use.
    return _read(data, names, schema, paths) or _read(data, names, schema, PathsOnce())


def _read(data: bytes, names: Sequence[str], schema: str, paths: PathsOnce) -> pa.Table | None:
    try:
        with contextlib.closing(PartFile(pa.BufferReader(data), paths, schema)) as file:
            found = file.read(columns=list(names), use_threads=False)
            return found if sorted(found.column_names) == sorted(names) else None
    except (OSError, IndexError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
