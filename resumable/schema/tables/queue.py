"""Field tables of queues and of wrap-up codes, from their entity lists.

Source: the models of the official Python SDK 269.0.0. Fields with free names (scripts, settings by message type) and an
e-mail address inside the route of an e-mail address are kept as JSON text.
"""

from resumable.schema.fields import ColumnKind, Fields, each

TEXT = ColumnKind.TEXT
INTEGER = ColumnKind.INTEGER
NUMBER = ColumnKind.NUMBER
FLAG = ColumnKind.FLAG
INSTANT = ColumnKind.INSTANT
JSON = ColumnKind.JSON

DIVISION: Fields = {
    **each(TEXT, "id name selfUri"),
}
ACW_SETTINGS: Fields = {
    **each(TEXT, "wrapupPrompt"),
    **each(INTEGER, "timeoutMs"),
}
AGENT_OWNED_ROUTING: Fields = {
    **each(INTEGER, "maxOwnedCallbackDelayHours maxOwnedCallbackHours"),
    **each(FLAG, "enableAgentOwnedCallbacks"),
}
SKILLS_TO_REMOVE: Fields = {
    **each(TEXT, "id name selfUri"),
}
ACTIONS: Fields = {
    "skillsToRemove": [SKILLS_TO_REMOVE],
}
EXPANSION_CRITERIUM: Fields = {
    **each(TEXT, "type"),
    **each(NUMBER, "threshold"),
}
MEMBER_GROUP: Fields = {
    **each(TEXT, "id name selfUri type"),
    **each(INTEGER, "memberCount"),
    "division": DIVISION,
}
RING: Fields = {
    "actions": ACTIONS,
    "expansionCriteria": [EXPANSION_CRITERIUM],
    "memberGroups": [MEMBER_GROUP],
}
BULLSEYE: Fields = {
    "rings": [RING],
}
CANNED_RESPONSE_LIBRARIES: Fields = {
    **each(TEXT, "mode"),
    **each([TEXT], "libraryIds"),
}
DOMAIN_ENTITY_REF: Fields = {
    **each(TEXT, "id name selfUri"),
}
CONDITIONAL_GROUP_ACTIVATION_SIMPLE_METRIC: Fields = {
    **each(TEXT, "metric"),
    "queue": DOMAIN_ENTITY_REF,
}
CONDITIONAL_GROUP_ACTIVATION_CONDITION: Fields = {
    **each(TEXT, "operator"),
    **each(NUMBER, "value"),
    "simpleMetric": CONDITIONAL_GROUP_ACTIVATION_SIMPLE_METRIC,
}
CONDITIONAL_GROUP_ACTIVATION_PILOT_RULE: Fields = {
    **each(TEXT, "conditionExpression"),
    "conditions": [CONDITIONAL_GROUP_ACTIVATION_CONDITION],
}
CONDITIONAL_GROUP_ACTIVATION_RULE: Fields = {
    **each(TEXT, "conditionExpression"),
    "conditions": [CONDITIONAL_GROUP_ACTIVATION_CONDITION],
    "groups": [MEMBER_GROUP],
}
CONDITIONAL_GROUP_ACTIVATION: Fields = {
    "pilotRule": CONDITIONAL_GROUP_ACTIVATION_PILOT_RULE,
    "rules": [CONDITIONAL_GROUP_ACTIVATION_RULE],
}
CONDITIONAL_GROUP_ROUTING_RULE: Fields = {
    **each(TEXT, "metric operator"),
    **each(INTEGER, "waitSeconds"),
    **each(NUMBER, "conditionValue"),
    "groups": [MEMBER_GROUP],
    "queue": DOMAIN_ENTITY_REF,
}
CONDITIONAL_GROUP_ROUTING: Fields = {
    "rules": [CONDITIONAL_GROUP_ROUTING_RULE],
}
DIRECT_ROUTING_MEDIA_SETTINGS: Fields = {
    **each(FLAG, "useAgentAddressOutbound"),
}
DIRECT_ROUTING: Fields = {
    **each(TEXT, "backupQueueId"),
    **each(INTEGER, "agentWaitSeconds"),
    **each(FLAG, "waitForAgent"),
    "callMediaSettings": DIRECT_ROUTING_MEDIA_SETTINGS,
    "emailMediaSettings": DIRECT_ROUTING_MEDIA_SETTINGS,
    "messageMediaSettings": DIRECT_ROUTING_MEDIA_SETTINGS,
}
SERVICE_LEVEL: Fields = {
    **each(INTEGER, "durationMs"),
    **each(NUMBER, "percentage"),
}
MEDIA_SETTINGS: Fields = {
    **each(INTEGER, "alertingTimeoutSeconds"),
    **each(NUMBER, "autoAnswerAlertToneSeconds manualAnswerAlertToneSeconds"),
    **each(FLAG, "enableAutoAnswer"),
    "serviceLevel": SERVICE_LEVEL,
}
CALLBACK_MEDIA_SETTINGS: Fields = {
    **each(TEXT, "answeringMachineReactionType liveVoiceReactionType mode"),
    **each(
        INTEGER,
        """
        alertingTimeoutSeconds autoDialDelaySeconds autoEndDelaySeconds maxRetryCount retryDelaySeconds
        """,
    ),
    **each(NUMBER, "autoAnswerAlertToneSeconds manualAnswerAlertToneSeconds pacingModifier"),
    **each(FLAG, "enableAutoAnswer enableAutoDialAndEnd"),
    "answeringMachineFlow": DOMAIN_ENTITY_REF,
    "edgeGroup": DOMAIN_ENTITY_REF,
    "liveVoiceFlow": DOMAIN_ENTITY_REF,
    "serviceLevel": SERVICE_LEVEL,
    "site": DOMAIN_ENTITY_REF,
}
EMAIL_ADDRESS: Fields = {
    **each(TEXT, "email name"),
}
SIGNATURE: Fields = {
    **each(TEXT, "cannedResponseId inclusionType"),
    **each(FLAG, "alwaysIncluded enabled"),
}
INBOUND_ROUTE: Fields = {
    **each(TEXT, "fromEmail fromName historyInclusion id name pattern selfUri status"),
    **each(INTEGER, "priority"),
    **each(FLAG, "allowMultipleActions"),
    **each(JSON, "replyEmailAddress"),
    **each([TEXT], "mailboxFolders"),
    "autoBcc": [EMAIL_ADDRESS],
    "flow": DOMAIN_ENTITY_REF,
    "language": DOMAIN_ENTITY_REF,
    "queue": DOMAIN_ENTITY_REF,
    "signature": SIGNATURE,
    "skills": [DOMAIN_ENTITY_REF],
    "spamFlow": DOMAIN_ENTITY_REF,
}
QUEUE_EMAIL_ADDRESS: Fields = {
    "domain": DOMAIN_ENTITY_REF,
    "route": INBOUND_ROUTE,
}
EMAIL_MEDIA_SETTINGS: Fields = {
    **each(INTEGER, "alertingTimeoutSeconds"),
    **each(NUMBER, "autoAnswerAlertToneSeconds manualAnswerAlertToneSeconds"),
    **each(FLAG, "enableAutoAnswer"),
    "allOutboundEmailAddresses": [QUEUE_EMAIL_ADDRESS],
    "serviceLevel": SERVICE_LEVEL,
}
INACTIVITY_TIMEOUT_SETTINGS: Fields = {
    **each(TEXT, "actionType"),
    **each(INTEGER, "timeoutSeconds"),
    "flowId": DOMAIN_ENTITY_REF,
}
MESSAGE_MEDIA_SETTINGS: Fields = {
    **each(INTEGER, "alertingTimeoutSeconds"),
    **each(NUMBER, "autoAnswerAlertToneSeconds manualAnswerAlertToneSeconds"),
    **each(FLAG, "enableAutoAnswer enableInactivityTimeout"),
    **each(JSON, "subTypeSettings"),
    "inactivityTimeoutSettings": INACTIVITY_TIMEOUT_SETTINGS,
    "serviceLevel": SERVICE_LEVEL,
}
QUEUE_MEDIA_SETTINGS: Fields = {
    "call": MEDIA_SETTINGS,
    "callback": CALLBACK_MEDIA_SETTINGS,
    "chat": MEDIA_SETTINGS,
    "email": EMAIL_MEDIA_SETTINGS,
    "message": MESSAGE_MEDIA_SETTINGS,
}
QUEUE_MESSAGING_ADDRESSES: Fields = {
    "openMessagingRecipient": DOMAIN_ENTITY_REF,
    "smsAddress": DOMAIN_ENTITY_REF,
    "whatsAppRecipient": DOMAIN_ENTITY_REF,
}
ROUTING_RULE: Fields = {
    **each(TEXT, "operator"),
    **each(INTEGER, "threshold"),
    **each(NUMBER, "waitSeconds"),
}
QUEUE: Fields = {
    "id": TEXT,
    **each(
        TEXT,
        """
        callingPartyName callingPartyNumber createdBy defaultMediaLanguage description lastAgentRoutingMode
        modifiedBy name peerId scoringMethod selfUri skillEvaluationMethod
        """,
    ),
    **each(INTEGER, "joinedMemberCount memberCount userMemberCount"),
    **each(
        FLAG,
        """
        autoAnswerOnly enableAudioMonitoring enableManualAssignment enableTranscription suppressInQueueCallRecording
        """,
    ),
    **each(INSTANT, "dateCreated dateModified"),
    **each(JSON, "defaultScripts"),
    "acwSettings": ACW_SETTINGS,
    "agentOwnedRouting": AGENT_OWNED_ROUTING,
    "bullseye": BULLSEYE,
    "cannedResponseLibraries": CANNED_RESPONSE_LIBRARIES,
    "conditionalGroupActivation": CONDITIONAL_GROUP_ACTIVATION,
    "conditionalGroupRouting": CONDITIONAL_GROUP_ROUTING,
    "directRouting": DIRECT_ROUTING,
    "division": DIVISION,
    "emailInQueueFlow": DOMAIN_ENTITY_REF,
    "mediaSettings": QUEUE_MEDIA_SETTINGS,
    "memberGroups": [MEMBER_GROUP],
    "messageInQueueFlow": DOMAIN_ENTITY_REF,
    "onHoldPrompt": DOMAIN_ENTITY_REF,
    "outboundEmailAddress": QUEUE_EMAIL_ADDRESS,
    "outboundMessagingAddresses": QUEUE_MESSAGING_ADDRESSES,
    "queueFlow": DOMAIN_ENTITY_REF,
    "routingRules": [ROUTING_RULE],
    "whisperPrompt": DOMAIN_ENTITY_REF,
}
WRAPUP_CODE: Fields = {
    "id": TEXT,
    **each(TEXT, "createdBy description modifiedBy name selfUri"),
    **each(INSTANT, "dateCreated dateModified"),
    "division": DIVISION,
}
