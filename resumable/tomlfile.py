"""Reads one table of a TOML file, key by key: every complaint names the file, the line and the key."""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from resumable.errors import UsageError

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_ASSIGNED = re.compile(rf"\s*({_DOTTED})\s*=")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a table"}


@dataclass(frozen=True, kw_only=True)
class TomlSource:
    """Where a description comes from: its name for messages, and its text for finding lines."""

    name: str
    text: str = ""

    def error(self, keys: Sequence[str], complaint: str, *, hint: str = "") -> UsageError:
        """Return a complaint about the value that keys lead to."""
        line = line_of(self.text, keys)
        where = self.name if line is None else f"{self.name}, line {line}"
        return UsageError(f"{where}: {'.'.join(keys)} {complaint}.", hint=hint)


@dataclass(kw_only=True)
class Table:
    """One table being read; `taken` holds what was read so far, with the defaults of what is not there."""

    source: TomlSource
    keys: tuple[str, ...]
    raw: dict[str, Any]
    taken: dict[str, Any] = field(default_factory=dict)

    def error(self, key: str, complaint: str, *, hint: str = "") -> UsageError:
        """Return a complaint about one key."""
        return self.source.error((*self.keys, key), complaint, hint=hint)

    def text(self, key: str, default: str = "", *, choices: Collection[str] = ()) -> str:
        """Read a text; empty where it may be left out and is."""
        value = self._typed(key, str, default)
        if choices and value not in choices:
            raise self.error(key, f"is {value!a}; it can be {', '.join(choices)}{nearest(value, choices)}")
        return str(value)

    def required_text(self, key: str) -> str:
        """Read a text that must be there."""
        if not self.text(key):
            raise self.missing(key)
        return str(self.raw[key])

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        """Read a whole number."""
        value: int = self._typed(key, int, default)
        if not least <= value <= most:
            raise self.error(key, f"is {value}; it can be {least} to {most}")
        return value

    def optional_whole(self, key: str, *, least: int, most: int) -> int | None:
        """Read a whole number, None where it is not there."""
        if key not in self.raw:
            self.taken[key] = None
            return None
        return self.whole(key, least, least=least, most=most)

    def flag(self, key: str) -> bool:
        """Read true or false; false where it is not there."""
        return bool(self._typed(key, bool, False))

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """Read a number."""
        value = self.raw.get(key, default)
        if type(value) not in (int, float):
            raise self._mistyped(key, value, "a number")
        if not least <= value <= most:
            raise self.error(key, f"is {value}; it can be {least:g} to {most:g}")
        self.taken[key] = value
        return float(value)

    def duration(self, key: str) -> timedelta | None:
        """Read a length of time such as 12h, None where it is not there."""
        if key not in self.raw:
            self.taken[key] = None
            return None
        found = _DURATION.fullmatch(self.text(key))
        if found is None:
            raise self.error(key, f"is {self.raw[key]!a}, not a length of time", hint="Write 30m, 12h or 31d.")
        return int(found[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[found[2]]

    def table(self, key: str) -> dict[str, Any]:
        """Read a table of free content; empty where it is not there."""
        value: dict[str, Any] = self._typed(key, dict, {})
        return value

    def path(self, key: str) -> tuple[str, ...]:
        """Read the way to a member of the answer: names joined by dots, or a list; empty where there is none."""
        value = self.raw.get(key, "")
        names = value.split(".") if isinstance(value, str) and value else value or []
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise self.error(key, "is not the way to a member", hint='Write "meta.total", or ["meta", "a.name"].')
        self.taken[key] = names
        return tuple(names)

    def missing(self, key: str, why: str = "") -> UsageError:
        """Return the complaint that a key is not there, at the line of its table."""
        line = line_of(self.source.text, self.keys)
        where = self.source.name if line is None else f"{self.source.name}, line {line}"
        near = difflib.get_close_matches(key, self.raw.keys() - self.taken.keys(), 1)
        why = f"; is {near[0]} meant to be it" if near and not why else why
        return UsageError(f"{where}: {'.'.join((*self.keys, key))} is missing{why}.", hint="Add it there.")

    def done(self) -> dict[str, Any]:
        """Return what was taken, once all keys have been. Raises UsageError for a key that nobody asked for."""
        for key in self.raw:
            if key not in self.taken:
                raise self.error(key, f"is not a key that is known here{nearest(key, self.taken)}")
        return {key: value for key, value in self.taken.items() if value is not None}

    def _typed(self, key: str, wanted: type, default: Any) -> Any:  # noqa: ANN401 - of the wanted type
        value = self.raw.get(key, default)
        if type(value) is not wanted:
            raise self._mistyped(key, value, _WORDS[wanted])
        self.taken[key] = value
        return value

    def _mistyped(self, key: str, value: object, wanted: str) -> UsageError:
        return self.error(key, f"is {_WORDS.get(type(value), 'a time')}, not {wanted}")


def nearest_of(name: str, known: Collection[str]) -> str | None:
    """Return the known name that is nearest; None where none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), 1)), None)


def nearest(name: str, known: Collection[str]) -> str:
    """Return `; did you mean ...` where a known name is near, else nothing."""
    near = nearest_of(name, known)
    return f"; did you mean {near}" if near else ""


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """Find the line of a key in TOML text: its own, else that of the nearest thing around it or in it."""
    wanted, best, around, inside = tuple(keys), 0, None, None
    for number, at in _positions(text):
        if at == wanted[: len(at)] and len(at) > best:
            best, around = len(at), number
        if inside is None and at[: len(wanted)] == wanted:
            inside = number
    return around if best == len(wanted) else inside or around


def _positions(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the lines that name a table or a key, with its keys from the top."""
    table: tuple[str, ...] = ()
    quoted = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not quoted:
            header, assigned = _HEADER.match(line), _ASSIGNED.match(line)
            if header:
                table = _split(header[1])
                yield number, table
            elif assigned:
                yield number, (*table, *_split(assigned[1]))
        for mark in ('"""', "'''"):
            if quoted in ("", mark) and line.count(mark) % 2:
                quoted = "" if quoted else mark


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(found[0].strip("\"'") for found in re.finditer(_KEY, dotted))
