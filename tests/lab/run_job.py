"""Runs a job of the lab without niceness: next to busy tests it would get no processor."""

import sys

from skinapi.app.run_job import list_handlers
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.handlers import guard_job

if __name__ == "__main__":
    settings = Settings()
    sys.exit(guard_job(list_handlers(settings), memory=settings.job_memory, niceness=0))
