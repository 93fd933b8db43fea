"""Circuit breaker: while the LLM keeps failing, no requests are sent to it."""

import threading
import time

from skinapi.reports.narrative import NarrativeUnavailable, Reason

MOST_FAILURES = 3
COOLDOWN_S = 60.0


class CircuitBreaker:
    """After three failures in a row no request is sent for a minute. Then one request tests whether
    the LLM works again; the others are refused until it succeeds, or for one more minute.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def admit(self) -> None:
        """Raises NarrativeUnavailable if no request may be sent now."""
        with self._lock:
            if self._failures < MOST_FAILURES:
                return
            if time.monotonic() < self._open_until:
                raise NarrativeUnavailable(Reason.RESTING)
            # Only the caller that gets here sends a request; the others wait once more.
            self._open_until = time.monotonic() + COOLDOWN_S

    def record(self, *, success: bool) -> None:
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures == MOST_FAILURES:
                self._open_until = time.monotonic() + COOLDOWN_S
