"""The process of a job of the lab, not niced, in which a training trains a tiny network."""

import sys

from skinapi.jobs.process.job_guard import guard_job
from skinapi.run_job import HANDLERS
from skinapi.settings import Settings

TINY_HANDLERS = {**HANDLERS, "training": "tests.lab.tiny_training:train"}

if __name__ == "__main__":
    sys.exit(guard_job(TINY_HANDLERS, memory=Settings().job_memory, niceness=0))
