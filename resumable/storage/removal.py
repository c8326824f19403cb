"""Removes a job from a bucket, or some of it, while its lease keeps others out."""

from collections.abc import Iterator

from resumable.storage.bucket_state import BucketState
from resumable.storage.lease import HEAD
from resumable.storage.store import Store


def everything(store: Store, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Yield every key below a prefix with its bytes. Raises StorageFailed."""
    sizes = store.sizes(prefix)
    yield from sizes.items()
    for key in store.list(prefix):
        if key not in sizes:
            yield from everything(store, key)


def remove_job(bucket: BucketState, name: str) -> int:
    """Remove all that a job has in a bucket, and return its bytes. Raises JobLocked, StorageFailed.

    Its head goes last: killed in between, there is a job left that cannot be read and can be removed again.
    """
    lease, store, freed = bucket.lease(name), bucket.store(name), 0
    try:
        for key, size in list(everything(store)):
            freed += size
            if key != HEAD:
                lease.check()
                store.remove(key)
    except BaseException:
        lease.release()
        raise
    lease.check()
    store.remove(HEAD)
    return freed


def remove_below(bucket: BucketState, name: str, prefix: str) -> None:
    """Remove what a job has below a prefix, and let go of the job. Raises JobLocked, StorageFailed."""
    lease, store = bucket.lease(name), bucket.store(name)
    try:
        for key, _ in list(everything(store, prefix)):
            lease.check()
            store.remove(key)
    finally:
        lease.release()
