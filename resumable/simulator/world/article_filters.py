"""The filters of the article's contract: `{"and": [{"path": ..., "operator": ..., "values": [...]}]}`."""

from collections.abc import Callable, Iterator, Mapping

from resumable.simulator.json_values import Json, words
from resumable.simulator.world.filters import (
    CONVERSATION_DIMENSIONS,
    OWN_DIMENSIONS,
    SEGMENT_DIMENSIONS,
    Filter,
    FilterFault,
    conversation_contexts,
    segment_contexts,
    text_of,
    values_of,
)

_IS = frozenset(words("eq equals equal in is matches ="))
_IS_NOT = frozenset(words("ne neq notEquals notIn not_in nin !="))

BY_ENTITY = {"queue.id": "queueId", "division.id": "divisionId", "user.id": "userId"}
"""How the article names what the records name otherwise: its own request has the path `queue.id`."""

Test = Callable[[Mapping[str, Json]], bool]


def read_article_filters(given: Json) -> Filter:
    """Read the `filters` of a body; raises FilterFault where the server would say 400."""
    if given is None or given == {}:
        return Filter()
    if not isinstance(given, dict) or set(given) - {"and", "or"}:
        raise FilterFault("filters must be an object with 'and' or 'or'")
    used: set[str] = set()
    tests: list[Test] = []
    for word, combine in (("and", all), ("or", any)):
        if word in given:
            tests.append(_combined(combine, _read_list(given[word], used)))
    return Filter(tests=tuple(tests), by_shape=not used & OWN_DIMENSIONS)


def _combined(combine: Callable[[Iterator[bool]], bool], tests: list[Test]) -> Test:
    return lambda conversation: combine(test(conversation) for test in tests)


def _read_list(given: Json, used: set[str]) -> list[Test]:
    if not isinstance(given, list):
        raise FilterFault("filters: a list of conditions is needed")
    return [_read_condition(entry, used) for entry in given]


def _read_condition(given: Json, used: set[str]) -> Test:
    if not isinstance(given, dict):
        raise FilterFault("filters: a condition must be an object")
    path, operator, values = given.get("path"), given.get("operator", "in"), given.get("values")
    if not isinstance(path, str) or not isinstance(operator, str):
        raise FilterFault("filters: path and operator must be text")
    if not isinstance(values, list) or not values:
        raise FilterFault("filters: values must be a list that holds something")
    dimension = BY_ENTITY.get(path) or path.rsplit(".", 1)[-1].replace("[]", "")
    contexts = _contexts(dimension)
    if contexts is None:
        raise FilterFault(f"filters: '{path}' is not a known path")
    if operator not in _IS | _IS_NOT:
        raise FilterFault(f"filters: '{operator}' is not a known operator")
    used.add(dimension)
    wanted = frozenset(text_of(value) for value in values)

    def found(conversation: Mapping[str, Json]) -> bool:
        return any(text_of(v) in wanted for c in contexts(conversation) for v in values_of(c, dimension))

    return found if operator in _IS else lambda conversation: not found(conversation)


def _contexts(dimension: str) -> Callable[[Mapping[str, Json]], Iterator[Mapping[str, Json]]] | None:
    if dimension in CONVERSATION_DIMENSIONS:
        return conversation_contexts
    return segment_contexts if dimension in SEGMENT_DIMENSIONS else None
