"""A small schema with every kind of field, and how often a property is tried."""

from hypothesis import HealthCheck, settings

from resumable.schema.fields import ColumnKind
from resumable.schema.schema import build

SMALL = build(
    "small",
    1,
    {
        "id": ColumnKind.TEXT,
        "count": ColumnKind.INTEGER,
        "share": ColumnKind.NUMBER,
        "on": ColumnKind.FLAG,
        "at": ColumnKind.INSTANT,
        "day": ColumnKind.DATE,
        "names": [ColumnKind.TEXT],
        "free": ColumnKind.TEXT_MAP,
        "any": ColumnKind.JSON,
        "one": {"x": ColumnKind.TEXT, "free": ColumnKind.TEXT_MAP, "times": [ColumnKind.INSTANT]},
        "many": [{"x": ColumnKind.NUMBER, "any": [ColumnKind.JSON], "grid": [[ColumnKind.INTEGER]]}],
    },
    "id",
    "at",
)


few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


# Thousands are for the fuzzers of the torture suite.
many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
