"""Opens a client: one token source, one pacer and one transport, made from the settings and closed together."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING

from resumable.api.client import Client
from resumable.api.concurrency import Concurrency
from resumable.api.in_hand import BytesInHand
from resumable.api.journal import Journal
from resumable.api.outage import LIGHT, OutageGate
from resumable.api.pace import Pace, Pacer
from resumable.api.pace_shared import LocalSlots, SharedSlots
from resumable.api.tokens import Credentials, GivenTokens, Tokens, TokenSource
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets.contract import Contract
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import AuthenticationFailed, StorageFailed
from resumable.models import Query
from resumable.redaction import Redactor, Secret
from resumable.schema.privacy import PrivacyRules
from resumable.storage.durable import make_folder
from resumable.transport.exchange import Limits
from resumable.transport.http import HttpTransport, Transport

if TYPE_CHECKING:
    from resumable.schema.private_tables import PrivateTables


@contextmanager
def open_session(
    contract: Contract, settings: Settings, *, stop: Stop, journal: Journal, query: Query | None = None
) -> Iterator[Client]:
    """Open a client for a run of this contract; nothing is sent yet. Raises UsageError or AuthenticationFailed."""
    endpoints = settings.required_endpoints()
    redactor = _redactor(query, settings)
    carry = settings.transport or _over_http(settings, stop, redactor)
    with ExitStack() as stack:
        api = stack.enter_context(closing(carry(endpoints.api)))
        form = contract.token_form
        if isinstance(form, GivenToken):
            value, who = _given_value(form, settings), form.variable or ""
            redactor.keep(value)
            tokens: Tokens = GivenTokens(form, value, stop)
        else:
            login = stack.enter_context(closing(carry(endpoints.login))) if form is TokenForm.BASIC else api
            tokens, who = _token_source(login, settings, form, stop=stop, journal=journal, redactor=redactor)
        pacer = stack.enter_context(_pacer(contract, settings, stop, who))
        sized = stack.enter_context(closing(_concurrency(settings, stop)))
        yield Client(
            transport=api,
            tokens=tokens,
            pacer=pacer,
            concurrency=sized,
            in_hand=BytesInHand(stop),
            stop=stop,
            journal=journal,
            redactor=redactor,
            policy=settings.policy,
            gate=_gate(settings, stop, journal),
            light=LIGHT,
        )


def _token_source(
    login: Transport, settings: Settings, form: TokenForm, *, stop: Stop, journal: Journal, redactor: Redactor
) -> tuple[TokenSource, str]:
    """Return what asks for tokens, and the id of the client that it asks as."""
    who, client_secret = settings.required_client()
    redactor.keep(client_secret, client_id=who)
    source = TokenSource(
        login,
        Credentials(client_id=who, client_secret=client_secret),
        form=form,
        stop=stop,
        journal=journal,
        redactor=redactor,
        policy=settings.policy,
        gate=_gate(settings, stop, journal),
    )
    return source, who


def _redactor(query: Query | None, settings: Settings) -> Redactor:
    """Return a redactor past which nothing gets that the query says is private."""
    redactor = Redactor()
    if query is not None and query.privacy is not None:
        redactor.private = private_tables(query.privacy, settings)
    return redactor


def private_tables(rules: str, settings: Settings) -> "PrivateTables":
    """Return what makes tables private by the rules of a query. Raises UsageError where hashes have not their key."""
    from resumable.schema.private_tables import PrivateTables  # which needs pyarrow

    known = PrivacyRules.from_json(rules)
    return PrivateTables(known, str if known.key is None else settings.required_hash(known.key))


def check_settings(contract: Contract, settings: Settings) -> None:
    """Raise UsageError or AuthenticationFailed where what a run of this contract needs is not set."""
    settings.required_endpoints()
    if isinstance(contract.token_form, GivenToken):
        _given_value(contract.token_form, settings)
    else:
        settings.required_client()


def _concurrency(settings: Settings, stop: Stop) -> Concurrency:
    return Concurrency(stop.clock, usual=settings.workers, most=settings.workers_most)


def _gate(settings: Settings, stop: Stop, journal: Journal) -> OutageGate:
    """Return a gate of one origin: the login service may be out while the API is not."""
    pace = settings.policy.first_wait_seconds
    return OutageGate(stop, journal, patience=settings.patience, pace=pace, tell=settings.tell)


def _given_value(given: GivenToken, settings: Settings) -> Secret:
    if given.variable is None:
        return Secret("")
    value = settings.secrets(given.variable)
    if not re.fullmatch(r"[\x21-\x7e]{1,8192}", value.reveal()):
        raise AuthenticationFailed(
            f"{given.variable} is not set to a token.",
            hint="The description of the endpoint names this environment variable. Nothing was asked for yet.",
        )
    return value


@contextmanager
def _pacer(contract: Contract, settings: Settings, stop: Stop, who: str) -> Iterator[Pacer]:
    """Share the pace with every process that asks the same origin as the same client, from the same state folder."""
    with ExitStack() as stack:
        slots = LocalSlots()
        if settings.transport is None:
            key = f"{settings.required_endpoints().api}\n{who}"
            folder = settings.files.pace
            with suppress(StorageFailed):
                make_folder(folder, within=folder.parent, public=True)
            path = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
            slots = stack.enter_context(closing(SharedSlots(path, stop.clock.monotonic)))
        pace = Pace(
            documented=contract.documented_rate,
            ceiling=settings.rate_per_minute,
            share=settings.rate_share,
            slots=slots,
        )
        yield Pacer(pace, stop, most=settings.max_requests)


def _over_http(settings: Settings, stop: Stop, redactor: Redactor) -> Callable[[str], Transport]:
    def carry(origin: str) -> Transport:
        return HttpTransport(
            origin,
            limits=Limits(),
            clock=stop.clock,
            stop=stop,
            redactor=redactor,
            proxy=settings.proxy,
            ca_bundle=settings.ca_bundle,
            pool_size=settings.workers_most or settings.workers,
        )

    return carry
