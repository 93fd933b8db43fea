"""The tracer of `skinapi.tracing`, with the SDK of OpenTelemetry:
https://opentelemetry-python.readthedocs.io

Spans are collected in memory and sent by a thread of the SDK, so nothing waits for the collector.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import TypeVar

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from skinapi.errors import SkinAPIError
from skinapi.logs import log
from skinapi.settings import VERSION, Settings
from skinapi.tracing import Kind, Value

PATH = "/v1/traces"  # https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
SECONDS_OF_A_SENDING, SECONDS_AT_THE_END = 10, 2
KINDS = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER}
W3C = TraceContextTextMapPropagator()
T = TypeVar("T")


def open_tracer(settings: Settings) -> "OpenTelemetryTracer":
    """The tracer that sends to OTEL_EXPORTER_OTLP_ENDPOINT. It starts a thread."""
    # The SDK logs each span that finds its queue full, and each failure with its stack. What there
    # is to say, ReportingExporter says once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    exporter = OTLPSpanExporter(
        endpoint=f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}{PATH}",
        headers=parse_env_headers(settings.secret("otel_exporter_otlp_headers") or "", True),
        timeout=SECONDS_OF_A_SENDING,
    )
    provider = TracerProvider(
        sampler=sampler_of(settings),
        resource=Resource.create(
            {"service.name": settings.otel_service_name, "service.version": VERSION}
        ),
        shutdown_on_exit=False,  # it would wait for half a minute; `stop` does it
    )
    provider.add_span_processor(BatchSpanProcessor(ReportingExporter(exporter)))
    return OpenTelemetryTracer(provider)


def sampler_of(settings: Settings) -> Sampler:
    """What OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say."""
    name = settings.otel_traces_sampler.removeprefix("parentbased_")
    roots = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(settings.otel_traces_sampler_arg),
    }[name]
    return roots if name == settings.otel_traces_sampler else ParentBased(roots)


class ReportingExporter(SpanExporter):
    """Logs one line when the collector gets nothing any more, and one when it gets spans again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            log.warning("traces_not_sent", lost=len(spans))
        elif self._away and not away:
            log.info("traces_sent_again")
        self._away = away
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class OpenTelemetryTracer:
    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("skinapi", VERSION)

    def begin(self, name: str, *, kind: Kind, parent: str | None) -> "RootSpan":
        context = W3C.extract({"traceparent": parent} if parent else {}, Context())
        return RootSpan(self._tracer.start_span(name, context, KINDS[kind]))

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Value]) -> Iterator[None]:
        # Not `is_recording`: work in the background goes on when its request has ended.
        if not get_current_span().get_span_context().trace_flags.sampled:
            yield
            return
        with self._tracer.start_as_current_span(
            name, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                _mark_failed(span, error)
                raise

    def carried(self, work: Callable[[], T]) -> Callable[[], T]:
        # Only this context: all context variables would hold the request, and with it its body.
        context = get_current()

        def run() -> T:
            token = attach(context)
            try:
                return work()
            finally:
                detach(token)

        return run

    def traceparent(self) -> str | None:
        sent: dict[str, str] = {}
        W3C.inject(sent)
        return sent.get("traceparent")

    def trace_id(self) -> str | None:
        context = get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else None

    def stop(self) -> None:
        # In a thread, for it takes no limit of time: with a collector that hangs, half a minute.
        sending = Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(SECONDS_AT_THE_END)


class RootSpan:
    """The `Trace` of one request or job."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def under_way(self) -> AbstractContextManager[object]:
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def describe(self, name: str, attributes: Mapping[str, Value], *, failed: bool) -> None:
        self._span.update_name(name)
        self._span.set_attributes(dict(attributes))
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))

    def note(self, event: str) -> None:
        self._span.add_event(event)

    def end(self) -> None:
        self._span.end()


def _mark_failed(span: Span, error: Exception) -> None:
    """Say which kind of error it was. Its words stay here: they may quote what a caller sent."""
    span.set_attribute("error.type", type(error).__name__)
    if not isinstance(error, SkinAPIError) or error.status >= SkinAPIError.status:
        span.set_status(Status(StatusCode.ERROR))
