"""The report: what it tells, that it obeys nothing in it, and how it looks in a real browser."""
