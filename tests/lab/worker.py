"""The worker with the lab's own jobs, which train a tiny network, and get as much processor as the
other tests beside them: `python -m tests.lab.worker`.
"""

import sys

from skinapi.worker import main

if __name__ == "__main__":
    sys.exit(main(job_program="tests.lab.run_job"))
