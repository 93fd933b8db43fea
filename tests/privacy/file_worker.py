"""The job worker, whose jobs run in `file_job`."""

import sys

from skinapi.app.worker import main
from skinapi.platform.jobs.attempt import Timing

if __name__ == "__main__":
    sys.exit(
        main(job_program="tests.privacy.file_job", timing=Timing(poll=0.1, beat=0.2, lease=3600.0))
    )
