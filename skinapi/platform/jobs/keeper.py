"""Keeps a job worker running beside the web server, as a child of gunicorn's parent process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

# A worker that cannot start, for example because of a setting, would otherwise be started without
# end.
FIRST_PAUSE_S, LONGEST_PAUSE_S, HEALTHY_AFTER_S = 1.0, 60.0, 60.0
FIRST_START_S = 2.0  # the server is to answer first
STOP_S = 15.0  # a job may take 10 s to end
WORKER = (sys.executable, "-m", "skinapi.app.worker")


class WorkerKeeper:
    """Starts the worker again when it has died, after pauses that grow."""

    def __init__(
        self,
        command: Sequence[str] = WORKER,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command, self._clock = command, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = clock()
        self._start_at = clock() + FIRST_START_S
        self._pause = FIRST_PAUSE_S

    def look(self) -> None:
        """Call this about once a second: it starts the worker where none is running."""
        moment = self._clock()
        if self._process and self._process.poll() is not None:
            self._process = None
            if moment - self._started_at >= HEALTHY_AFTER_S:
                self._pause = FIRST_PAUSE_S
            self._start_at = moment + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
        if self._process is None and moment >= self._start_at:
            # `--parent`: it ends with this process, however that ends.
            command = [*self._command, "--parent", str(os.getpid())]
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                command, stdin=subprocess.DEVNULL
            )
            self._started_at = moment

    def ask_to_stop(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Returns when the worker has ended; it is killed if that takes too long."""
        self.ask_to_stop()
        if self._process:
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
