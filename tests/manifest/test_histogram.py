"""How long answers took, in few bytes: quantiles that hold, sums that add up, and a text that comes back."""

import random

import pytest

from resumable.manifest.histogram import BUCKETS, LEAST_SECONDS, Latencies, bucket_of


def counted(seconds: list[float]) -> Latencies:
    """Count answers that took so long."""
    counts = [0] * BUCKETS
    for each in seconds:
        counts[bucket_of(each)] += 1
    return Latencies(counts=tuple(counts))


def test_a_quantile_is_at_most_a_quarter_off(seed: int) -> None:
    """Whatever the spread of the answers, from a hundredth of a second to two minutes."""
    dice = random.Random(seed)
    for _ in range(50):
        middle, spread = dice.uniform(-3, 2), dice.uniform(0.05, 1.5)
        seconds = sorted(min(140.0, max(LEAST_SECONDS, 2.718 ** dice.gauss(middle, spread))) for _ in range(400))
        for share in (0.5, 0.9, 0.99):
            true = seconds[int(share * len(seconds)) - 1]
            found = counted(seconds).quantile(share)
            assert found is not None
            assert true / 1.27 <= found <= true * 1.27, f"seed {seed}: {share} of {middle}, {spread}"


def test_what_is_packed_comes_back_and_is_small(seed: int) -> None:
    """Any counts at all; and a minute of 3,000 answers, however they are spread, stays below 80 bytes."""
    dice = random.Random(seed)
    for _ in range(300):
        counts = [dice.choice((0, 0, 1, 5, 127, 128, 300, 70_000, 2**40)) for _ in range(BUCKETS)]
        latencies = Latencies(counts=tuple(counts))
        assert Latencies.unpacked(latencies.packed()) == latencies
    for _ in range(100):
        weights = [dice.random() ** 3 for _ in range(BUCKETS)]
        chosen = dice.choices(range(BUCKETS), weights, k=3000)
        packed = Latencies(counts=tuple(chosen.count(bucket) for bucket in range(BUCKETS))).packed()
        assert len(packed) <= 80
    assert Latencies().packed() == b""


@pytest.mark.parametrize("packed", [b"\x00\x80", b"\x29\x01\x01", bytes([BUCKETS + 1, 1]), b"\x05\xff\xff"])
def test_what_was_never_packed_is_refused(packed: bytes) -> None:
    """A number that ends in the middle, or more buckets than there are."""
    with pytest.raises(ValueError, match="latencies"):
        Latencies.unpacked(packed)


def test_two_minutes_add_up_to_what_they_would_have_been_together() -> None:
    """Folding loses nothing but when it was; there is no quantile of nothing."""
    one, other = [0.02, 0.3, 0.31, 90.0], [0.001, 0.3, 500.0]
    assert counted(one) + counted(other) == counted(one + other)
    assert (counted(one) + counted(other)).total == 7
    assert Latencies().quantile(0.5) is None
