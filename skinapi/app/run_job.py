"""The process of one job (`python -m skinapi.app.run_job`), started by the worker. It is separate
from `worker`, because it needs no store and lives as long as the job.
"""

import os
import sys

from skinapi.base.area_parts import list_parts
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.handlers import Handlers, guard_job


def list_handlers(settings: Settings) -> Handlers:
    """Map each kind of job to its handler as `module:function`, imported only by the job's process.
    An area names its own in a `handlers.py`.
    """
    handlers = {"person_file": "skinapi.app.person_file_job:make_file"}
    for part in list_parts("handlers", on=settings.switches_on):
        handlers |= part.HANDLERS
    return handlers


if __name__ == "__main__":
    os.umask(0o077)
    settings = Settings()
    sys.exit(guard_job(list_handlers(settings), memory=settings.job_memory))
