"""The program of one job's process, `python -m skinapi.app.run_job`, which the worker starts.

It is not part of `worker`: the guard of a job needs no store, and lives as long as the job.
"""

import os
import sys

from skinapi.base.settings import Settings
from skinapi.platform.jobs.handlers import Handlers, guard_job

# Each kind of job, and its handler as `module:function`, which only the process of a job imports.
HANDLERS: Handlers = {
    "training": "skinapi.lab.jobs.training_job:train",
    "import": "skinapi.lab.jobs.import_job:import_model",
    "person_file": "skinapi.app.composition.person_file_job:make_file",
}

if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(guard_job(HANDLERS, memory=Settings().job_memory))
