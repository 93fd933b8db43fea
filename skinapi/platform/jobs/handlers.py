"""What the code of a kind of job is given, how it is named, and how it is called."""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skinapi.base.errors import SkinAPIError, Unavailable
from skinapi.platform.jobs.job import NEEDS_MEMORY, Job

TOO_LITTLE_MEMORY = (
    "It needs more memory than a job may use: ask for a smaller picture size or batch, or have "
    "JOB_MEMORY_BYTES raised where the worker runs"
)


class JobContext:
    """What a handler gets, in a process of its own.

    `work` is a folder of this job on this machine, the same at each attempt, so that a handler can
    go on where it was interrupted. It is removed when the job has ended. Another attempt may run on
    another machine, where the folder is empty.
    """

    def __init__(self, job: Job, work: Path, events: int) -> None:
        self.job, self.work = job, work
        self._events = events

    def progress(self, percent: float, message: str) -> None:
        """Report how far the job is, from 0 to 100, and what it does, in a few words."""
        self.send({"progress": percent, "message": message})

    def metric(self, **values: float | str) -> None:
        """Add a row to the job's metrics. A row with an `epoch` replaces rows from that epoch on,
        which an interrupted attempt may have left.
        """
        self.send({"metric": values})

    def say(self, line: str) -> None:
        """Add a line to the job's log, as `print` does."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def send(self, event: Mapping[str, Any]) -> None:
        """Tell the worker."""
        data = json.dumps(event, default=str).encode() + b"\n"
        while data:
            data = data[os.write(self._events, data) :]


# Returns the job's result. It may run several times, also after it has returned: its process can
# die before the result is stored. So what it does to the store must not count twice; `job.id` tells
# that it was the same job.
#
# Its errors: a SkinAPIError fails the job with its sentence; Unavailable (a store that is away)
# gives the job up to the next attempt; any other fails the job, and its traceback is in the log.
Handler = Callable[[JobContext], dict[str, Any]]

# For each kind of job its handler as `module:function`, a text, so that only the process of the job
# imports what a handler needs.
Handlers = Mapping[str, str]


def handle(context: JobContext, handlers: Handlers) -> int:
    """Run the handler of this job, and send how it ended. Returns an exit status."""
    try:
        result = _handler_of(context.job.kind, handlers)(context)
    except Unavailable as error:
        context.send({"error": error.detail, "code": error.code, "again": True})
    except SkinAPIError as error:
        context.send({"error": error.detail, "code": error.code})
    except Exception as error:  # noqa: BLE001 (whatever it is, the owner is told)
        traceback.print_exc()
        # Also where TensorFlow says it, which is not imported here.
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            context.send({"error": TOO_LITTLE_MEMORY, "code": NEEDS_MEMORY})
            return 0
        says = f"It ended with an error of the program ({type(error).__name__}); the log has more"
        context.send({"error": says, "code": SkinAPIError.code})
    else:
        context.send({"result": result})
    return 0


def _handler_of(kind: str, handlers: Handlers) -> Handler:
    if kind not in handlers:
        raise SkinAPIError(f"This server has no code for jobs of the kind {kind}")
    module, _, name = handlers[kind].partition(":")
    try:
        handler: Handler = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise SkinAPIError(
            f"What jobs of the kind {kind} need is not installed where the worker runs "
            f"({error.name}): install requirements-train.txt there (`make lab`)"
        ) from error
    return handler
