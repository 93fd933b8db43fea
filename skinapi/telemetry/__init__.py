"""Sends traces to an OpenTelemetry collector, where the operator names one."""

import importlib

from skinapi import tracing
from skinapi.errors import UnsafeSettings
from skinapi.settings import Settings

ADAPTER = "skinapi.telemetry.opentelemetry_tracer"


def start_tracing(settings: Settings) -> None:
    """From now on, send the traces of this process to OTEL_EXPORTER_OTLP_ENDPOINT; nothing without
    it. Call it after the fork. Raises UnsafeSettings where the packages are not installed.
    """
    if settings.otel_exporter_otlp_endpoint is None:
        return
    try:
        # Imported late: most installations send no traces, and need none of these packages.
        adapter = importlib.import_module(ADAPTER)
    except ModuleNotFoundError as error:
        raise UnsafeSettings(
            "OTEL_EXPORTER_OTLP_ENDPOINT needs a library that is not installed "
            f"({error.name}): install requirements-traces.txt"
        ) from error
    tracing.stop()
    tracing.install(adapter.open_tracer(settings))
