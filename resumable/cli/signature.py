"""Makes the parameters of a command of a class: a field is an option, its type and default are the option's."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, get_args, get_origin, get_type_hints

import typer

Completion = Callable[..., list[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is said about an option beside its type and its default."""

    help: str
    flag: str | None = None
    """None of an argument, which is known by its place."""
    short: str | None = None
    """The same flag in one letter."""
    metavar: str | None = None
    least: int | None = None
    most: int | None = None
    complete: Completion | None = None
    """What the shell offers after a tab."""
    in_files: bool = True
    """Whether a job file may say it."""
    also: tuple[type, ...] = ()
    """Types that a job file may hold in place of the option's own."""
    first: Callable[[typer.Context, str | None], str | None] | None = None
    """Called with what was typed before any other option is read."""


class OptionClass(Protocol):
    """A dataclass each of whose fields is `Annotated[type, Option(...)]`."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


@dataclass(frozen=True, kw_only=True)
class OptionRow:
    """One option of a command, with all that is known about it."""

    name: str
    """Of the field."""
    option: Option
    holds: Any
    """Its type, as the field declares it."""
    default: Any
    """`inspect.Parameter.empty` where it has to be given."""

    @property
    def key(self) -> str:
        """The name in a job file: that of the flag, with `_` for `-`."""
        return self.typed.lstrip("-").replace("-", "_")

    @property
    def typed(self) -> str:
        """What is typed: the flag, or what stands for an argument."""
        return self.option.flag or self.name

    @property
    def kind(self) -> type:
        """The type without the None of an option that was not given; list for any list."""
        found = next((one for one in get_args(self.holds) if one is not type(None)), self.holds)
        plain: type = get_origin(found) or found
        return list if get_origin(self.holds) is list else plain


def rows(options: type[OptionClass]) -> Iterator[OptionRow]:
    """Yield the options of a class: its own first, then those of the groups that are its bases."""
    types = get_type_hints(options, include_extras=True)
    own = inspect.get_annotations(options)
    for field in sorted(dataclasses.fields(options), key=lambda field: field.name not in own):
        plain, option = get_args(types[field.name])
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        yield OptionRow(name=field.name, option=option, holds=plain, default=default)


def signature(options: type[OptionClass]) -> inspect.Signature:
    """Return the signature that typer reads of a command that takes these options."""
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    return inspect.Signature([context, *(_parameter(row) for row in rows(options))])


def _flags(option: Option) -> list[str]:
    return [flag for flag in (option.flag, option.short) if flag is not None]


def _parameter(row: OptionRow) -> inspect.Parameter:
    option = row.option
    said: dict[str, Any] = {
        "metavar": option.metavar,
        "help": option.help,
        "show_default": row.default not in (None, False),
        "autocompletion": option.complete,
        "callback": option.first,
        "is_eager": option.first is not None,
    }
    if row.kind in (int, float):
        said |= {"min": option.least, "max": option.most}
    words = typer.Argument(**said) if option.flag is None else typer.Option(*_flags(option), **said)
    return inspect.Parameter(
        row.name, inspect.Parameter.KEYWORD_ONLY, default=row.default, annotation=Annotated[row.holds, words]
    )
