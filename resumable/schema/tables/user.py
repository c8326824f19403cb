"""Field table of a user of the entity list.

Source: the models of the official Python SDK 269.0.0. Where a user holds other users (the manager, the owners of a
group, who sits at a station), or conditions hold conditions, the field is kept as JSON text: the model has no end.
"""

from resumable.schema.fields import ColumnKind, Fields, each

TEXT = ColumnKind.TEXT
INTEGER = ColumnKind.INTEGER
NUMBER = ColumnKind.NUMBER
FLAG = ColumnKind.FLAG
INSTANT = ColumnKind.INSTANT
DATE = ColumnKind.DATE
TEXT_MAP = ColumnKind.TEXT_MAP
JSON = ColumnKind.JSON

CONTACT: Fields = {
    **each(TEXT, "address countryCode display extension integration mediaType type"),
}
RESOURCE_CONDITION_VALUE: Fields = {
    **each(TEXT, "type value"),
}
RESOURCE_CONDITION_NODE: Fields = {
    **each(TEXT, "conjunction operator variableName"),
    **each([JSON], "terms"),
    "operands": [RESOURCE_CONDITION_VALUE],
}
RESOURCE_PERMISSION_POLICY: Fields = {
    **each(TEXT, "actionSetKey domain entityName id policyDescription policyName resourceCondition"),
    **each(FLAG, "allowConditions"),
    **each([TEXT], "actionSet namedResources"),
    "resourceConditionNode": RESOURCE_CONDITION_NODE,
}
DOMAIN_ROLE: Fields = {
    **each(TEXT, "id name"),
}
USER_AUTHORIZATION: Fields = {
    **each([TEXT], "permissions"),
    "permissionPolicies": [RESOURCE_PERMISSION_POLICY],
    "roles": [DOMAIN_ROLE],
    "unusedRoles": [DOMAIN_ROLE],
}
EDUCATION: Fields = {
    **each(TEXT, "fieldOfStudy notes school"),
    **each(DATE, "dateEnd dateStart"),
}
BIOGRAPHY: Fields = {
    **each(TEXT, "biography spouse"),
    **each([TEXT], "hobbies interests"),
    "education": [EDUCATION],
}
CHAT: Fields = {
    **each(TEXT, "jabberId"),
}
MEDIA_SUMMARY_DETAIL: Fields = {
    **each(INTEGER, "active acw"),
}
MEDIA_SUMMARY: Fields = {
    "contactCenter": MEDIA_SUMMARY_DETAIL,
    "enterprise": MEDIA_SUMMARY_DETAIL,
}
USER_CONVERSATION_SUMMARY: Fields = {
    **each(TEXT, "userId"),
    "call": MEDIA_SUMMARY,
    "callback": MEDIA_SUMMARY,
    "chat": MEDIA_SUMMARY,
    "email": MEDIA_SUMMARY,
    "message": MEDIA_SUMMARY,
    "socialExpression": MEDIA_SUMMARY,
    "video": MEDIA_SUMMARY,
}
DIVISION: Fields = {
    **each(TEXT, "id name selfUri"),
}
EMPLOYER_INFO: Fields = {
    **each(TEXT, "dateHire employeeId employeeType officialName"),
}
LOCATION_ADDRESS: Fields = {
    **each(TEXT, "city country countryName state street1 street2 zipcode"),
}
LOCATION_ADDRESS_VERIFICATION_DETAILS: Fields = {
    **each(TEXT, "service status"),
    **each(INSTANT, "dateFinished dateStarted"),
}
ADDRESSABLE_ENTITY_REF: Fields = {
    **each(TEXT, "id selfUri"),
}
LOCATION_EMERGENCY_NUMBER: Fields = {
    **each(TEXT, "e164 number type"),
}
LOCATION_IMAGE: Fields = {
    **each(TEXT, "imageUri resolution"),
}
LOCATION_DEFINITION: Fields = {
    **each(TEXT, "id images name notes selfUri state"),
    **each(INTEGER, "version"),
    **each(FLAG, "addressStored addressVerified"),
    **each([TEXT], "path"),
    "address": LOCATION_ADDRESS,
    "addressVerificationDetails": LOCATION_ADDRESS_VERIFICATION_DETAILS,
    "contactUser": ADDRESSABLE_ENTITY_REF,
    "emergencyNumber": LOCATION_EMERGENCY_NUMBER,
    "floorplanImage": [LOCATION_IMAGE],
    "profileImage": [LOCATION_IMAGE],
}
GEOLOCATION: Fields = {
    **each(TEXT, "city country id name region selfUri type"),
    **each(NUMBER, "latitude longitude"),
    **each(FLAG, "primary"),
    "locations": [LOCATION_DEFINITION],
}
GROUP_CONTACT: Fields = {
    **each(TEXT, "address display extension mediaType type"),
}
IMAGE: Fields = {
    **each(TEXT, "imageUri resolution"),
}
GROUP: Fields = {
    **each(TEXT, "description email id name selfUri state type visibility"),
    **each(INTEGER, "memberCount version"),
    **each(FLAG, "callsEnabled includeOwners rolesEnabled rulesVisible"),
    **each(INSTANT, "dateModified"),
    **each([JSON], "owners"),
    "addresses": [GROUP_CONTACT],
    "images": [IMAGE],
}
PRESENCE_DEFINITION: Fields = {
    **each(TEXT, "id selfUri systemPresence"),
}
USER_PRESENCE: Fields = {
    **each(TEXT, "id message name selfUri source sourceId"),
    **each(FLAG, "primary"),
    **each(INSTANT, "modifiedDate"),
    "futurePresenceDefinition": PRESENCE_DEFINITION,
    "presenceDefinition": PRESENCE_DEFINITION,
}
USER_ROUTING_LANGUAGE: Fields = {
    **each(TEXT, "id languageUri name selfUri state"),
    **each(NUMBER, "proficiency"),
}
OAUTH_LAST_TOKEN_ISSUED: Fields = {
    **each(INSTANT, "dateIssued"),
}
LOCATION: Fields = {
    **each(TEXT, "floorplanId id notes"),
    **each(JSON, "coordinates"),
    "locationDefinition": LOCATION_DEFINITION,
}
OUT_OF_OFFICE: Fields = {
    **each(TEXT, "id name selfUri"),
    **each(FLAG, "active indefinite"),
    **each(INSTANT, "endDate startDate"),
    **each(JSON, "user"),
}
ROUTING_STATUS: Fields = {
    **each(TEXT, "status userId"),
    **each(INSTANT, "startTime"),
}
USER_ROUTING_SKILL: Fields = {
    **each(TEXT, "id name selfUri skillUri state"),
    **each(NUMBER, "proficiency"),
}
USER_STATION: Fields = {
    **each(TEXT, "id name type"),
    **each(INTEGER, "webRtcCallAppearances"),
    **each(INSTANT, "associatedDate"),
    **each(TEXT_MAP, "providerInfo"),
    **each(JSON, "associatedUser defaultUser"),
}
USER_STATIONS: Fields = {
    "associatedStation": USER_STATION,
    "defaultStation": USER_STATION,
    "effectiveStation": USER_STATION,
    "lastAssociatedStation": USER_STATION,
}
TEAM: Fields = {
    **each(TEXT, "description id name selfUri"),
    **each(INTEGER, "memberCount"),
    **each(INSTANT, "dateCreated dateModified"),
    "division": DIVISION,
}
WORK_PLAN_BID_RANKS: Fields = {
    **each(TEXT, "biddingTieBreaker id selfUri"),
    **each(INTEGER, "workPlanBiddingPerformance"),
}
USER: Fields = {
    "id": TEXT,
    **each(TEXT, "department email languagePreference name preferredName selfUri state title username"),
    **each(INTEGER, "version"),
    **each(FLAG, "acdAutoAnswer"),
    **each(INSTANT, "dateLastLogin dateWelcomeSent"),
    **each(JSON, "manager"),
    **each([TEXT], "certifications profileSkills"),
    "addresses": [CONTACT],
    "authorization": USER_AUTHORIZATION,
    "biography": BIOGRAPHY,
    "chat": CHAT,
    "conversationSummary": USER_CONVERSATION_SUMMARY,
    "division": DIVISION,
    "employerInfo": EMPLOYER_INFO,
    "geolocation": GEOLOCATION,
    "groups": [GROUP],
    "images": [IMAGE],
    "integrationPresence": USER_PRESENCE,
    "languages": [USER_ROUTING_LANGUAGE],
    "lastTokenIssued": OAUTH_LAST_TOKEN_ISSUED,
    "locations": [LOCATION],
    "outOfOffice": OUT_OF_OFFICE,
    "presence": USER_PRESENCE,
    "primaryContactInfo": [CONTACT],
    "routingStatus": ROUTING_STATUS,
    "skills": [USER_ROUTING_SKILL],
    "station": USER_STATIONS,
    "team": TEAM,
    "workPlanBidRanks": WORK_PLAN_BID_RANKS,
}
