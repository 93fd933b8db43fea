"""The worker with the jobs of the lab, run by this module: `python -m tests.lab.worker MODULE`."""

import sys

from skinapi.worker import main

if __name__ == "__main__":
    sys.exit(main(job_program=sys.argv.pop()))
