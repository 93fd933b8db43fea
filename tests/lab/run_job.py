"""The process of a job of the lab, not niced: beside busy tests it would get no processor."""

import sys

from skinapi.jobs.run_job import run_job
from skinapi.run_job import HANDLERS

if __name__ == "__main__":
    sys.exit(run_job(HANDLERS, niceness=0))
