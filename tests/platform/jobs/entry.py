"""A worker with test handlers and short times: `python -m tests.platform.jobs.entry`. With a
broker, SELDOM_POLL_S is the interval in which it polls the store.
"""

import os
import sys

# Keras brings it, and structlog would load it: a tenth of what the start of a worker costs.
sys.modules["rich"] = None  # type: ignore[assignment]

from skinapi.app.worker import main  # noqa: E402
from skinapi.platform.jobs.attempt import Timing  # noqa: E402

TIMING = Timing(
    lease=6.0,
    beat=0.2,
    poll=0.1,
    seldom_poll=float(os.environ.get("SELDOM_POLL_S", "1")),
    grace=1.0,
    margin=2.0,
    store_retry=0.2,
)

if __name__ == "__main__":
    sys.exit(main(job_program="tests.platform.jobs.run_job", timing=TIMING))
