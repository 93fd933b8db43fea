import io
import logging
import os
import sys
import threading
import traceback
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

import structlog

log: Any = structlog.get_logger("skinapi")
# The id of the request that runs in this context; None outside of one. The web sets it.
current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
# The id of the key with which a program calls; None for a person.
current_key_id: ContextVar[str | None] = ContextVar("key_id", default=None)


def configure_logs() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log_fault(raised: Exception) -> None:
    """Log the location, but never the exception's text, which may quote personal data."""
    raised = getattr(raised, "original_exception", None) or raised
    cause = raised.__cause__ or raised
    frames = traceback.extract_tb(cause.__traceback__)
    log.error(
        "fault",
        error=type(raised).__name__,
        cause=type(cause).__name__,
        where=[f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-8:]],
        request_id=current_request_id.get(),
    )


def shield_output() -> None:
    """Keep writes to standard output and standard error from raising in this process, including
    those of gunicorn, `logging`, `warnings` and `print`.

    It is for servers and workers. A command whose output is its result must fail if it cannot
    write.
    """
    sys.stdout, sys.stderr = (_shielded(stream) for stream in (sys.stdout, sys.stderr))


def _shielded(stream: TextIO | None) -> TextIO:
    if isinstance(stream, LossyStream):
        return stream
    if stream is None:  # not open at the start: the descriptor may be another file now
        return LossyStream(os.open(os.devnull, os.O_WRONLY))
    with suppress(OSError):
        stream.flush()
    return LossyStream(stream.fileno())


class LossyStream(io.TextIOBase, TextIO):
    """Drops lines that cannot be written, because the disk is full or the pipe's reader is gone.
    Python's own streams would keep the rest and write it into the middle of another line.
    """

    encoding = "utf-8"

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # the lock may be held in the child

    def _begin(self) -> None:
        self._lock = threading.RLock()  # a signal handler may interrupt a write with another one
        self._unfinished, self._torn = "", False

    def write(self, text: str) -> int:
        with self._lock:
            lines, newline, self._unfinished = (self._unfinished + text).rpartition("\n")
            self._send(lines + newline)
        return len(text)

    def flush(self) -> None:
        with self._lock:
            text, self._unfinished = self._unfinished, ""
            self._send(text)

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def writable(self) -> bool:
        return True

    def _send(self, text: str) -> None:
        """A line that was cut is ended first: else the next one would be lost with it."""
        left = ("\n" * self._torn + text).encode(errors="backslashreplace")
        with suppress(OSError):
            while left:
                left = left[os.write(self._fd, left) :]
                self._torn = bool(left)
