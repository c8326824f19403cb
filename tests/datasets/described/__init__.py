"""Endpoints that a file describes."""
