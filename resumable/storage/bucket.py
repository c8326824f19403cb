"""A bucket as a store: each key is an object below a prefix. The only module that imports obstore.

Every write is conditional: `create` makes what is not there, `replace` what is still as it was seen, and `save` is one
of the two. So a process that has lost the job, or a request that was held back on its way, can take nothing from those
who have it now.
"""

import functools
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from resumable.errors import LibraryMissing, StorageFailed, UsageError
from resumable.storage.address import Address
from resumable.storage.bucket_client import VARIABLES, BucketClient, config_of, options_of
from resumable.storage.durable import FILE, FOLDER, Saved, opened, read, size_of
from resumable.storage.ranges import Ranges
from resumable.storage.store import Exists, Moved, StoredFile, Tag, Tagged

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

AT_ONCE: Final = 8 * 2**20
"""Bytes up to which an object that is opened is read in one request: a part of 1,000 records has 0.2 MB."""

IN_ONE_PUT: Final = 32 * 2**20
"""Bytes up to which a file is sent in one request, and so held in memory; more goes in pieces of that many at most."""

_PIECE_BYTES: Final = 8 * 2**20
_TRIES_OF_A_SAVE = 5

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{3,60})</Code>")


class BucketStore:
    """The store that is a prefix of a bucket."""

    def __init__(self, address: Address, client: BucketClient) -> None:
        """Nothing is asked for until then. Raises UsageError for an endpoint that would not be encrypted."""
        self._address = address
        self._patience = client.patience_seconds
        self._objects = _opened(address, client)

    @property
    def contested(self) -> bool:
        """Return True: nobody takes a request back that another machine has sent."""
        return True

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Put an object, if there is none of that name: the store decides between all who try."""
        try:
            return self._put(key, data, "create")
        except _exceptions().AlreadyExistsError:
            return Exists()
        except _exceptions().PreconditionError:  # what a store says where two put at once
            return Exists()

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Put an object in the place of the one that was seen."""
        try:
            return self._put(key, data, {"e_tag": str(tag)})
        except (_exceptions().PreconditionError, _exceptions().AlreadyExistsError, FileNotFoundError):
            return Moved()

    def save(self, key: str, data: bytes | memoryview) -> Saved:
        """Put an object, in the place of what is there when it is looked for."""
        saved = Saved(size=len(data), sha256=hashlib.sha256(data).digest())
        for _ in range(_TRIES_OF_A_SAVE):
            if not isinstance(self.create(key, data), Exists):
                return saved
            try:
                held = self.tagged(key)
            except FileNotFoundError:
                continue
            # The same bytes are ours, of a put whose answer was lost.
            if held.data == data or not isinstance(self.replace(key, data, held.tag), Moved):
                return saved
        raise StorageFailed(f"{self.place(key)} is being changed by others.", hint="Run the same command again.")

    def read(self, key: str, last: int | None = None) -> bytes:
        """Return an object's bytes, or the last of them."""
        if last is not None:
            return self._end(key, last)
        with self._translated(key):
            return bytes(_obstore().get(self._objects, key).bytes())

    def tagged(self, key: str) -> Tagged:
        """Return an object's bytes and its ETag."""
        with self._translated(key):
            found = _obstore().get(self._objects, key)
            return Tagged(data=bytes(found.bytes()), tag=self._tag(key, found.meta["e_tag"]))

    @contextmanager
    def opened(self, key: str) -> Iterator[BinaryIO]:
        """Open an object for reading: what is small is read whole."""
        with self._translated(key):
            found = _obstore().get(self._objects, key)
            small = found.meta["size"] <= AT_ONCE
            part = functools.partial(self.part, key)
            file: Any = io.BytesIO(bytes(found.bytes())) if small else Ranges(part, found.meta["size"])
        with file:
            yield file

    def part(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes of an object from one place to before another."""
        with self._translated(key):
            return bytes(_obstore().get_range(self._objects, key, start=start, end=end))

    def kind(self, key: str) -> str | None:
        """Tell an object from a prefix of others."""
        if key and self.size(key) is not None:
            return FILE
        return FOLDER if self._below(key, many=False) else None

    def size(self, key: str) -> int | None:
        """Return the bytes of an object."""
        try:
            with self._translated(key):
                return int(_obstore().head(self._objects, key)["size"])
        except FileNotFoundError:
            return None

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the bytes of each object directly below a prefix."""
        # SeaweedFS names the prefix itself, as `list` has it.
        found = {each["path"]: each["size"] for each in self._level(prefix)["objects"]}
        return {key: size for key, size in found.items() if key not in ("", prefix)}

    def remove(self, key: str) -> None:
        """Delete an object."""
        try:
            with self._translated(key):
                _obstore().delete(self._objects, key)
        except FileNotFoundError:
            pass

    def settle(self, prefix: str) -> None:
        """Do nothing: what is deleted stays away."""

    def move(self, key: str, target: str) -> None:
        """Copy an object, or all below a prefix, and delete it where it was."""
        found = [key] if self.size(key) is not None else self._below(key)
        if not found:
            raise FileNotFoundError(self.place(key))
        for each in found:
            with self._translated(each):
                _obstore().copy(self._objects, each, target + each[len(key) :])
            self.remove(each)

    def free(self) -> int | None:
        """Return None: a bucket has no end."""
        return None

    def place(self, key: str) -> str:
        """Return the URL."""
        return f"{self._address}/{key}"

    def list(self, prefix: str) -> Sequence[str]:
        """Return the keys of the objects and of the prefixes directly below a prefix."""
        level = self._level(prefix)
        named = {*level["common_prefixes"], *(found["path"] for found in level["objects"])}
        # SeaweedFS names the prefix itself, for a while after all below it is gone.
        return sorted(named - {"", prefix})

    def below(self, prefix: str) -> Mapping[str, StoredFile]:
        """Return all objects below a prefix, and the one that it names itself."""
        found: dict[str, StoredFile] = {}
        with self._translated(prefix):
            for batch in _obstore().list(self._objects, prefix, chunk_size=1000):
                found.update({each["path"]: self._listed(each) for each in batch})
            with suppress(FileNotFoundError):
                found[prefix] = self._listed(_obstore().head(self._objects, prefix))
        return found

    def upload(self, key: str, path: Path, tag: Tag | None) -> Tag | Exists | Moved:
        """Put a file: what is large in pieces, of which the store makes an object once it has the last.

        No store takes pieces on a condition: that the object is as it was seen is looked at before the last is sent.
        """
        if size_of(path) <= IN_ONE_PUT:
            data = read(path)
            return self.create(key, data) if tag is None else self.replace(key, data, tag)
        with self._translated(key, writing=True), opened(path) as file:
            writer = _obstore().open_writer(self._objects, key, buffer_size=_PIECE_BYTES, max_concurrency=3)
            while piece := file.read(_PIECE_BYTES):
                writer.write(piece)
        held = self.below(key).get(key)
        if (None if held is None else held.tag) != tag:
            return Exists() if tag is None else Moved()
        with self._translated(key, writing=True):
            writer.close()
        return self.below(key)[key].tag

    def _listed(self, found: Any) -> StoredFile:  # noqa: ANN401 - obstore's own dictionaries
        return StoredFile(size=int(found["size"]), tag=self._tag(found["path"], found["e_tag"]))

    def _put(self, key: str, data: bytes | memoryview, mode: Any) -> Tag:  # noqa: ANN401 - obstore's own union
        with self._translated(key, writing=True):
            put = _obstore().put(self._objects, key, bytes(data), mode=mode, use_multipart=False)
            return self._tag(key, put["e_tag"])

    def _tag(self, key: str, tag: str | None) -> Tag:
        if not tag:
            raise StorageFailed(
                f"the store of {self.place(key)} gives its objects no tags.", hint="Keep the state in another store."
            )
        return Tag(tag)

    def _end(self, key: str, last: int) -> bytes:
        # By the size, since Azure knows no "last bytes", and an object without any has no range.
        with self._translated(key):
            size = int(_obstore().head(self._objects, key)["size"])
        start = max(0, size - last)
        return self.part(key, start, size) if start < size else b""

    def _level(self, prefix: str) -> Any:  # noqa: ANN401 - obstore's own dictionaries
        with self._translated(prefix):
            return _obstore().list_with_delimiter(self._objects, prefix or None)

    def _below(self, prefix: str, *, many: bool = True) -> "Sequence[str]":
        found: list[str] = []
        with self._translated(prefix):
            for batch in _obstore().list(self._objects, prefix or None, chunk_size=1000 if many else 1):
                found += [each["path"] for each in batch]
                if not many:
                    break
        return found

    @contextmanager
    def _translated(self, key: str, *, writing: bool = False) -> Iterator[None]:
        """Let what the store refuses be StorageFailed; that nothing is there, and that it is not as seen, pass."""
        errors = _exceptions()
        try:
            yield
        except (errors.AlreadyExistsError, errors.PreconditionError):
            raise
        except FileNotFoundError as failure:
            if writing:  # there is no such container
                raise self._refused(key, failure) from None
            raise FileNotFoundError(self.place(key)) from None
        except (errors.BaseError, OSError) as failure:
            raise self._refused(key, failure) from None

    def _refused(self, key: str, failure: Exception) -> StorageFailed:
        """Say what was refused: by status and code alone, since the text quotes addresses, which may hold a token."""
        text, place = str(failure), self.place(key)
        status, code = _STATUS.search(text), _CODE.search(text)
        said = " ".join([*(status.groups() if status else ()), *(code.groups() if code else ())])
        names = f"{VARIABLES[self._address.scheme]}*"
        if isinstance(failure, FileNotFoundError):
            return StorageFailed(
                f"there is no {self._address.scheme}://{self._address.container}.", hint="Make it, or name another."
            )
        if isinstance(failure, _exceptions().PermissionDeniedError | _exceptions().UnauthenticatedError):
            return StorageFailed(
                f"the store refuses the credentials for {place}{f' ({said})' if said else ''}.",
                hint=f"Check {names} and what they may do there, then run the same command.",
            )
        if said:
            return StorageFailed(f"the store refused {place}: {said}.", hint="Fix that, then run the same command.")
        return StorageFailed(
            f"the store of {place} did not answer for {self._patience:.0f} s.",
            hint=f"Check the network and {names}, then run the same command. What is recorded is safe.",
        )


def _opened(address: Address, client: BucketClient) -> "S3Store | AzureStore | GCSStore":
    _obstore()
    import obstore.store as stores

    how: dict[str, Any] = {
        "prefix": address.prefix or None,
        "client_options": options_of(client),
        "retry_config": {
            "max_retries": 10,
            "retry_timeout": timedelta(seconds=client.patience_seconds),
            "backoff": {"max_backoff": timedelta(seconds=min(5.0, client.patience_seconds / 4))},
        },
    }
    config = config_of(address.scheme, client.environment)
    try:
        if address.scheme == "s3":
            return stores.S3Store(address.container, config=config, **how)
        if address.scheme == "az":
            return stores.AzureStore(address.container, config=config, **how)
        return stores.GCSStore(address.container, config=config, **how)
    except (_exceptions().BaseError, ValueError):
        names = f"{VARIABLES[address.scheme]}*"
        raise UsageError(f"{address} cannot be used with what {names} say.", hint=f"Check {names}.") from None


def _obstore() -> Any:  # noqa: ANN401 - a module
    try:
        import obstore
    except ModuleNotFoundError as missing:
        raise LibraryMissing("a state in a bucket", "obstore") from missing
    return obstore


def _exceptions() -> Any:  # noqa: ANN401 - a module
    _obstore()
    import obstore.exceptions as errors

    return errors
