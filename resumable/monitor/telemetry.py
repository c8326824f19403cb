"""Tells OpenTelemetry of a run, as one span, where its packages are installed and somebody has set it up."""

import importlib
import importlib.util
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

SET_UP: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Who sets one of these wants what is told sent there; without one, only who has set up a provider is told."""

FLUSH_MILLISECONDS: Final = 5000

_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

Attributes = Mapping[str, str | int]


def wanted(environment: Mapping[str, str]) -> bool:
    """Tell whether there is anything to tell: a look at names that costs nothing where there is not."""
    return any(name.startswith("OTEL_") for name in environment) and _installed("opentelemetry.trace")


def span(
    name: str,
    environment: Mapping[str, str],
    *,
    begun: datetime,
    ended: datetime,
    attributes: Attributes,
    error: str | None,
) -> None:
    """Send one span of a run; `error` is what it ended with. Whoever does not listen is not waited for over 5 s."""
    from opentelemetry import trace
    from opentelemetry.trace import Status, StatusCode

    provider = _provider(environment)
    tracer = (provider or trace.get_tracer_provider()).get_tracer("resumable")
    made = tracer.start_span(name, start_time=_nanoseconds(begun), attributes=dict(attributes))
    made.set_status(Status(StatusCode.OK) if error is None else Status(StatusCode.ERROR, error))
    made.end(_nanoseconds(ended))
    if provider is not None:
        # It writes of a collector that is not there to a logger, which would end up in front of people.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        provider.force_flush(FLUSH_MILLISECONDS)
        provider.shutdown()


def _provider(environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - of an optional library
    """Return a provider of our own, which sends where the environment says; None where it says nothing."""
    if not any(environment.get(name) for name in SET_UP) or not _installed(_EXPORTER):
        return None
    exporter = importlib.import_module(_EXPORTER).OTLPSpanExporter(timeout=FLUSH_MILLISECONDS / 1000)
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    batches = importlib.import_module("opentelemetry.sdk.trace.export")
    named = resources.Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME") or "resumable"})
    provider = sdk.TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(batches.BatchSpanProcessor(exporter))
    return provider


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000) * 1_000_000
