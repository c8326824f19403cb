"""Datasets that a TOML file describes: any other paged endpoint."""
