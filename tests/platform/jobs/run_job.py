"""The process of a test job, with the test handlers and normal niceness. It imports no settings,
which would be a fifth of its start.
"""

import os
import sys

from skinapi.platform.jobs.handlers import guard_job

KINDS = (
    "count", "fail", "break_down", "lose_store", "crash", "print_secret",
    "ignore_sigterm", "need_memory", "find_other_key",
    "leave_grandchildren", "answer_too_much", "send_nonsense",
)  # fmt: skip
HANDLERS = {kind: f"tests.platform.jobs.handlers:{kind}" for kind in KINDS} | {
    "gone": "tests.nowhere:no",
    "register": "tests.platform.jobs.registering:register",
}

if __name__ == "__main__":
    sys.exit(guard_job(HANDLERS, memory=int(os.environ.get("JOB_MEMORY_BYTES", "-1")), niceness=0))
