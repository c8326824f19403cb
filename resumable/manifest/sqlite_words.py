"""What a failure of SQLite means, in the product's own words: the library's speak of its insides."""

import sqlite3
from typing import Final

_WORDS: Final = {
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file",
    sqlite3.SQLITE_CORRUPT: "its pages do not fit together",
    sqlite3.SQLITE_CONSTRAINT: "what is in it breaks its own rules",
    sqlite3.SQLITE_MISMATCH: "a value in it is of another type",
    sqlite3.SQLITE_ERROR: "a table or a column of it is gone",
    sqlite3.SQLITE_FULL: "no space is left",
    sqlite3.SQLITE_IOERR: "reading or writing failed",
    sqlite3.SQLITE_READONLY: "it cannot be written to",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_NOMEM: "there is too little memory",
    sqlite3.SQLITE_BUSY: "it is locked",
    sqlite3.SQLITE_LOCKED: "it is locked",
    sqlite3.SQLITE_PROTOCOL: "its locks do not work there",
}


def said(failure: sqlite3.Error) -> str:
    """Return what happened, with SQLite's name of it, which can be looked up; its own text is in the traceback."""
    code = getattr(failure, "sqlite_errorcode", None)
    name = getattr(failure, "sqlite_errorname", None)
    words = None if code is None else _WORDS.get(code & 0xFF)
    return (words or "SQLite refused it") + (f" ({name})" if name else "")
