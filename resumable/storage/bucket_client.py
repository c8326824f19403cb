"""How a bucket is reached: which variables count, which are secrets, and that nothing of it goes unencrypted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from resumable.errors import UsageError
from resumable.redaction import MASK

PATIENCE_SECONDS: Final = 60.0
"""How long a request is repeated while the store does not answer: long enough for a connection that was lost."""

_ENDPOINTS: Final = (
    "AWS_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AZURE_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "GOOGLE_BASE_URL",
    "GOOGLE_STORAGE_ENDPOINT",
)
"""Variables that name another place than the provider's own."""

VARIABLES: Final = {"s3": "AWS_", "az": "AZURE_", "gs": "GOOGLE_"}


@dataclass(frozen=True, kw_only=True)
class BucketClient:
    """How a bucket is spoken to."""

    environment: Mapping[str, str] = field(repr=False)
    """Where credentials, endpoint and region are found, as the provider's own tools find them."""
    patience_seconds: float = PATIENCE_SECONDS
    ca_bundle: str | None = None
    proxy: str | None = None

    def with_patience(self, patience_seconds: float) -> "BucketClient":
        """Return the same with another patience."""
        return replace(self, patience_seconds=patience_seconds)


def options_of(client: BucketClient) -> dict[str, Any]:
    """Return how requests are sent. Raises UsageError for an endpoint that would not be encrypted."""
    seconds = timedelta(seconds=max(1.0, client.patience_seconds / 3))
    options: dict[str, Any] = {
        "allow_http": False,
        "allow_invalid_certificates": False,  # whatever a variable says
        "timeout": seconds,
        "connect_timeout": min(seconds, timedelta(seconds=5)),
    }
    for name in _ENDPOINTS:
        at = urlsplit(client.environment.get(name, ""))
        if at.scheme == "http":
            if at.hostname not in ("127.0.0.1", "::1", "localhost"):
                raise UsageError(
                    f"{name} leads to {at.hostname} over plain http, which is for loopback only.",
                    hint="Name an address that begins with https://.",
                )
            options["allow_http"] = True
    if client.environment.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in ("1", "true"):
        options["allow_http"] = True  # it is on loopback by definition
    if client.proxy:
        options["proxy_url"] = client.proxy
    if client.ca_bundle:
        try:
            with open(client.ca_bundle, "rb") as file:
                options["root_certificate"] = file.read()
        except OSError as failure:
            raise UsageError(
                f"RESUMABLE_CA_BUNDLE cannot be read: {failure.strerror}.",
                hint="Name a file of certificates that can be, or unset it.",
            ) from None
    return options


_UNDERSTOOD: Final = {
    "s3": r"(access_key_id|secret_access_key|session_token|region|default_region|endpoint|endpoint_url|skip_signature"
    r"|virtual_hosted_style_request|server_side_encryption|sse_kms_key_id|sse_bucket_key_enabled|s3_express"
    r"|web_identity_token_file|role_arn|role_session_name|container_credentials_relative_uri|request_payer"
    r"|container_credentials_full_uri|container_authorization_token_file)",
    "az": r"((storage_)?(account_name|account_key|client_id|client_secret|tenant_id|sas_key|sas_token|token|endpoint)"
    r"|storage_use_emulator|federated_token_file|authority_host|use_azure_cli)",
    "gs": r"(service_account|service_account_path|service_account_key|application_credentials)",
}
"""The variables that say how a store is reached, without the provider's name before them."""


def config_of(scheme: str, environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - obstore's own dictionaries
    """Return what variables say, by obstore's names for them."""
    before = VARIABLES[scheme]
    found = {
        name.lower(): value
        for name, value in environment.items()
        if name.startswith(before) and value and re.fullmatch(_UNDERSTOOD[scheme], name.removeprefix(before).lower())
    }
    if scheme == "s3" and (url := environment.get("AWS_ENDPOINT_URL_S3")):
        found["aws_endpoint_url"] = url
    return found


def secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of the variables by which a bucket is reached that open it to whoever has them."""
    for name, value in environment.items():
        if name.startswith(tuple(VARIABLES.values())) and value and value != MASK and _secret(name):
            yield value


def _secret(name: str) -> bool:
    open_to_all = ("FILE", "PATH", "URI", "ID", "NAME")
    return any(word in name for word in ("KEY", "SECRET", "TOKEN", "SAS", "SERVICE_ACCOUNT")) and not name.endswith(
        open_to_all
    )
