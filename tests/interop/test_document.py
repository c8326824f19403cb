"""The OpenAPI document, the SDK and the simulator's own vocabulary are one and the same."""

from types import ModuleType

import pytest

from resumable.simulator.world.filters import VOCABULARIES
from tests.interop.prism import read_document

PREDICATES = {
    "conversationFilters": "ConversationDetailQueryPredicate",
    "segmentFilters": "SegmentDetailQueryPredicate",
    "evaluationFilters": "EvaluationDetailQueryPredicate",
    "surveyFilters": "SurveyDetailQueryPredicate",
    "resolutionFilters": "ResolutionDetailQueryPredicate",
    "userFilters": "UserDetailQueryPredicate",
    "presenceFilters": "PresenceDetailQueryPredicate",
    "routingStatusFilters": "RoutingStatusDetailQueryPredicate",
}


def test_the_document_has_the_members_of_the_sdks_models(sdk: ModuleType) -> None:
    """Every object of the document that the SDK has a model for lists just the members that the model has."""
    schemas = read_document()["components"]["schemas"]
    compared = 0
    for name, schema in schemas.items():
        if schema.get("type") == "object" and schema.get("properties") and hasattr(sdk, name):
            assert set(schema["properties"]) == set(getattr(sdk, name)().attribute_map.values()), name
            compared += 1
    assert compared > 150


@pytest.mark.parametrize(("filters", "model"), PREDICATES.items())
def test_the_simulator_knows_the_words_of_every_filter(filters: str, model: str) -> None:
    """A filter list may name the dimensions, the metrics and the properties that the document lists, and no others."""
    members = read_document()["components"]["schemas"][model]["properties"]
    known = VOCABULARIES[filters]
    assert known.dimensions == set(members.get("dimension", {}).get("enum", ()))
    assert known.metrics == set(members.get("metric", {}).get("enum", ()))
    assert known.properties == ("property" in members)


def test_every_filter_list_is_compared() -> None:
    """No filter list of the simulator is left out of the comparison."""
    assert {*PREDICATES, "filter"} == set(VOCABULARIES)


def test_the_filter_of_aggregates_knows_words_of_the_document() -> None:
    """The simulator counts by a part of the dimensions that there are; the rest it refuses."""
    members = read_document()["components"]["schemas"]["ConversationAggregateQueryPredicate"]["properties"]
    assert set() < VOCABULARIES["filter"].dimensions < set(members["dimension"]["enum"])
