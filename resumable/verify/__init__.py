"""Checks that manifest, parts, receipt and server agree, and names every fault; changes nothing."""

from resumable.verify.findings import Finding, Flaw, Report
from resumable.verify.server import Server
from resumable.verify.verification import LookOn, verify

__all__ = ["Finding", "Flaw", "LookOn", "Report", "Server", "verify"]
