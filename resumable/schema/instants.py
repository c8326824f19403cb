"""Instants: which texts are one, and their milliseconds since 1970.

An instant is `YYYY-MM-DDTHH:MM:SS`, a fraction of at most three digits, and its zone. Arrow's own parser also takes a
bare day, a time without seconds and a text without a zone (as UTC): none of these names one moment exactly.
"""

import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_TYPE = pa.timestamp("ms", tz="UTC")
_SHORTEST = len("2023-10-01T00:00:00Z")


def whole_column(texts: pa.Array) -> pa.Array | None:
    """Return a string column as instants, or None unless every text is one in UTC, written with `Z`.

    Arrow takes nothing of 20 characters and more that ends in Z but full dates with seconds and up to three digits
    behind them, so two cheap looks close what its parser leaves open.
    """
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), _TYPE)
    if pc.min(pc.binary_length(texts)).as_py() < _SHORTEST or not pc.all(pc.ends_with(texts, "Z")).as_py():
        return None
    try:
        instants = pc.cast(texts, _TYPE)
    except pa.ArrowInvalid:
        return None
    return instants if pc.min(instants).value >= _FIRST else None


def milliseconds(text: str) -> int | None:
    """Return one text's milliseconds since 1970, or None where it is no instant of the years 1 to 9999."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, off_hours, off_minutes = found.groups()[6:]
    if int(off_hours or 0) > 23 or int(off_minutes or 0) > 59:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = (int(off_hours or 0) * 60 + int(off_minutes or 0)) * 60_000
    since = (moment - _EPOCH) // _MILLISECOND + int((fraction or "0").ljust(3, "0"))
    since += offset if sign == "-" else -offset
    return since if _FIRST <= since <= _LAST else None


def written(moment: datetime) -> str:
    """Write an instant as Genesys does: `2023-10-01T00:00:00.000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
