"""What the fault matrix finds in the product as it is. Whoever fixes a group takes it out of here; empty is the aim."""

SAMPLED: frozenset[str] = frozenset()
"""Groups of which a cell of the bounded sample fails."""

ALL: frozenset[str] = frozenset()
"""Groups of which any cell fails."""
