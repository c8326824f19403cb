"""Which leaves of a table hold enough bytes to be worth compressing, by their names in Parquet."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.types as of


def heavy_leaves(table: pa.Table, least: int) -> list[str]:
    """Return the Parquet paths of the leaves with `least` bytes of values or more, nulls not counted."""
    return [
        path
        for name, column in zip(table.column_names, table.columns, strict=True)
        for path, size in _summed(name, column)
        if size >= least
    ]


def _summed(name: str, column: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    sizes: dict[str, int] = {}
    for chunk in column.chunks:
        for path, size in _leaves(name, chunk):
            sizes[path] = sizes.get(path, 0) + size
    yield from sizes.items()


def _leaves(path: str, array: pa.Array) -> Iterator[tuple[str, int]]:
    """Yield each leaf with its bytes; what lies under a column of nulls is nothing, and is left out."""
    kind = array.type
    if array.null_count == len(array):
        return
    if of.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _leaves(f"{path}.{kind.field(index).name}", array.field(index))
    elif of.is_map(kind):
        yield from _leaves(f"{path}.key_value.key", array.keys)
        yield from _leaves(f"{path}.key_value.value", array.items)
    elif of.is_list(kind):
        yield from _leaves(f"{path}.list.element", array.values)
    else:
        yield path, _bytes(array)


def _bytes(array: pa.Array) -> int:
    """Return about how many bytes Parquet writes for the values: a text has its length before it."""
    values = len(array) - array.null_count
    if of.is_primitive(array.type):
        return int(values * array.type.bit_width // 8)
    offsets, validity = 4 * (len(array) + 1), (len(array) + 7) // 8 if array.null_count else 0
    return int(array.nbytes - offsets - validity + 4 * values)
