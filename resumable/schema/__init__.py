"""The pinned schemas, and the two ways between an answer's JSON and Arrow columns; nothing here touches the world.

`pinned` and `build` give a Schema and import no pyarrow; `resumable.schema.decode` and `resumable.schema.rebuild` do,
and are imported as modules of their own for that reason.
"""

from resumable.schema.fields import Declared, Fields, Kind, SchemaError
from resumable.schema.model import UNMAPPED, Schema, build
from resumable.schema.pinned import NAMES, pinned
from resumable.schema.strict import NotJson, strict_json

__all__ = [
    "NAMES",
    "UNMAPPED",
    "Declared",
    "Fields",
    "Kind",
    "NotJson",
    "Schema",
    "SchemaError",
    "build",
    "pinned",
    "strict_json",
]
