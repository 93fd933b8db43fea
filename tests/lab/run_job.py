"""The process of a job of the lab, not niced: beside busy tests it would get no processor."""

import sys

from skinapi.jobs.job_guard import guard_job
from skinapi.run_job import HANDLERS
from skinapi.settings import Settings

if __name__ == "__main__":
    sys.exit(guard_job(HANDLERS, memory=Settings().job_memory, niceness=0))
