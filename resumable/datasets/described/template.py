"""What a described endpoint is made of: templates with placeholders, paths into an answer, and ways to write a time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import quote

from resumable.models import iso

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json]"
Keys: TypeAlias = tuple[str, ...]

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_]+)\}\}|\{([A-Za-z_]+)\}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

UNITS = {
    "iso": timedelta(milliseconds=1),
    "iso_s": timedelta(seconds=1),
    "date": timedelta(days=1),
    "epoch_ms": timedelta(milliseconds=1),
    "epoch_s": timedelta(seconds=1),
}
"""The ways to write a time, and what each can tell apart."""


def placeholders(template: Json, at: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Yield every `{name}` of a template, with the keys that lead to the text it stands in; `{{name}}` is none."""
    if isinstance(template, str):
        yield from ((at, found[2]) for found in _PLACEHOLDER.finditer(template) if found[2])
    elif isinstance(template, dict):
        for key, value in template.items():
            yield from placeholders(value, (*at, key))
    elif isinstance(template, list):
        for value in template:
            yield from placeholders(value, at)


def filled(template: Json, values: Mapping[str, str | int]) -> Any:  # noqa: ANN401 - JSON of the template's shape
    """Return a template with its placeholders filled; one that is a whole text keeps the type of its value."""
    if isinstance(template, dict):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACEHOLDER.fullmatch(template)
    if whole and whole[2]:
        return values[whole[2]]
    return _PLACEHOLDER.sub(lambda found: str(values[found[2]]) if found[2] else f"{{{found[1]}}}", template)


def filled_path(template: str, values: Mapping[str, str | int]) -> str:
    """Return a path with its placeholders filled; what fills one can lead nowhere else."""
    return str(filled(template, {name: quote(str(value), safe="") for name, value in values.items()}))


def as_parameter(value: Any) -> str | tuple[str, ...]:  # noqa: ANN401 - a value of a template, or a list of some
    """Write a value as a query parameter has it; a list as one of several of its name."""
    if isinstance(value, list):
        return tuple(str(as_parameter(each)) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def written(moment: datetime, form: str) -> str | int:
    """Write a time in one of the forms of `UNITS`. Raises ValueError for one between two that the form can write."""
    if (moment - _EPOCH) % UNITS[form]:
        raise ValueError(f"{iso(moment)} cannot be written as {form}")
    if form in ("epoch_ms", "epoch_s"):
        return (moment - _EPOCH) // UNITS[form]
    if form == "iso":
        return iso(moment)
    return moment.astimezone(UTC).strftime("%Y-%m-%d" if form == "date" else "%Y-%m-%dT%H:%M:%SZ")


def object_at(answer: Mapping[str, Any], keys: Sequence[str]) -> Mapping[str, Any]:
    """Return the object that keys lead to; an empty one where there is none."""
    for key in keys:
        inner = answer.get(key)
        answer = inner if isinstance(inner, dict) else {}
    return answer
