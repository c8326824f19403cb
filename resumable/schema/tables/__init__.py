"""The pinned schemas' columns, one module a kind of record."""
