"""The program of one job's process, `python -m skinapi.app.run_job`, which the worker starts.

It is not part of `worker`: the guard of a job needs no store, and lives as long as the job.
"""

import os
import sys

from skinapi.base.area_parts import list_parts
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.handlers import Handlers, guard_job


def list_handlers(settings: Settings) -> Handlers:
    """List each kind of job with its handler as `module:function`, which only the process of a job
    imports. An area names its own in a `handlers.py`.
    """
    handlers = {"person_file": "skinapi.app.person_file_job:make_file"}
    for part in list_parts("handlers", on=settings.switches_on):
        handlers |= part.HANDLERS
    return handlers


if __name__ == "__main__":
    os.umask(0o077)
    settings = Settings()
    sys.exit(guard_job(list_handlers(settings), memory=settings.job_memory))
