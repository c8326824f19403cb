"""The line that shows what a job holds: it works as printed, with what is installed."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path


def look_line(parts: str, column: str | None) -> str:
    """Return a command that counts the records in a folder of parts, by a column where there is one.

    The package of DuckDB that Python installs brings no command, and may not be there at all; pyarrow always is.
    """
    if shutil.which("duckdb"):
        shown, grouped = (f"{column}, ", " group by 1") if column else ("", "")
        return _quoted("duckdb -c", f"select {shown}count(*) from '{parts}/**/*.parquet'{grouped}")  # noqa: S608 - to be shown, not run
    if importlib.util.find_spec("duckdb") is not None:
        counted = f"{column}, count(*)" if column else "count(*)"
        program = f"import duckdb; print(duckdb.read_parquet({f'{parts}/**/*.parquet'!r}).aggregate({counted!r}))"
    elif column:
        table = f"read_table({parts!r}, columns=[{column!r}])"
        program = f"from pyarrow.parquet import read_table; print({table}[{column!r}].value_counts())"
    else:
        program = f"from pyarrow.parquet import read_table; print(read_table({parts!r}, columns=[]).num_rows)"
    return _quoted(f"{_python()} -c", program)


def _quoted(command: str, text: str) -> str:
    plain = not set(text) & set('"$`\\!')
    return f'{command} "{text}"' if plain else f"{command} {shlex.quote(text)}"


def _python() -> str:
    """Name the interpreter that this program runs on, as briefly as it is found."""
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found is not None and Path(found).parent.resolve() == Path(sys.executable).parent.resolve():
            return name
    return shlex.quote(sys.executable)
