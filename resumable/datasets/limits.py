"""How a contract bounds what is asked of it: records a page, the length of a window, the records of a window."""

from datetime import timedelta

from resumable.datasets.contract import Contract
from resumable.datasets.facts import Excess
from resumable.errors import UsageError


def page_size(contract: Contract, asked: int | None) -> int:
    """Return how many records a page is asked for, where the user asks for so many. Raises UsageError for too many."""
    sizes = contract.page_sizes
    if asked is None or sizes.excess is Excess.IGNORED:
        return sizes.usual
    if asked > sizes.most and sizes.excess is Excess.CLAMPED:
        return sizes.most
    if 1 <= asked <= sizes.most:
        return asked
    raise UsageError(
        f"a page of {contract.name} holds 1 to {sizes.most} records, not {asked}.",
        hint=f"Use --page-size {sizes.most}, or leave it out. Nothing was asked for.",
    )


def longest_window(contract: Contract, override: timedelta | None) -> timedelta | None:
    """Return the longest window that one request may cover: the settings' where they name one; None for any length."""
    return override or contract.interval_max


def window_length(contract: Contract, wished: timedelta, override: timedelta | None) -> timedelta:
    """Return how long windows are made, where the user wishes for so long ones."""
    return min(wished, longest_window(contract, override) or wished)


def deep_limit(contract: Contract, override: int | None) -> int | None:
    """Return how many records of a window can be paged through: the settings' where they name it; None for all."""
    return override or contract.deep_limit
