"""Checks that manifest, parts, receipt and server agree, and names every fault; changes nothing."""
