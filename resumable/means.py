"""What a run works with: one client, one pacer and one token source, made from the settings and closed together."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from resumable.auth import Credentials, TokenForm, TokenSource
from resumable.client import Client
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets import Contract
from resumable.models import Journal
from resumable.pacer import Pace, Pacer
from resumable.redaction import Redactor
from resumable.transport import HttpTransport, Limits, Transport


@dataclass(frozen=True, kw_only=True)
class Means:
    """The means of one run."""

    client: Client
    pacer: Pacer
    tokens: TokenSource


@contextlib.contextmanager
def means_of(contract: Contract, settings: Settings, *, stop: Stop, journal: Journal) -> Iterator[Means]:
    """Make what a run of this contract works with. Raises UsageError or AuthenticationFailed for missing settings.

    Nothing is sent yet.
    """
    endpoints = settings.required_endpoints()
    client_id, client_secret = settings.required_client()
    redactor = Redactor()
    redactor.keep(client_secret, client_id=client_id)
    carry = settings.transport or _over_http(settings, stop, redactor)
    with contextlib.closing(carry(endpoints.api)) as api, contextlib.closing(carry(endpoints.login)) as login:
        tokens = TokenSource(
            login if contract.token_form is TokenForm.BASIC else api,
            Credentials(client_id=client_id, client_secret=client_secret),
            form=contract.token_form,
            stop=stop,
            journal=journal,
            redactor=redactor,
            policy=settings.policy,
        )
        pacer = Pacer(Pace(documented=contract.documented_rate, ceiling=settings.rate_per_minute), stop)
        client = Client(
            transport=api,
            tokens=tokens,
            pacer=pacer,
            stop=stop,
            journal=journal,
            redactor=redactor,
            policy=settings.policy,
        )
        yield Means(client=client, pacer=pacer, tokens=tokens)


def _over_http(settings: Settings, stop: Stop, redactor: Redactor) -> Callable[[str], Transport]:
    def carry(origin: str) -> Transport:
        return HttpTransport(
            origin,
            limits=Limits(),
            clock=stop.clock,
            redactor=redactor,
            proxy=settings.proxy,
            ca_bundle=settings.ca_bundle,
            pool_size=settings.workers,
        )

    return carry
