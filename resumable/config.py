"""Settings: where the API is, who asks, how hard, where the state lives. Read from an environment that is handed in."""

import functools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resumable.clock import Clock
from resumable.errors import AuthenticationFailed, UsageError
from resumable.redaction import KeyedHash, Secret
from resumable.storage.address import Address, address_of
from resumable.storage.bucket_client import PATIENCE_SECONDS, BucketClient
from resumable.storage.bucket_state import LIFE_SECONDS, BucketState
from resumable.storage.job_files import MANIFEST, StateFiles, StoreOf
from resumable.storage.targets import path_of
from resumable.transport.address import origin_of

if TYPE_CHECKING:
    from resumable.storage.bucket import BucketStore
    from resumable.transport.http import Transport

REGIONS = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
}
"""Region and domain: the API host is `api.` + domain, the login host `login.` + domain."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How stubborn to be; waits are in seconds."""

    attempts: int = 6
    """Times one page is sent before it is quarantined; 429s and expired tokens do not count."""
    budget_seconds: float = 900.0
    """Time one page may take, retries and all."""
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    wait_cap_seconds: float = 180.0
    """The longest wait that a server may ask for before the run is checkpointed and ended instead."""


PATIENCE = timedelta(minutes=30)
"""Nearly all outages of the API are over by then; who waits longer says so."""

OPEN_FOR = timedelta(days=60)
"""In public recordings callbacks stay open for 59 days."""

MIN_FREE = 64 * 2**20
"""Some hundred pages: room enough to end a run in good order."""

MOST_WORKERS = 32
"""Workers where nobody said how many: enough for 300 requests a minute that take five seconds each."""

LEASE_LEAST, LEASE_MOST = 3, 3600
"""Seconds that the lease of a job in a bucket may live: a renewal takes several requests."""

_SECONDS = re.compile(r"(\d{1,5})s?")
_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The two origins that may see a credential. Raises UsageError for one that must not: plain http, for example."""

    api: str
    login: str

    def __post_init__(self) -> None:
        """Refuse them before anything is made of them."""
        origin_of(self.api)
        origin_of(self.login)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that is not part of what a job is; two runs of one job may differ in all of it."""

    endpoints: Endpoints | None = None
    client_id: str = ""
    client_secret: Secret = field(default_factory=lambda: Secret(""))
    state: Path | Address = Path("state")
    """A folder, or a prefix in a bucket."""
    bucket: BucketClient = field(default_factory=lambda: BucketClient(environment=os.environ))
    """How a bucket is reached."""
    lease: timedelta = timedelta(seconds=LIFE_SECONDS)
    """The life of the lease by which a job in a bucket is held."""
    clock: Clock | None = None
    """Of the lease, in place of the machine's."""
    store: StoreOf | None = None
    """Makes what a job's parts, receipt and aside/ lie in, by the job's name, in place of its folder."""
    workers: int = 8
    """Requests in flight at once."""
    workers_most: int | None = None
    """So many where the rate allowed needs more at the latency seen; None: never more than `workers`."""
    min_free: int = MIN_FREE
    """Bytes that the disk must have free for a run to start, besides what is known to come; 0: do not look."""
    group_readable: bool = False
    """Whether the folder of a job that is made can be read by the group too, and not by its owner alone."""
    rate_per_minute: float | None = None
    """Requests a minute at most; None: what the server allows."""
    rate_share: float = 1.0
    """The share of what the server allows that may be used, so that others with the same client keep working."""
    patience: timedelta = PATIENCE
    """How long an outage of the source is waited for before a run ends."""
    open_for: timedelta = OPEN_FOR
    """So long after its end a look-back reaches a window with records that have not ended."""
    count: bool = True
    """Ask the source for an independent count of each window whose answers name none."""
    max_requests: int | None = None
    """Requests of one run, after which it ends in good order; None: as many as it takes."""
    interval_max: timedelta | None = None
    """The longest window of one request, in place of the contract's own limit, which has changed before."""
    deep_limit: int | None = None
    """The records of one window that can be paged through, in place of the contract's own limit."""
    policy: Policy = field(default_factory=Policy)
    transport: "Callable[[str], Transport] | None" = None
    """Makes what carries requests to an origin, in place of HTTP: a script in tests."""
    same_organisation: bool = False
    """The user says that a new client, or a new address, is of the organisation that the job knows."""
    fail_on_drift: bool = False
    """End the run at the first value that the schema has no place for, in place of keeping it in `_unmapped`."""
    tell: Callable[[str], None] = field(default=lambda _text: None, repr=False)
    """Tells people, in a sentence, why nothing goes on."""
    secrets: Callable[[str], Secret] = field(default=lambda _name: Secret(""), repr=False)
    """Reads an environment variable that a described endpoint names for its token; empty where it is not set."""
    hash_key: Callable[[], Secret] = field(default=lambda: Secret(""), repr=False)
    """Reads the key of the hashes of private jobs; empty where there is none."""
    proxy: str | None = None
    ca_bundle: str | None = None

    @functools.cached_property
    def files(self) -> StateFiles:
        """Where the things of jobs lie."""
        if isinstance(self.state, Path):
            return StateFiles(folder=self.state, store_of=self.store)
        bucket = BucketState(
            self.state,
            MANIFEST,
            self.store_at,
            life_seconds=self.lease.total_seconds(),
            clock=self.clock,
            tell=self.tell,
        )
        return StateFiles.in_bucket(bucket)

    def store_at(self, address: Address, patience_seconds: float = PATIENCE_SECONDS) -> "BucketStore":
        """Return the store at an address, which is not asked for anything yet. Raises UsageError."""
        from resumable.storage.bucket import BucketStore  # brings what a folder does without

        return BucketStore(address, self.bucket.with_patience(patience_seconds))

    def required_endpoints(self) -> Endpoints:
        """Return the origins, or raise UsageError saying how to name them."""
        if self.endpoints is None:
            raise UsageError(
                "no Genesys Cloud region is set.",
                hint="Set GENESYS_REGION to a region such as eu-central-1, or try:",
                command="resumable demo",
            )
        return self.endpoints

    def required_hash(self, known: str | None = None) -> KeyedHash:
        """Return what makes keyed hashes, of the key that a job knows by its id, or raise UsageError."""
        where = "Say where it is with --hash-key, or set RESUMABLE_HASH_KEY or RESUMABLE_HASH_KEY_FILE."
        key = self.hash_key()
        if not key:
            raise UsageError("hashes need a key: jobs of one key have the same hashes.", hint=where)
        try:
            hashed = KeyedHash(key)
        except ValueError:
            raise UsageError(f"the key of hashes has fewer than {KeyedHash.LEAST} characters.", hint=where) from None
        if known is not None and hashed.id != known:
            raise UsageError("the key of the hashes is not the one that the job was begun with.", hint=where)
        return hashed

    def required_client(self) -> tuple[str, Secret]:
        """Return client id and secret, or raise AuthenticationFailed saying where they go."""
        missing = [
            name
            for name, value in (("GENESYS_CLIENT_ID", self.client_id), ("GENESYS_CLIENT_SECRET", self.client_secret))
            if not value
        ]
        if missing:
            raise AuthenticationFailed(
                f"no client credentials: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
                hint="Set them to an OAuth client with the grant 'client credentials'. Nothing was asked for yet.",
            )
        return self.client_id, self.client_secret


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the GENESYS_ and RESUMABLE_ variables. Raises UsageError naming the one that is wrong."""
    given = _whole(environment, "RESUMABLE_WORKERS", most=256)
    return Settings(
        endpoints=_endpoints(environment),
        client_id=_text(environment, "GENESYS_CLIENT_ID"),
        client_secret=Secret(_text(environment, "GENESYS_CLIENT_SECRET")),
        state=state_of(environment.get("RESUMABLE_STATE") or "state"),
        bucket=_bucket(environment),
        lease=_lease(environment.get("RESUMABLE_LEASE", "")),
        workers=given or 8,
        workers_most=None if given else MOST_WORKERS,
        min_free=MIN_FREE
        if (least := _whole(environment, "RESUMABLE_MIN_FREE", least=0, most=10**15)) is None
        else least,
        interval_max=timedelta(days=days)
        if (days := _whole(environment, "RESUMABLE_INTERVAL_DAYS", most=366))
        else None,
        deep_limit=_whole(environment, "RESUMABLE_DEEP_LIMIT", most=10**9),
        hash_key=lambda: hash_key(environment),
        secrets=lambda name: Secret(environment.get(name, "").strip()),
        group_readable=bool(_whole(environment, "RESUMABLE_GROUP_READABLE", least=0, most=1)),
        proxy=environment.get("RESUMABLE_PROXY") or None,
        ca_bundle=environment.get("RESUMABLE_CA_BUNDLE") or None,
    )


def to_look(environment: Mapping[str, str], state: Path | Address) -> Settings:
    """Return settings by which jobs are looked at, and no more: nothing is asked of an API. Raises UsageError."""
    lease = _lease(environment.get("RESUMABLE_LEASE", ""))
    return Settings(state=state, bucket=_bucket(environment), lease=lease)


def _bucket(environment: Mapping[str, str]) -> BucketClient:
    return BucketClient(
        environment=environment,
        proxy=environment.get("RESUMABLE_PROXY") or None,
        ca_bundle=environment.get("RESUMABLE_CA_BUNDLE") or None,
    )


def state_of(text: str) -> Path | Address:
    """Return what a text names for a state: a folder, or a prefix in a bucket. Raises UsageError."""
    return address_of(text, "the state") or path_of(text, "the state folder")


def _lease(text: str) -> timedelta:
    """Read RESUMABLE_LEASE: seconds, such as 60s. Raises UsageError."""
    found = _SECONDS.fullmatch(text.strip() or f"{LIFE_SECONDS:g}s")
    if found is None or not LEASE_LEAST <= int(found[1]) <= LEASE_MOST:
        raise UsageError(
            f"RESUMABLE_LEASE {text[:20]!a} is not a number of seconds from {LEASE_LEAST} to {LEASE_MOST}.",
            hint="Write it as 60s.",
        )
    return timedelta(seconds=int(found[1]))


def hash_key(environment: Mapping[str, str]) -> Secret:
    """Return the key of hashes: RESUMABLE_HASH_KEY, or what is in the file that RESUMABLE_HASH_KEY_FILE names.

    The file may be what a command writes: `RESUMABLE_HASH_KEY_FILE=<(pass show genesys)`. Raises UsageError.
    """
    path = environment.get("RESUMABLE_HASH_KEY_FILE", "")
    if not path:
        return Secret(environment.get("RESUMABLE_HASH_KEY", "").strip())
    try:
        return Secret(Path(path).read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as failure:
        raise UsageError(
            f"RESUMABLE_HASH_KEY_FILE cannot be read: {failure.__class__.__name__}.",
            hint="Name a file that can be, or set RESUMABLE_HASH_KEY.",
        ) from None


def checked_job_name(name: str) -> str:
    """Return a job name that is safe as a folder's name, or raise UsageError."""
    if not _JOB_NAME.fullmatch(name) or name.endswith("."):
        shown = ascii(name[:60])
        raise UsageError(
            f"{shown} cannot be a job's name.",
            hint="Use up to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit.",
        )
    return name


def _endpoints(environment: Mapping[str, str]) -> Endpoints | None:
    api, login = environment.get("GENESYS_API_URL", ""), environment.get("GENESYS_LOGIN_URL", "")
    region = environment.get("GENESYS_REGION", "").strip().lower()
    if region:
        domain = region_domain(region)
        return Endpoints(api=api or f"https://api.{domain}", login=login or f"https://login.{domain}")
    if api:
        return Endpoints(api=api, login=login or api)
    return None


def region_domain(region: str) -> str:
    """Return the domain of a region, given by its name or by its domain. Raises UsageError with the known ones."""
    for name, domain in REGIONS.items():
        if region in (name, domain, f"api.{domain}", f"login.{domain}", f"apps.{domain}"):
            return domain
    known = ", ".join(REGIONS)
    raise UsageError(f"{region[:60]!a} is not a Genesys Cloud region.", hint=f"GENESYS_REGION is one of: {known}.")


def _text(environment: Mapping[str, str], name: str) -> str:
    text = environment.get(name, "").strip()
    # Bytes that are no UTF-8 come from the system as half characters, which cannot be sent.
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{name} is not UTF-8.", hint="Check what was pasted there.")
    return text


def _whole(environment: Mapping[str, str], name: str, *, most: int, least: int = 1) -> int | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 16 or not least <= int(text) <= most:
        raise UsageError(
            f"{name} must be a whole number from {least} to {most}, not {text[:30]!a}.",
            hint="Set it to one, or leave it out.",
        )
    return int(text)


def host_of(url: str) -> str:
    """Return the host of a URL, for messages."""
    return urlsplit(url).hostname or "?"
