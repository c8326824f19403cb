"""The field model of conversation details: every object, its fields, their types and their enumerations.

Source: the models of the official Python SDK 269.0.0. A leaf is a field that holds no other object; the conversation
model has 211 of them. The order of the fields here is the order in which the simulator writes them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Type(StrEnum):
    """What JSON a leaf holds."""

    TEXT = "text"  # a string
    INTEGER = "integer"  # a whole number, up to 64 bits
    NUMBER = "number"  # a number that may have a fraction
    BOOLEAN = "boolean"  # true or false
    TIME = "time"  # an instant as 2023-10-01T00:00:00.000Z
    TEXTS = "texts"  # a list of strings
    INTEGERS = "integers"  # a list of whole numbers
    MAP = "map"  # a free-form object of strings
    ENUM = "enum"  # one of a list of strings


@dataclass(frozen=True, kw_only=True)
class Model:
    """One kind of object: its leaves by type, and the objects inside it."""

    texts: str = ""
    integers: str = ""
    numbers: str = ""
    booleans: str = ""
    times: str = ""
    text_lists: str = ""
    integer_lists: str = ""
    maps: str = ""
    enums: Mapping[str, str] = field(default_factory=dict)
    objects: "Mapping[str, Model]" = field(default_factory=dict)
    lists: "Mapping[str, Model]" = field(default_factory=dict)

    def leaves(self) -> Iterator[tuple[str, Type]]:
        """Yield the name and the type of each leaf of this object, without those of the objects inside."""
        for names, kind in (
            (self.texts, Type.TEXT),
            (self.integers, Type.INTEGER),
            (self.numbers, Type.NUMBER),
            (self.booleans, Type.BOOLEAN),
            (self.times, Type.TIME),
            (self.text_lists, Type.TEXTS),
            (self.integer_lists, Type.INTEGERS),
            (self.maps, Type.MAP),
            (" ".join(self.enums), Type.ENUM),
        ):
            for name in names.split():
                yield name, kind

    def choices(self, name: str) -> list[str]:
        """Return the values that an enumerated leaf may take."""
        return self.enums[name].split()

    def paths(self, prefix: str = "") -> Iterator[tuple[str, Type]]:
        """Yield the dotted path and the type of each leaf of this object and of all the objects inside it."""
        for name, kind in self.leaves():
            yield prefix + name, kind
        for inner in (self.objects, self.lists):
            for name, model in inner.items():
                yield from model.paths(f"{prefix}{name}.")


PROPERTY = Model(
    texts="property value",
    enums={
        "propertyType": "bool integer real date string uuid",
    },
)
SCORED_AGENT = Model(
    texts="scoredAgentId",
    integers="agentScore",
)
SEGMENT = Model(
    texts="""
        destinationConversationId destinationSessionId errorCode groupId queueId requestedLanguageId
        sourceConversationId sourceSessionId subject wrapUpCode wrapUpNote
    """,
    booleans="audioMuted conference videoMuted",
    times="segmentEnd segmentStart",
    text_lists="requestedRoutingSkillIds requestedRoutingUserIds wrapUpTags",
    integer_lists="q850ResponseCodes sipResponseCodes",
    enums={
        "disconnectType": """
            client conferenceTransfer consultTransfer dndEndpoint dndTransfer endpoint error forwardTransfer
            inactivity noAnswerTransfer notAvailableTransfer other peer sessionExpired spam system takeover
            timeout transfer transportFailure uncallable
        """,
        "segmentType": """
            alert barging callback coaching contacting converting delay dialing hold interact ivr monitoring
            parked scheduled screenmonitoring sharing system transmitting unknown uploading voicemail wrapup
        """,
    },
    lists={"properties": PROPERTY, "scoredAgents": SCORED_AGENT},
)
SESSION_METRIC = Model(
    texts="name",
    integers="value",
    times="emitDate",
)
MEDIA_ENDPOINT_STAT = Model(
    integers="""
        discardedPackets duplicatePackets invalidPackets maxLatencyMs overrunPackets receivedPackets
        underrunPackets
    """,
    numbers="minMos minRFactor",
    times="eventTime",
    text_lists="codecs",
)
PROPOSED_AGENT = Model(
    texts="proposedAgentId",
    integers="agentRank",
)
AGENT_GROUP = Model(
    texts="agentGroupId",
    enums={
        "agentGroupType": "Group SkillGroup Team",
    },
)
FLOW_OUTCOME = Model(
    texts="flowOutcome flowOutcomeId flowOutcomeValue",
    times="flowOutcomeEndTimestamp flowOutcomeStartTimestamp",
)
FLOW = Model(
    texts="""
        endingLanguage entryReason exitReason flowId flowName flowVersion recognitionFailureReason
        startingLanguage transferTargetAddress transferTargetName transferType
    """,
    booleans="issuedCallback",
    enums={
        "entryType": "agent direct dnis flow outbound",
        "flowType": """
            BOT BUSINESSPROCESS COMMONMODULE DIGITALBOT EMAILSEND INBOUNDCALL INBOUNDCHAT INBOUNDEMAIL
            INBOUNDSHORTMESSAGE INQUEUECALL INQUEUEEMAIL INQUEUESHORTMESSAGE OUTBOUNDCALL SECURECALL SPEECH
            SURVEYINVITE VOICE VOICEMAIL VOICESURVEY WORKFLOW WORKITEM
        """,
    },
    lists={"outcomes": FLOW_OUTCOME},
)
SESSION = Model(
    texts="""
        addressFrom addressOther addressSelf addressTo agentAssistantId ani assignerId bargedParticipantId
        callbackUserName coachedParticipantId cobrowseRole cobrowseRoomId dispositionAnalyzer
        dispositionName dnis edgeId errorCodeDescription extendedDeliveryStatus flowInType flowOutType
        journeyActionId journeyActionMapId journeyCustomerId journeyCustomerIdType journeyCustomerSessionId
        journeyCustomerSessionIdType mediaBridgeId messageType monitoredParticipantId outboundCampaignId
        outboundContactId outboundContactListId peerId protocolCallId provider remote remoteNameDisplayable
        roomId routingRule screenMonitoredUserId screenShareAddressSelf screenShareRoomId scriptId
        selectedAgentId sessionDnis sessionId skillExpressionId videoAddressSelf videoRoomId
    """,
    integers="""
        agentBullseyeRing journeyActionMapVersion mediaCount routingRing selectedAgentRank timeoutSeconds
    """,
    booleans="""
        acwSkipped agentOwned authenticated cleared deliveryPushed recording sharingScreen skipEnabled
        snippetRecording
    """,
    times="callbackScheduledTime deliveryStatusChangeDate detectedSpeechEnd detectedSpeechStart",
    text_lists="""
        activeSkillIds bcc callbackNumbers cc destinationAddresses removedSkillIds requestedRoutings
    """,
    integer_lists="eligibleAgentCounts waitingInteractionCounts",
    enums={
        "deliveryStatus": """
            DeliveryFailed DeliveryPushed DeliverySuccess Failed Published Queued Read Received Sent
        """,
        "direction": "inbound outbound",
        "engagementSource": """
            AppleMessagesForBusiness Discord Email Facebook FacebookMessenger Glassdoor
            GoogleBusinessProfile Instagram KakaoTalk Line LinkedIn MicrosoftTeams MobileChat Other QQ
            Reddit ServiceNow SFDC SMS Snapchat Telegram Threads Trustpilot Unspecified Viber WebChat WeChat
            Weibo WhatsApp X Yelp YouTube Zendesk OpenMessaging
        """,
        "mediaType": """
            callback chat cobrowse email internalmessage message screenmonitoring screenshare unknown video
            voice
        """,
        "routingRuleType": "Bullseye Conditional Predictive Preferred",
        "usedRouting": "Bullseye Conditional Direct Last Manual Predictive Preferred Standard Vip",
    },
    objects={"flow": FLOW},
    lists={
        "agentGroups": AGENT_GROUP,
        "mediaEndpointStats": MEDIA_ENDPOINT_STAT,
        "metrics": SESSION_METRIC,
        "proposedAgents": PROPOSED_AGENT,
        "segments": SEGMENT,
    },
)
PARTICIPANT = Model(
    texts="externalContactId externalOrganizationId participantId participantName teamId userId",
    booleans="screenRecording",
    maps="attributes",
    enums={
        "flaggedReason": "general",
        "purpose": """
            acd agent api botflow campaign customer dialer external fax group inbound ivr manual outbound
            station user voicemail voicesurveyflow workflow
        """,
    },
    lists={"sessions": SESSION},
)
EVALUATION = Model(
    texts="assigneeId calibrationId contextId evaluationId evaluatorId formId formName queueId userId",
    integers="oTotalCriticalScore oTotalScore",
    booleans="assigneeApplicable deleted released rescored systemSubmitted",
    times="eventTime",
    enums={
        "evaluationStatus": "Finished InProgress InReview Pending Retracted",
    },
)
SURVEY = Model(
    texts="queueId surveyFormContextId surveyFormId surveyFormName surveyId surveyStatus userId",
    integers="oSurveyTotalScore surveyPromoterScore",
    booleans="surveyPartialResponse",
    times="eventTime surveyCompletedDate",
    enums={
        "surveyType": "Web Voice",
    },
)
RESOLUTION = Model(
    texts="queueId userId",
    integers="nNextContactAvoided",
    times="eventTime",
)
CONVERSATION = Model(
    texts="associatedConversationId conversationId externalTag",
    numbers="mediaStatsMinConversationMos mediaStatsMinConversationRFactor",
    booleans="customerParticipation originatingSocialMediaPublic selfServed",
    times="conferenceStart conversationEnd conversationStart inactivityTimeout",
    text_lists="accessAttributes consultationConversationIds divisionIds knowledgeBaseIds",
    enums={
        "conversationInitiator": """
            acd agent api botflow campaign customer dialer external fax group inbound ivr manual outbound
            station user voicemail voicesurveyflow workflow
        """,
        "originatingDirection": "inbound outbound",
    },
    lists={"evaluations": EVALUATION, "participants": PARTICIPANT, "resolutions": RESOLUTION, "surveys": SURVEY},
)
