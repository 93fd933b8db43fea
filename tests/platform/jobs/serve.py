"""The server, and beside it the worker for tests: `python -m tests.platform.jobs.serve`.

It waits a tenth of the usual time before it starts a dead worker again.
"""

import sys
import time
from functools import partial

from skinapi import __main__ as command_line
from skinapi.platform.jobs.process import WorkerKeeper

WORKER = (sys.executable, "-m", "tests.platform.jobs.entry")

if __name__ == "__main__":
    keeper = partial(WorkerKeeper, WORKER, clock=lambda: 10 * time.monotonic())
    vars(command_line)["WorkerKeeper"] = keeper
    sys.exit(command_line.main(["serve"]))
