"""The version of the product, in one place: the package's metadata, `--version` and receipts take it from here."""

__version__ = "0.2.0"
