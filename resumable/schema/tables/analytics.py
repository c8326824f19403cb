"""Field tables of the analytics details: conversations and users' details.

Source: the models of the official Python SDK 269.0.0. One conversation serves the query and the job alike; the query
merely leaves the attributes of participants out.
"""

from resumable.schema.fields import ColumnKind, Fields, each

TEXT = ColumnKind.TEXT
INTEGER = ColumnKind.INTEGER
NUMBER = ColumnKind.NUMBER
FLAG = ColumnKind.FLAG
INSTANT = ColumnKind.INSTANT
TEXT_MAP = ColumnKind.TEXT_MAP

EVALUATION: Fields = {
    **each(
        TEXT,
        """
        assigneeId calibrationId contextId evaluationId evaluationStatus evaluatorId formId formName queueId userId
        """,
    ),
    **each(INTEGER, "oTotalCriticalScore oTotalScore"),
    **each(FLAG, "assigneeApplicable deleted released rescored systemSubmitted"),
    **each(INSTANT, "eventTime"),
}
AGENT_GROUP: Fields = {
    **each(TEXT, "agentGroupId agentGroupType"),
}
FLOW_OUTCOME: Fields = {
    **each(TEXT, "flowOutcome flowOutcomeId flowOutcomeValue"),
    **each(INSTANT, "flowOutcomeEndTimestamp flowOutcomeStartTimestamp"),
}
FLOW: Fields = {
    **each(
        TEXT,
        """
        endingLanguage entryReason entryType exitReason flowId flowName flowType flowVersion
        recognitionFailureReason startingLanguage transferTargetAddress transferTargetName transferType
        """,
    ),
    **each(FLAG, "issuedCallback"),
    "outcomes": [FLOW_OUTCOME],
}
MEDIA_ENDPOINT_STAT: Fields = {
    **each(
        INTEGER,
        """
        discardedPackets duplicatePackets invalidPackets maxLatencyMs overrunPackets receivedPackets underrunPackets
        """,
    ),
    **each(NUMBER, "minMos minRFactor"),
    **each(INSTANT, "eventTime"),
    **each([TEXT], "codecs"),
}
SESSION_METRIC: Fields = {
    **each(TEXT, "name"),
    **each(INTEGER, "value"),
    **each(INSTANT, "emitDate"),
}
PROPOSED_AGENT: Fields = {
    **each(TEXT, "proposedAgentId"),
    **each(INTEGER, "agentRank"),
}
PROPERTY: Fields = {
    **each(TEXT, "property propertyType value"),
}
SCORED_AGENT: Fields = {
    **each(TEXT, "scoredAgentId"),
    **each(INTEGER, "agentScore"),
}
CONVERSATION_SEGMENT: Fields = {
    **each(
        TEXT,
        """
        destinationConversationId destinationSessionId disconnectType errorCode groupId queueId requestedLanguageId
        segmentType sourceConversationId sourceSessionId subject wrapUpCode wrapUpNote
        """,
    ),
    **each(FLAG, "audioMuted conference videoMuted"),
    **each(INSTANT, "segmentEnd segmentStart"),
    **each([TEXT], "requestedRoutingSkillIds requestedRoutingUserIds wrapUpTags"),
    **each([INTEGER], "q850ResponseCodes sipResponseCodes"),
    "properties": [PROPERTY],
    "scoredAgents": [SCORED_AGENT],
}
SESSION: Fields = {
    **each(
        TEXT,
        """
        addressFrom addressOther addressSelf addressTo agentAssistantId ani assignerId bargedParticipantId
        callbackUserName coachedParticipantId cobrowseRole cobrowseRoomId deliveryStatus direction
        dispositionAnalyzer dispositionName dnis edgeId engagementSource errorCodeDescription extendedDeliveryStatus
        flowInType flowOutType journeyActionId journeyActionMapId journeyCustomerId journeyCustomerIdType
        journeyCustomerSessionId journeyCustomerSessionIdType mediaBridgeId mediaType messageType
        monitoredParticipantId outboundCampaignId outboundContactId outboundContactListId peerId protocolCallId
        provider remote remoteNameDisplayable roomId routingRule routingRuleType screenMonitoredUserId
        screenShareAddressSelf screenShareRoomId scriptId selectedAgentId sessionDnis sessionId skillExpressionId
        usedRouting videoAddressSelf videoRoomId
        """,
    ),
    **each(
        INTEGER,
        """
        agentBullseyeRing journeyActionMapVersion mediaCount routingRing selectedAgentRank timeoutSeconds
        """,
    ),
    **each(
        FLAG,
        """
        acwSkipped agentOwned authenticated cleared deliveryPushed recording sharingScreen skipEnabled
        snippetRecording
        """,
    ),
    **each(INSTANT, "callbackScheduledTime deliveryStatusChangeDate detectedSpeechEnd detectedSpeechStart"),
    **each([TEXT], "activeSkillIds bcc callbackNumbers cc destinationAddresses removedSkillIds requestedRoutings"),
    **each([INTEGER], "eligibleAgentCounts waitingInteractionCounts"),
    "agentGroups": [AGENT_GROUP],
    "flow": FLOW,
    "mediaEndpointStats": [MEDIA_ENDPOINT_STAT],
    "metrics": [SESSION_METRIC],
    "proposedAgents": [PROPOSED_AGENT],
    "segments": [CONVERSATION_SEGMENT],
}
PARTICIPANT: Fields = {
    **each(
        TEXT,
        """
        externalContactId externalOrganizationId flaggedReason participantId participantName purpose teamId userId
        """,
    ),
    **each(FLAG, "screenRecording"),
    **each(TEXT_MAP, "attributes"),
    "sessions": [SESSION],
}
RESOLUTION: Fields = {
    **each(TEXT, "queueId userId"),
    **each(INTEGER, "nNextContactAvoided"),
    **each(INSTANT, "eventTime"),
}
SURVEY: Fields = {
    **each(
        TEXT,
        """
        queueId surveyFormContextId surveyFormId surveyFormName surveyId surveyStatus surveyType userId
        """,
    ),
    **each(INTEGER, "oSurveyTotalScore surveyPromoterScore"),
    **each(FLAG, "surveyPartialResponse"),
    **each(INSTANT, "eventTime surveyCompletedDate"),
}
CONVERSATION: Fields = {
    "conversationId": TEXT,
    "conversationStart": INSTANT,
    "conversationEnd": INSTANT,
    **each(TEXT, "associatedConversationId conversationInitiator externalTag originatingDirection"),
    **each(NUMBER, "mediaStatsMinConversationMos mediaStatsMinConversationRFactor"),
    **each(FLAG, "customerParticipation originatingSocialMediaPublic selfServed"),
    **each(INSTANT, "conferenceStart inactivityTimeout"),
    **each([TEXT], "accessAttributes consultationConversationIds divisionIds knowledgeBaseIds"),
    "evaluations": [EVALUATION],
    "participants": [PARTICIPANT],
    "resolutions": [RESOLUTION],
    "surveys": [SURVEY],
}
USER_PRESENCE_RECORD: Fields = {
    **each(TEXT, "organizationPresenceId systemPresence"),
    **each(INSTANT, "endTime startTime"),
}
ROUTING_STATUS_RECORD: Fields = {
    **each(TEXT, "routingStatus"),
    **each(INSTANT, "endTime startTime"),
}
USER_DETAIL: Fields = {
    **each(TEXT, "userId"),
    "primaryPresence": [USER_PRESENCE_RECORD],
    "routingStatus": [ROUTING_STATUS_RECORD],
}
