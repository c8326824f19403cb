"""Exports: the records of a job in one piece, for those who use them."""

from resumable.export.product import Exported, export
from resumable.export.request import Format, Output, Request, format_of

__all__ = ["Exported", "Format", "Output", "Request", "export", "format_of"]
