"""A Delta Lake table: the only module that imports deltalake, for the log; the files are the Parquet module's."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from resumable.errors import LibraryMissing, UsageError
from resumable.export import receipt as receipts
from resumable.export.receipt import Receipt
from resumable.storage import durable

ENTRY: Final = "resumable_export"
"""Of a commit: the receipt of the export that made it."""

_LOOKS: Final = 50
_HARMLESS: Final = ("OPTIMIZE", "VACUUM START", "VACUUM END", "CREATE CHECKPOINT")
"""Operations that change no row."""


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file to become part of a table."""

    path: Path
    """Within the table's folder."""
    day: str | None
    """Its partition; None for none."""
    rows: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the columns of a table are, and which of them is its partition."""

    schema: pa.Schema
    partition: str | None

    @property
    def columns(self) -> pa.Schema:
        """All columns as Delta has them: times in microseconds."""
        own = [pa.field(field.name, _as_delta(field.type)) for field in self.schema]
        return pa.schema([*([pa.field(self.partition, pa.date32())] if self.partition else []), *own])


def needed() -> None:
    """Raise LibraryMissing where deltalake is not installed."""
    _deltalake()


def receipt(target: Path) -> Receipt | None:
    """Return the receipt of the export that made a table what it is.

    None where there is nothing, or an empty folder. Raises UsageError where something else is there, or the table has
    been changed since.
    """
    lake = _deltalake()
    if durable.kind_of(target) is None or (durable.kind_of(target) == durable.FOLDER and not durable.listed(target)):
        return None
    if durable.kind_of(target) != durable.FOLDER or not lake.DeltaTable.is_deltatable(str(target)):
        raise UsageError(f"{target} is there, and is no Delta table; it was left alone.", hint="Name another path.")
    try:
        commits = lake.DeltaTable(str(target)).history(_LOOKS)
    except lake.exceptions.DeltaError:
        raise UsageError(
            f"{target} is there, and cannot be read as a Delta table; it was left alone.", hint="Name another path."
        ) from None
    for commit in commits:
        if ENTRY in commit:
            return receipts.from_json(commit[ENTRY])
        if commit.get("operation") not in _HARMLESS:
            break
    raise UsageError(f"the table {target} was made or changed by others; it was left alone.", hint="Name another path.")


def create(folder: Path, layout: Layout, files: Iterable[NewFile], receipt: Receipt) -> None:
    """Make the log of a new table in a folder that holds its files."""
    lake = _deltalake()
    from deltalake.transaction import create_table_with_add_actions

    create_table_with_add_actions(
        str(folder),
        lake.Schema.from_arrow(layout.columns),
        [_add(folder, each, layout) for each in files],
        mode="error",
        partition_by=[layout.partition] if layout.partition else [],
        commit_properties=_properties(receipt),
    )
    for at in {path.parent for path in durable.files_below(folder / "_delta_log")}:
        for path in durable.listed(at):
            durable.sync_file(path)
        durable.sync_folder(at)
    durable.sync_folder(folder)


def commit(target: Path, layout: Layout, files: Iterable[NewFile], gone: Iterable[str], receipt: Receipt) -> None:
    """Let files that are in a table's folder take the place of all that it holds of their days, and of `gone` days."""
    lake = _deltalake()
    from deltalake.transaction import RemoveAction

    added = list(files)
    days = {each.day for each in added} | {day or None for day in gone}
    table = lake.DeltaTable(str(target))
    old = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    removed = [
        RemoveAction(
            path=each["path"],
            data_change=True,
            deletion_timestamp=_now(target),
            size=each["size_bytes"],
            partition_values=_values(layout, _day_of(each, layout)),
        )
        for each in old
        if _day_of(each, layout) in days
    ]
    table.create_write_transaction(
        [*(_add(target, each, layout) for each in added), *removed],
        mode="append",
        schema=lake.Schema.from_arrow(layout.columns),
        partition_by=[layout.partition] if layout.partition else [],
        commit_properties=_properties(receipt),
    )
    log = target / "_delta_log"
    durable.sync_file(durable.listed(log)[-1])
    durable.sync_folder(log)


def _add(folder: Path, file: NewFile, layout: Layout) -> Any:  # noqa: ANN401 - of a library that is imported late
    from deltalake.transaction import AddAction

    path = folder / file.path
    return AddAction(
        path=file.path.as_posix(),
        size=durable.size_of(path),
        partition_values=_values(layout, file.day),
        modification_time=_now(path),
        data_change=True,
        stats=json.dumps({"numRecords": file.rows}),
    )


def _values(layout: Layout, day: str | None) -> dict[str, str | None]:
    return {} if layout.partition is None else {layout.partition: day}


def _day_of(action: Mapping[str, Any], layout: Layout) -> str | None:
    day = action.get(f"partition.{layout.partition}") if layout.partition else None
    return day.isoformat() if isinstance(day, date) else day


def _now(path: Path) -> int:
    """Return a time in milliseconds: the last change of a path, by the disk's clock."""
    return durable.state_of(path)[1] // 1_000_000


def _properties(receipt: Receipt) -> Any:  # noqa: ANN401 - of a library that is imported late
    return _deltalake().CommitProperties(custom_metadata={ENTRY: receipt.to_json()})


def _as_delta(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(type_):
        return pa.timestamp("us", tz=type_.tz)
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, _as_delta(field.type)) for field in type_])
    return pa.list_(pa.field("element", _as_delta(type_.value_type))) if pa.types.is_list(type_) else type_


def _deltalake() -> Any:  # noqa: ANN401 - a module
    try:
        import deltalake
        import deltalake.exceptions
        import deltalake.transaction
    except ImportError as failure:
        raise LibraryMissing("a Delta Lake table", "deltalake") from failure
    return deltalake
