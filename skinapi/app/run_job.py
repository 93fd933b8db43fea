"""Runs one job. It is separate from `worker`, because it needs no store and lives as long as the
job.
"""

import os
import sys

from skinapi.base.area_parts import list_parts
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.handlers import Handlers, guard_job


def list_handlers(settings: Settings) -> Handlers:
    """Handlers are `module:function`, imported only by the process of the job."""
    handlers = {"person_file": "skinapi.app.person_file_job:make_file"}
    for part in list_parts("handlers", on=settings.switches_on):
        handlers |= part.HANDLERS
    return handlers


if __name__ == "__main__":
    os.umask(0o077)
    settings = Settings()
    sys.exit(guard_job(list_handlers(settings), memory=settings.job_memory))
