"""A bucket: what it must keep to, what is said of it, and what becomes of answers that are lost."""

import dataclasses
from collections.abc import Iterator

import pytest

from resumable.errors import StorageFailed, UsageError
from resumable.storage.address import Address, address_of
from resumable.storage.bucket import BucketStore
from resumable.storage.bucket_client import BucketClient, secrets
from resumable.storage.probe import probe
from resumable.storage.store import Exists, Moved, Tag
from tests.support.memory_store import MemoryStore
from tests.support.object_stores import KEY, ObjectStore, object_store
from tests.support.relay_proxy import Act, Asked, RelayProxy

ADDRESS = Address(scheme="s3", container="state", prefix="a")


@pytest.fixture
def seaweed() -> ObjectStore:
    """A store that runs."""
    return object_store("seaweed")


@pytest.fixture
def proxy(seaweed: ObjectStore) -> Iterator[RelayProxy]:
    """A proxy in front of it that passes everything on."""
    with RelayProxy(seaweed.url) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("s3://bucket/a/b/", Address(scheme="s3", container="bucket", prefix="a/b")),
        ("AZ://container", Address(scheme="az", container="container")),
        ("gs://bucket/2024=x", Address(scheme="gs", container="bucket", prefix="2024=x")),
        ("folder/s3", None),
        ("./s3://bucket", None),
    ],
)
def test_an_address_is_told_from_a_folder(text: str, wanted: Address | None) -> None:
    """By its scheme, and read into container and prefix."""
    assert address_of(text, "the state") == wanted


@pytest.mark.parametrize(
    "text",
    ["ftp://host/x", "https://key:hidden@host/x", "s3://key:hidden@bucket/x", "s3://", "s3://b/../x", "s3://b/a?q"],
)
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    """And what may be a secret in it is not repeated."""
    with pytest.raises(UsageError) as caught:
        address_of(text, "the state")
    assert "hidden" not in f"{caught.value.message}{caught.value.hint}"


def test_plain_http_is_for_loopback() -> None:
    """Whatever variable names another host, it is refused before anything is sent, and without its path."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3"):
        with pytest.raises(UsageError, match="plain http"):
            BucketStore(ADDRESS, BucketClient(environment={name: "http://store.example/hidden"}))


def test_a_store_that_keeps_its_conditions_is_trusted(seaweed: ObjectStore) -> None:
    """And nothing of the probe is left in it."""
    store = seaweed.store()
    probe(store)
    assert store.list("") == []


class Careless(MemoryStore):
    """A store that puts whatever it is asked to."""

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Overwrite."""
        return self._put(key, data)


class Hasty(MemoryStore):
    """A store that replaces whatever is there."""

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Overwrite."""
        return self._put(key, data)


class Forgetful(MemoryStore):
    """A store that takes everything, and keeps nothing of a replacement."""

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Say that it was done."""
        return self.tagged(key).tag if self.tagged(key).tag == tag else Moved()


@pytest.mark.parametrize("kind", [Careless, Hasty, Forgetful])
def test_a_store_that_does_not_is_refused(kind: type[MemoryStore]) -> None:
    """With why, exit 5, and nothing left in it."""
    store = kind()
    with pytest.raises(StorageFailed, match="memory://job/") as caught:
        probe(store)
    assert (caught.value.exit_code, store.objects) == (5, {})


@pytest.mark.long
def test_s3rver_is_refused() -> None:
    """It overwrites in silence."""
    with pytest.raises(StorageFailed, match="in the place of another"):
        probe(object_store("s3rver").store())


def test_a_wrong_key_is_said_and_not_shown(seaweed: ObjectStore) -> None:
    """Exit 5, with the variables to look at; neither the key nor what was signed with it is in the message."""
    client = BucketClient(environment={**seaweed.environment, "AWS_SECRET_ACCESS_KEY": "not-the-key-77a1"})
    with pytest.raises(StorageFailed, match="refuses the credentials") as caught:
        BucketStore(ADDRESS, client).save("x", b"")
    said = f"{caught.value.message} {caught.value.hint}"
    assert "AWS_*" in said
    assert not [hidden for hidden in ("not-the-key-77a1", KEY, "Signature=") if hidden in said]
    assert caught.value.__cause__ is None


def test_secrets_of_a_bucket_are_known() -> None:
    """Keys and tokens are; ids, regions and addresses are not."""
    environment = {
        "AWS_SECRET_ACCESS_KEY": "one",
        "AWS_SESSION_TOKEN": "two",
        "AZURE_STORAGE_ACCOUNT_KEY": "three",
        "AZURE_STORAGE_SAS_TOKEN": "four",
        "AZURE_CLIENT_SECRET": "five",
        "GOOGLE_SERVICE_ACCOUNT_KEY": "six",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": "https://store.example",
        "HOME": "/root",
    }
    assert sorted(secrets(environment)) == sorted(["one", "two", "three", "four", "five", "six"])


def test_an_outage_ends_after_a_while(seaweed: ObjectStore, proxy: RelayProxy) -> None:
    """Nothing was written, and it is exit 5 with what to do; when the store answers again all goes on."""
    store = seaweed.store(through=proxy.url, patience_seconds=1.0)
    proxy.rule = lambda _: Act.REFUSE
    with pytest.raises(StorageFailed, match="did not answer") as caught:
        store.save("x", b"1")
    assert caught.value.exit_code == 5
    assert len(proxy.asked) > 1
    proxy.rule = lambda _: Act.PASS
    assert store.size("x") is None
    store.save("x", b"2")
    assert store.read("x") == b"2"


def test_an_answer_that_is_lost_is_judged_by_content(seaweed: ObjectStore, proxy: RelayProxy) -> None:
    """The put was done, is repeated, and is refused as if another had been first: the bytes tell that it is ours."""
    store = seaweed.store(through=proxy.url)
    cut = iter([Act.CUT])
    proxy.rule = lambda asked: next(cut, Act.PASS) if asked.method == "PUT" else Act.PASS
    assert store.save("x", b"ours").size == 4
    assert [asked.method for asked in proxy.asked][:2] == ["PUT", "PUT"]
    assert store.read("x") == b"ours"


def test_a_put_that_comes_late_takes_nothing(seaweed: ObjectStore, proxy: RelayProxy) -> None:
    """Held back on its way and delivered after another has written, it finds its condition gone."""
    address = seaweed.address()
    late = BucketStore(address, seaweed.client(through=proxy.url, patience_seconds=1.0))
    other = BucketStore(address, seaweed.client())
    seen = other.create("head.json", b"first")
    assert not isinstance(seen, Exists)

    def hold(asked: Asked) -> Act:
        return Act.HOLD if asked.method == "PUT" else Act.PASS

    proxy.rule = hold
    with pytest.raises(StorageFailed):
        late.create("part", b"late")
    with pytest.raises(StorageFailed):
        late.replace("head.json", b"late", seen)
    other.create("part", b"good")
    other.replace("head.json", b"second", seen)
    assert proxy.let_go() >= 2
    assert (other.read("part"), other.read("head.json")) == (b"good", b"second")


def test_a_long_object_is_read_in_pieces(seaweed: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any place, to the end and past it, without fetching all of it."""
    monkeypatch.setattr("resumable.storage.bucket.AT_ONCE", 1000)
    store, data = seaweed.store(), bytes(range(256)) * 8
    store.save("long", data)
    with store.opened("long") as file:
        assert file.seek(0, 2) == len(data)
        file.seek(-8, 2)
        assert (file.read(100), file.read(1)) == (data[-8:], b"")
        file.seek(300)
        assert (file.read(3), file.tell()) == (data[300:303], 303)


def test_it_says_where_it_is_and_no_more(seaweed: ObjectStore) -> None:
    """Neither its client nor its variables are in what is shown of it."""
    store = BucketStore(dataclasses.replace(ADDRESS), seaweed.client())
    assert (store.place("x"), KEY in repr(store)) == ("s3://state/a/x", False)
