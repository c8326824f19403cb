"""What a contract says of itself, as values: how its pages follow each other, how large they are, what narrows it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from resumable.models import Query


class Paging(enum.Enum):
    """How the pages of a window follow each other."""

    NUMBERED = "numbered"
    """By numbers from 1, in any order; every answer names how much there is."""
    CURSOR = "cursor"
    """Each page names the next one; the last names none, and nothing tells before it how much there is."""
    SERVER_JOB = "server job"
    """The same, of the results of a job on the server: it is submitted, watched, read and deleted, one a window."""

    BY_WINDOW = "by window"
    """Each window by its own contract: through a job on the server, or by numbers."""

    @property
    def counts_pages(self) -> bool:
        """Whether an answer names how much there is: a total or a page count."""
        return self is Paging.NUMBERED


class Excess(enum.Enum):
    """What becomes of a page size that is larger than the contract allows."""

    CLAMPED = "clamped"
    """The largest is asked for."""
    REFUSED = "refused"
    """It is an error."""
    IGNORED = "ignored"
    """So is every other: the server alone decides how many records a page has."""


@dataclass(frozen=True, kw_only=True)
class PageSizes:
    """How many records a page may be asked for."""

    usual: int
    """When the user says nothing."""
    most: int
    excess: Excess = Excess.CLAMPED


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CLOSED: Final[Mapping[str, tuple[str, ...]]] = {
    "directions": ("inbound", "outbound"),
    "media_types": (
        *("callback", "chat", "cobrowse", "email", "internalmessage", "message"),
        *("screenmonitoring", "screenshare", "unknown", "video", "voice"),
    ),
    "group_by": _words("""
        activeRouting activeSkillId addressFrom addressTo agentAssistantId agentBullseyeRing agentOwned agentRank
        agentScore ani assignerId authenticated canonicalExternalContactId conversationId conversationInitiator
        convertedFrom convertedTo customerParticipation deliveryStatus destinationAddress direction disconnectType
        divisionId dnis edgeId eligibleAgentCount errorCode extendedDeliveryStatus externalContactId
        externalMediaCount externalOrganizationId externalTag firstQueue flaggedReason flowInType flowOutType
        groupId interactionType journeyActionId journeyActionMapId journeyActionMapVersion journeyCustomerId
        journeyCustomerIdType journeyCustomerSessionId journeyCustomerSessionIdType knowledgeBaseId mediaCount
        mediaType messageType originatingDirection originatingSocialMediaPublic outboundCampaignId outboundContactId
        outboundContactListId participantName peerId proposedAgentId provider purpose queueId remote removedSkillId
        requestedLanguageId requestedRouting requestedRoutingSkillId roomId routingPriority routingRing routingRule
        routingRuleType scoredAgentId selectedAgentId selectedAgentRank selfServed sessionDnis sessionId
        skillExpressionId stationId teamId usedRouting userId videoPresent waitingInteractionCount wrapUpCode
    """),
    "metrics": _words("""
        nAgentDeclined nAlertExpired nBlindTransferred nBotInteractions nCallbackAttempts nCallbackOverSla
        nCallbackScheduled nCfcOffered nCobrowseSessions nConnected nConsult nConsultTransferred nConversations
        nError nOffered nOutbound nOutboundAbandoned nOutboundAttempted nOutboundConnected nOverSla
        nStateTransitionError nTakeover nTransferred oAudioMessageCount oCallbackServiceLevel
        oExternalAudioMessageCount oExternalMediaCount oMediaCount oMessageCount oMessageSegmentCount oMessageTurn
        oServiceLevel oServiceTarget oSkillExpressionApplications tAbandon tAcd tActiveCallback
        tActiveCallbackComplete tAcw tAgentResponseTime tAgentVideoConnected tAlert tAnswered
        tAverageAgentResponseTime tAverageCustomerResponseTime tBarging tCallbackAbandon tCallbackConnect
        tCallbackNotReached tCallbackVirtualWait tCfcAbandon tCfcAcd tCfcAnswered tCfcFlowOut tCoaching
        tCoachingComplete tConnected tContacting tDialing tFirstConnect tFirstDial tFirstEngagement tFirstResponse
        tFlowOut tHandle tHeld tHeldComplete tIvr tMonitoring tMonitoringComplete tNotResponding tPark tParkComplete
        tScreenMonitoring tShortAbandon tSnippetRecord tTalk tTalkComplete tTransmitting tUserResponseTime
        tVoicemail tWait
    """),
}
"""What the vendor lists as all there is (official SDK), by the fields of a `Query`: a slip finds nothing.

Dimensions are those that an aggregate query can be narrowed by, metrics those that it can be sorted or ranged by: the
SDK lists none for `groupBy` and `metrics` themselves.
"""


@dataclass(frozen=True, kw_only=True)
class IdsOf:
    """Where the ids are that a dataset has a request for each of."""

    dataset: str
    """Empty where the user has to say it."""
    member: str
    most: int
    """Of one job."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What narrows a query of a dataset: anything else would silently be left out of it."""

    fields: frozenset[str] = frozenset()
    """The lists of a `Query` that its requests have a place for, by the names of their fields."""
    free: tuple[str, ...] = ()
    """What the free filter may hold, each a list."""
    ids: IdsOf | None = None
    """What it has a request for each of; None where its requests name none."""


NO_FILTERS = Filters()


@dataclass(frozen=True, kw_only=True)
class CursorStep:
    """A page along a cursor, as it was asked for."""

    query: Query
    cursor: str | None
    page_size: int
    origin: str | None
    """The API's, where it is known: an address of another is not followed."""
