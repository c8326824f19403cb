"""What a job leaves out of its records, or keeps a keyed hash of: the rules, which are part of its query.

Rules name fields as `participants.sessions.ani`; lists need no word. `private_tables` follows them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from resumable.errors import UsageError
from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.schema.pii import PII
from resumable.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class PrivacyRules:
    """What is left out, and what is hashed; part of a job's query."""

    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    """Before `drop`: a field of a dropped object can be hashed."""
    only: tuple[str, ...] = ()
    """Nothing but these, and what a job needs; empty for everything."""
    unknown: bool = True
    """Whether values that the schema has no place for are kept, where no rule speaks of them."""
    key: str | None = None
    """Identifies the key of the hashes, and does not show it."""

    def to_json(self) -> str:
        """Return the canonical text."""
        found = {"drop": self.drop, "hash": self.hash, "only": self.only, "key": self.key}
        facts: dict[str, Any] = {name: value for name, value in found.items() if value}
        return json.dumps(facts | ({} if self.unknown else {"unknown": False}), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "PrivacyRules":
        """Read back what `to_json` wrote."""
        facts = json.loads(text)
        lists = {name: tuple(facts.get(name, ())) for name in ("drop", "hash", "only")}
        return cls(**lists, unknown=facts.get("unknown", True), key=facts.get("key"))


def rules_for(
    schema: Schema,
    *,
    drop: Sequence[str] = (),
    hashed: Sequence[str] = (),
    only: Sequence[str] = (),
    preset: str | None = None,
    needed: Iterable[str] = (),
    key_id: Callable[[], str],
) -> PrivacyRules | None:
    """Return the rules that some options make for records of a schema; None where they make none.

    `needed` are fields that a job cannot do without; `key_id` names the key of the hashes. Raises UsageError for a
    field that there is not, that is needed, or that cannot be hashed, and what `key_id` raises.
    """
    if preset not in (None, "pii"):
        raise UsageError(f"there is no preset {preset[:40]!a}.", hint="There is one: --preset pii.")
    if preset is not None and schema.name not in PII:
        raise UsageError(f"nobody has said what is personal in records of {schema.name}.", hint="Name it: --drop PATH.")
    kept = {schema.key, *schema.named_by, *([schema.start] if schema.start else []), *needed}
    chosen = {*drop, *(PII[schema.name] if preset else ())}
    for path in (*chosen, *hashed, *only):
        _node_at(schema, path)
    for path in (*chosen, *hashed):
        if any(f"{each}.".startswith(f"{path}.") for each in kept):
            raise UsageError(
                f"{path} is what a job knows its records by; it cannot be left out or hashed.",
                hint="Leave it out of --drop and --hash, or add it to --only.",
            )
    for path in hashed:
        if not _is_text(_node_at(schema, path)):
            raise UsageError(f"{path} is not text, and only texts are hashed.", hint="Use --drop for it.")
    if not (chosen or hashed or only):
        return None
    return PrivacyRules(
        drop=tuple(sorted(chosen)),
        hash=tuple(sorted(set(hashed))),
        only=tuple(sorted({*only, *kept})) if only else (),
        unknown=preset is None,
        key=key_id() if hashed else None,
    )


def _node_at(schema: Schema, path: str) -> Node:
    """Return the field of a path. Raises UsageError where there is none."""
    node: Node = schema.root
    for name in path.split("."):
        while isinstance(node, ListOf):
            node = node.element
        if not isinstance(node, ObjectOf) or name not in node.members:
            known = ", ".join(_near(node)) or "none"
            raise UsageError(
                f"{path[:100]!a} is not a field of {schema.name}: {name[:40]!a} is not known.",
                hint=f"There are: {known}.",
            )
        node = node.members[name]
    return node


def _near(node: Node) -> Iterator[str]:
    if isinstance(node, ObjectOf):
        yield from node.members


def _is_text(node: Node) -> bool:
    while isinstance(node, ListOf):
        node = node.element
    return isinstance(node, Leaf) and node.kind in (ColumnKind.TEXT, ColumnKind.TEXT_MAP, ColumnKind.DATE)
