"""What the code of a kind of job is given, and how it is named."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from skinapi.jobs.job import Job


class Context(Protocol):
    """What a handler gets, in a process of its own.

    `work` is a folder of this job on this machine, the same at each attempt, so that a handler can
    go on where it was interrupted. It is removed when the job has ended. Another attempt may run on
    another machine, where the folder is empty.
    """

    job: Job
    work: Path

    def progress(self, percent: float, message: str) -> None:
        """Report how far the job is, from 0 to 100, and what it does, in a few words."""

    def metric(self, **values: float | str) -> None:
        """Add a row to the job's metrics. A row with an `epoch` replaces rows from that epoch on,
        which an interrupted attempt may have left.
        """

    def say(self, line: str) -> None:
        """Add a line to the job's log, as `print` does."""


# Returns the job's result. It may run several times, also after it has returned: its process can
# die before the result is stored. So what it does to the store must not count twice; `job.id` tells
# that it was the same job.
#
# Its errors: a SkinAPIError fails the job with its sentence; Unavailable (a store that is away)
# gives the job up to the next attempt; any other fails the job, and its traceback is in the log.
Handler = Callable[[Context], dict[str, Any]]

# For each kind of job its handler as `module:function`, a text, so that only the process of the job
# imports what a handler needs.
Handlers = Mapping[str, str]
