"""The worker with the jobs of the lab, which are not niced: `python -m tests.lab.worker`."""

import sys

from skinapi.app.worker import main

if __name__ == "__main__":
    sys.exit(main(job_program="tests.lab.run_job"))
