"""Traces: which part of a request or of a job took how long, as spans of OpenTelemetry.

Off, and then nothing is measured or kept, until a process installs a tracer
(skinapi/telemetry). A trace is sent to other programs, so no name and no attribute of a span may
hold what a caller sent: no path, query, body, name, token, and no id that a path holds.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol, TypeVar

Value = str | int
Kind = Literal["server", "consumer"]
T = TypeVar("T")
NOTHING: AbstractContextManager[None] = nullcontext()


class Trace(Protocol):
    """What one request or job does in this process, from `begin` to `end`."""

    def under_way(self) -> AbstractContextManager[object]:
        """In this context, `span` adds to this trace. It may be entered again on another thread."""

    def describe(self, name: str, attributes: Mapping[str, Value], *, failed: bool) -> None:
        """Name it anew, add these attributes, and say whether it failed."""

    def note(self, event: str) -> None:
        """Remember the time of an event."""

    def end(self) -> None: ...


class Tracer(Protocol):
    """The functions of this module, where traces are on."""

    def begin(self, name: str, *, kind: Kind, parent: str | None) -> Trace: ...

    def span(self, name: str, attributes: Mapping[str, Value]) -> AbstractContextManager[None]: ...

    def carried(self, work: Callable[[], T]) -> Callable[[], T]: ...

    def traceparent(self) -> str | None: ...

    def trace_id(self) -> str | None: ...

    def stop(self) -> None: ...


_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Trace with this from now on, in this process; None: trace nothing."""
    global _tracer  # noqa: PLW0603 (as with a log, whoever has something to trace must find it)
    _tracer = tracer


def is_on() -> bool:
    return _tracer is not None


def begin(name: str, *, kind: Kind, parent: str | None = None) -> Trace | None:
    """Begin the trace of a request ("server") or of a job ("consumer"); None where traces are off.

    `parent` is the W3C traceparent of what it continues (https://www.w3.org/TR/trace-context/). It
    also decides whether this trace is sent, so it must not come from anybody.
    """
    return _tracer.begin(name, kind=kind, parent=parent) if _tracer else None


def span(name: str, **attributes: Value) -> AbstractContextManager[None]:
    """Measure this part of the trace that is under way; nothing where none is."""
    return _tracer.span(name, attributes) if _tracer else NOTHING


def carried(work: Callable[[], T]) -> Callable[[], T]:
    """`work` for another thread: its spans will belong to the trace that is under way now."""
    return _tracer.carried(work) if _tracer else work


def traceparent() -> str | None:
    """The W3C traceparent with which another process continues the trace that is under way."""
    return _tracer.traceparent() if _tracer else None


def trace_id() -> str | None:
    """The id of the trace that is under way, for the log; None where none is."""
    return _tracer.trace_id() if _tracer else None


def stop() -> None:
    """Send what is left, for a few seconds at most, and trace nothing any more."""
    if tracer := _tracer:
        install(None)
        tracer.stop()
