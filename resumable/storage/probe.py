"""Whether a bucket keeps the two promises that a job in it needs, tried before anything is entrusted to it."""

import secrets
from typing import Final

from resumable.errors import StorageFailed
from resumable.storage.store import Exists, Moved, Store, Tag

_STALE: Final = Tag('"00000000000000000000000000000000"')


def probe(store: Store) -> None:
    """Raise StorageFailed where a store overwrites what it was told to leave, or does not give back what it took.

    Stores that speak S3 and ignore conditions exist, and overwrite in silence. Tried with a key that nobody else has,
    and that is removed again.
    """
    key = f".probe-{secrets.token_hex(8)}"
    try:
        _try(store, key)
    finally:
        store.remove(key)


def _try(store: Store, key: str) -> None:
    first, second, third = (f"{number} {key}".encode() for number in (1, 2, 3))
    made = store.create(key, first)
    if isinstance(made, Exists):  # by ourselves, where the answer was lost
        made = store.tagged(key).tag
    if not isinstance(store.create(key, second), Exists) or store.read(key) != first:
        raise _refused(store, "puts an object in the place of another that was to be left there")
    if not isinstance(store.replace(key, second, _STALE), Moved) or store.read(key) != first:
        raise _refused(store, "replaces an object that is not the one it was asked to replace")
    changed = store.replace(key, third, made)
    if isinstance(changed, Moved) and store.read(key) != third:
        raise _refused(store, "does not replace an object by its tag")
    if store.read(key) != third or key not in store.list(""):
        raise _refused(store, "does not give back what it has just taken")


def _refused(store: Store, what: str) -> StorageFailed:
    return StorageFailed(
        f"the store of {store.place('')} {what}: two machines could overwrite each other's pages.",
        hint="Keep the state in a store with conditional writes (If-None-Match and If-Match), or in a folder.",
    )
