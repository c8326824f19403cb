"""The jobs that the tests of this folder plant flaws in."""

from tests.support.planted import planted, sim, whole

__all__ = ["planted", "sim", "whole"]
