"""The filters of the public contract: read, checked, and decided for one conversation at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from resumable.simulator.json_values import Json, words
from resumable.simulator.world.times import parse_ms

CONVERSATION_DIMENSIONS = frozenset(
    words("""
    accessAttribute conversationEnd conversationId conversationInitiator conversationStart customerParticipation
    divisionId externalTag mediaStatsMinConversationMos originatingDirection originatingSocialMediaPublic
    """)
)
SEGMENT_DIMENSIONS = frozenset(
    words("""
    addressFrom addressTo agentAssistantId agentOwned ani authenticated bargedParticipantId callbackNumber
    callbackScheduledTime canonicalExternalContactId cleared coachedParticipantId conference deliveryPushed
    deliveryStatus destinationAddress destinationConversationId detectedSpeechEnd detectedSpeechStart direction
    disconnectType dnis edgeId engagementSource errorCode exitReason extendedDeliveryStatus externalContactId
    externalOrganizationId flaggedReason flowId flowName flowOutType flowOutcome flowOutcomeId flowOutcomeValue
    flowVersion groupId journeyActionId journeyActionMapId journeyCustomerId journeyCustomerIdType
    journeyCustomerSessionId mediaCount mediaType messageType monitoredParticipantId outboundCampaignId
    outboundContactId outboundContactListId participantName protocolCallId provider purpose queueId recording remote
    remoteNameDisplayable requestedLanguageId requestedRouting requestedRoutingSkillId scoredAgentId
    screenMonitoredUserId screenRecording scriptId segmentEnd segmentType sessionDnis sipResponseCode
    skillExpressionId snippetRecording subject teamId transferTargetAddress transferTargetName transferType
    usedRouting userId wrapUpCode wrapUpNote
    """)
)
EVALUATION_DIMENSIONS = frozenset(
    words("""
    assigneeApplicable assigneeId calibrationId contextId deleted evaluationId evaluationStatus evaluatorId eventTime
    formId formName queueId released rescored systemSubmitted userId
    """)
)
SURVEY_DIMENSIONS = frozenset(
    words("""
    eventTime queueId surveyCompletedDate surveyFormContextId surveyFormId surveyId surveyPartialResponse
    surveyPromoterScore surveyStatus surveyType userId
    """)
)
CONVERSATION_METRICS = frozenset(
    words("""
    nAgentDeclined nAlertExpired nBlindTransferred nBotInteractions nCallbackAttempts nCallbackOverSla
    nCallbackScheduled nCfcOffered nCobrowseSessions nConnected nConsult nConsultTransferred nConversations nError nFlow
    nFlowMilestone nFlowOutcome nFlowOutcomeFailed nOffered nOutbound nOutboundAbandoned nOutboundAttempted
    nOutboundConnected nOverSla nStateTransitionError nTakeover nTransferred oAudioMessageCount
    oExternalAudioMessageCount oExternalMediaCount oFlowMilestone oMediaCount oMessageCount oMessageSegmentCount
    oMessageTurn oSkillExpressionApplications tAbandon tAcd tActiveCallback tActiveCallbackComplete tAcw
    tAgentResponseTime tAgentVideoConnected tAlert tAnswered tAverageAgentResponseTime tAverageCustomerResponseTime
    tBarging tCallbackAbandon tCallbackConnect tCallbackNotReached tCallbackVirtualWait tCfcAbandon tCfcAcd tCfcAnswered
    tCfcFlowOut tCoaching tCoachingComplete tConnected tContacting tConversationDuration tDialing tFirstConnect
    tFirstDial tFirstEngagement tFirstResponse tFlow tFlowDisconnect tFlowExit tFlowOut tFlowOutcome tHandle tHeld
    tHeldComplete tIvr tMonitoring tMonitoringComplete tNotResponding tPark tParkComplete tScreenMonitoring
    tShortAbandon tSnippetRecord tTalk tTalkComplete tTransmitting tUserResponseTime tVoicemail
    """)
)
AGGREGATE_DIMENSIONS = frozenset({"direction", "mediaType", "queueId", "userId"})
"""What this simulator's aggregates can be grouped by and filtered on; the server knows more."""
# dimensions whose values differ between the records of one shape
OWN_DIMENSIONS = frozenset(
    words("""
    conversationEnd conversationId conversationStart callbackScheduledTime detectedSpeechEnd detectedSpeechStart
    evaluationId eventTime protocolCallId segmentEnd surveyCompletedDate surveyId tSegmentDuration
    """)
)
_FIELDS = {
    "accessAttribute": "accessAttributes",
    "callbackNumber": "callbackNumbers",
    "canonicalExternalContactId": "externalContactId",
    "destinationAddress": "destinationAddresses",
    "divisionId": "divisionIds",
    "requestedRouting": "requestedRoutings",
    "requestedRoutingSkillId": "requestedRoutingSkillIds",
    "sipResponseCode": "sipResponseCodes",
}
_OPERATORS = frozenset({"matches", "exists", "notExists"})
_RANGE = {"gt", "gte", "lt", "lte"}

Context = Mapping[str, Json]
Test = Callable[[Context], bool]
Contexts = Callable[[Mapping[str, Json]], Iterator[Context]]  # where a predicate looks: a segment, an evaluation, ...


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What the predicates of one filter list may name."""

    dimensions: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    properties: bool = False


# Source: the predicates' models in the official Python SDK 269.0.0; those of resolutions have no dimension.
VOCABULARIES: Mapping[str, Vocabulary] = {
    "conversationFilters": Vocabulary(dimensions=CONVERSATION_DIMENSIONS, metrics=CONVERSATION_METRICS),
    "segmentFilters": Vocabulary(
        dimensions=SEGMENT_DIMENSIONS, metrics=frozenset({"tSegmentDuration"}), properties=True
    ),
    "evaluationFilters": Vocabulary(
        dimensions=EVALUATION_DIMENSIONS, metrics=frozenset({"oTotalCriticalScore", "oTotalScore"})
    ),
    "surveyFilters": Vocabulary(dimensions=SURVEY_DIMENSIONS, metrics=frozenset({"oSurveyTotalScore"})),
    "resolutionFilters": Vocabulary(metrics=frozenset({"nNextContactAvoided"})),
    "userFilters": Vocabulary(dimensions=frozenset({"userId"})),
    "presenceFilters": Vocabulary(dimensions=frozenset({"organizationPresenceId", "systemPresence"})),
    "routingStatusFilters": Vocabulary(dimensions=frozenset({"routingStatus"})),
    "filter": Vocabulary(dimensions=AGGREGATE_DIMENSIONS),
}


class FilterFault(ValueError):
    """A filter that the server refuses; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a conversation must be like. `by_shape`: the answer is the same for all records of a shape."""

    tests: tuple[Callable[[Mapping[str, Json]], bool], ...] = ()
    by_shape: bool = True

    def admits(self, conversation: Mapping[str, Json]) -> bool:
        """Tell whether the conversation is wanted."""
        return all(test(conversation) for test in self.tests)


def read_filters(body: Mapping[str, Json]) -> Filter:
    """Read the five filter lists of a query; raises FilterFault where the server would say 400."""
    return _read_lists(body, _CONTEXTS)


def read_user_filters(body: Mapping[str, Json]) -> Filter:
    """Read the three filter lists of users' details; raises FilterFault where the server would say 400.

    The filter is for objects with a `userId`. Nobody says what is left of a user whose presence or routing status is
    filtered, so those two are checked and select nothing.
    """
    _read_lists(body, {"presenceFilters": _itself, "routingStatusFilters": _itself})
    return _read_lists(body, {"userFilters": _itself})


def read_aggregate_filter(body: Mapping[str, Json]) -> Filter:
    """Read the one filter of an aggregate query; raises FilterFault where the server would say 400."""
    given = body.get("filter")
    return _read_lists({} if given is None else {"filter": [given]}, {"filter": _itself})


def _read_lists(body: Mapping[str, Json], kinds: Mapping[str, Contexts]) -> Filter:
    tests: list[Callable[[Mapping[str, Json]], bool]] = []
    own = False
    for key, contexts in kinds.items():
        given = body.get(key)
        if given is None:
            continue
        if not isinstance(given, list):
            raise FilterFault(f"{key} must be a list")
        for entry in given:
            used: set[str] = set()
            test = _read_node(entry, key, used, allow_clauses=True)
            tests.append(_any_of(contexts, test))
            own = own or bool(used & OWN_DIMENSIONS)
    return Filter(tests=tuple(tests), by_shape=not own)


def _any_of(contexts: Contexts, test: Test) -> Callable[[Mapping[str, Json]], bool]:
    return lambda conversation: any(test(context) for context in contexts(conversation))


def _read_node(entry: Json, where: str, used: set[str], *, allow_clauses: bool) -> Test:
    if not isinstance(entry, dict):
        raise FilterFault(f"{where} holds something that is not an object")
    kind = entry.get("type")
    if kind not in ("and", "or"):
        raise FilterFault(f"{where}: type must be one of [and, or]")
    predicates = entry.get("predicates") or []
    clauses = (entry.get("clauses") or []) if allow_clauses else []
    if not isinstance(predicates, list) or not isinstance(clauses, list) or not (predicates or clauses):
        raise FilterFault(f"{where}: predicates or clauses are needed")
    tests = [_read_predicate(p, where, used) for p in predicates]
    tests += [_read_node(c, where, used, allow_clauses=False) for c in clauses]
    combine = all if kind == "and" else any
    return lambda context: combine(test(context) for test in tests)


def _read_predicate(given: Json, where: str, used: set[str]) -> Test:
    if not isinstance(given, dict):
        raise FilterFault(f"{where}: a predicate must be an object")
    kind = given.get("type", "dimension")
    name = given.get(kind) if kind in ("dimension", "metric", "property") else None
    if not isinstance(name, str):
        raise FilterFault(f"{where}: a predicate needs a dimension, a metric or a property")
    _check_name(where, str(kind), name)
    operator = given.get("operator", "matches")
    if operator not in _OPERATORS:
        raise FilterFault(f"{where}: '{operator}' is not a valid operator")
    used.add(name)
    values = values_of if kind == "dimension" else _metric_values if kind == "metric" else _property_values
    if operator != "matches":
        return lambda context: bool(values(context, name)) is (operator == "exists")
    wanted = _read_wanted(given, where)
    return lambda context: any(wanted(value) for value in values(context, name))


def _check_name(where: str, kind: str, name: str) -> None:
    known = VOCABULARIES[where]
    if kind == "property" and not known.properties:
        raise FilterFault(f"{where}: a predicate cannot name a property")
    if kind != "property" and name not in (known.dimensions if kind == "dimension" else known.metrics):
        raise FilterFault(f"{where}: '{name}' is not a valid {kind}")


def _read_wanted(given: Mapping[str, Json], where: str) -> Callable[[Json], bool]:
    span = given.get("range")
    if isinstance(span, dict):
        if not span or set(span) - _RANGE or not all(isinstance(v, (int, float)) for v in span.values()):
            raise FilterFault(f"{where}: range takes numbers for gt, gte, lt and lte")
        return lambda value: isinstance(value, (int, float)) and _inside(value, span)
    wanted = given.get("value")
    if not isinstance(wanted, str):
        raise FilterFault(f"{where}: a value is needed where the operator is matches")
    return lambda value: text_of(value) == wanted


def _inside(value: float, span: Mapping[str, float]) -> bool:
    return (
        ("gt" not in span or value > span["gt"])
        and ("gte" not in span or value >= span["gte"])
        and ("lt" not in span or value < span["lt"])
        and ("lte" not in span or value <= span["lte"])
    )


def text_of(value: Json) -> str:
    """Write a value the way a predicate names it."""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def values_of(context: Context, dimension: str) -> list[Json]:
    """Return what a context holds in a dimension, as a list; null counts as nothing."""
    if dimension == "scoredAgentId":
        return [a["scoredAgentId"] for a in context.get("scoredAgents") or [] if a.get("scoredAgentId") is not None]
    value = context.get(_FIELDS.get(dimension, dimension))
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _metric_values(context: Context, name: str) -> list[Json]:
    if name == "tSegmentDuration":
        start, end = context.get("segmentStart"), context.get("segmentEnd")
        return [parse_ms(end) - parse_ms(start)] if start and end else []
    direct = [context[name]] if context.get(name) is not None else []
    return direct + [m.get("value") for m in context.get("metrics") or [] if m.get("name") == name]


def _property_values(context: Context, name: str) -> list[Json]:
    return [p.get("value") for p in context.get("properties") or [] if p.get("property") == name]


def segment_contexts(conversation: Mapping[str, Json]) -> Iterator[Context]:
    """Yield each segment of a conversation together with its session, flow and participant."""
    for participant in conversation.get("participants") or []:
        for session in participant.get("sessions") or []:
            flow = session.get("flow") or {}
            outcome = {k: v for o in flow.get("outcomes") or [] for k, v in o.items() if v is not None}
            around = {**participant, **flow, **outcome, **session}
            for segment in session.get("segments") or [{}]:
                yield {**around, **segment}


def conversation_contexts(conversation: Mapping[str, Json]) -> Iterator[Context]:
    """Yield the conversation itself, with the metrics of all its sessions."""
    sessions = [s for p in conversation.get("participants") or [] for s in p.get("sessions") or []]
    yield {**conversation, "metrics": [m for s in sessions for m in s.get("metrics") or []]}


def _items(key: str) -> Contexts:
    return lambda conversation: iter(conversation.get(key) or [])


def _itself(content: Mapping[str, Json]) -> Iterator[Context]:
    yield content


_CONTEXTS: Mapping[str, Contexts] = {
    "conversationFilters": conversation_contexts,
    "segmentFilters": segment_contexts,
    "evaluationFilters": _items("evaluations"),
    "surveyFilters": _items("surveys"),
    "resolutionFilters": _items("resolutions"),
}
