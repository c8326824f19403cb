"""Which fields of which records say who a person is, or were written by one: what `--preset pii` leaves out."""

from collections.abc import Mapping
from typing import Final

_SESSION = """
    addressFrom addressOther addressSelf addressTo ani bcc callbackNumbers callbackUserName cc destinationAddresses dnis
    journeyCustomerId remote remoteNameDisplayable screenShareAddressSelf sessionDnis videoAddressSelf
    flow.entryReason flow.transferTargetAddress flow.transferTargetName flow.outcomes.flowOutcomeValue
    segments.subject segments.wrapUpNote segments.wrapUpTags segments.properties
"""

_USER = """
    addresses biography certifications chat department email employerInfo geolocation images locations name outOfOffice
    preferredName primaryContactInfo profileSkills station title username
"""

PII: Final[Mapping[str, tuple[str, ...]]] = {
    "conversation": (
        "externalTag",
        "participants.participantName",
        "participants.attributes",
        *(f"participants.sessions.{name}" for name in _SESSION.split()),
    ),
    "user": (*_USER.split(),),
    "user-detail": (),
    "queue": (),
    "wrapup-code": (),
}
"""By the name of the schema; attributes, properties and notes may hold anything, and are left out whole."""
