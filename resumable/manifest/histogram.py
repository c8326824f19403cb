"""How long answers took, counted in buckets: small enough to keep one for every minute, and they add up."""

import bisect
import itertools
from dataclasses import dataclass, field

LEAST_SECONDS = 0.01
"""Whatever is quicker is counted here."""

STEPS = 3
"""Buckets to a doubling: a quantile is at most a quarter off."""

BUCKETS = 42
"""Up to two minutes and a half; whatever is slower is counted in the last."""

_BOUNDS = tuple(LEAST_SECONDS * 2 ** (bucket / STEPS) for bucket in range(BUCKETS))
_SEVEN_BITS = 0x7F
_MORE = 0x80


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Answers by how long they took; `counts` has one number for each bucket."""

    counts: tuple[int, ...] = field(default=(0,) * BUCKETS)

    @property
    def total(self) -> int:
        """How many answers there were."""
        return sum(self.counts)

    def __add__(self, other: "Latencies") -> "Latencies":
        return Latencies(counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def quantile(self, share: float) -> float | None:
        """Return the seconds within which this share of the answers came; None where there were none."""
        wanted, before = share * self.total, 0
        for bucket, count in enumerate(self.counts):
            if count and before + count >= wanted:
                low = _BOUNDS[bucket - 1] if bucket else 0.0
                return low + (_BOUNDS[bucket] - low) * (wanted - before) / count
            before += count
        return None

    def packed(self) -> bytes:
        """Return it in few bytes: the first bucket that is not empty, then counts of seven bits a byte to the last."""
        used = [bucket for bucket, count in enumerate(self.counts) if count]
        if not used:
            return b""
        packed = bytearray([used[0]])
        for count in self.counts[used[0] : used[-1] + 1]:
            rest = count
            while rest > _SEVEN_BITS:
                packed.append(rest & _SEVEN_BITS | _MORE)
                rest >>= 7
            packed.append(rest)
        return bytes(packed)

    @classmethod
    def unpacked(cls, packed: bytes) -> "Latencies":
        """Read what `packed` returned. Raises ValueError for anything else."""
        if not packed:
            return cls()
        counts, count, shift = [0] * packed[0], 0, 0
        for byte in packed[1:]:
            count |= (byte & _SEVEN_BITS) << shift
            shift += 7
            if not byte & _MORE:
                counts.append(count)
                count = shift = 0
        if shift or len(counts) > BUCKETS:
            raise ValueError("latencies that end in the middle, or have too many buckets")
        return cls(counts=tuple(itertools.islice(itertools.chain(counts, itertools.repeat(0)), BUCKETS)))


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket that counts an answer after so many seconds."""
    return min(bisect.bisect_left(_BOUNDS, seconds), BUCKETS - 1)
