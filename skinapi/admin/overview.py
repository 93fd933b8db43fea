"""What an admin should know at a glance: what waits, what failed, the disk, the backup, the model.

All of it is counted or kept elsewhere already. It is one answer of a few bounded reads.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from skinapi.admin.decisions import DecisionsService
from skinapi.errors import NoModel
from skinapi.jobs.job import Job
from skinapi.jobs.job_queue import Jobs
from skinapi.notices.outbox import Outbox
from skinapi.registry.drift import DriftService
from skinapi.registry.prediction_pool import ServedModel

FAILED_SHOWN = 5


class Disk(NamedTuple):
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewService:
    """`folder` is where this server keeps its files; `find_backup` is when the store was last
    backed up.
    """

    decisions: DecisionsService
    outbox: Outbox
    jobs: Jobs
    drift: DriftService
    served: ServedModel
    folder: Path
    find_backup: Callable[[], datetime | None]

    def count_late_mails(self) -> int | None:
        """How many mails the mail server does not take; None where the server sends none."""
        return self.outbox.count_late() if self.outbox.enabled else None

    def list_failed_jobs(self) -> Sequence[Job]:
        return self.jobs.list_failed(limit=FAILED_SHOWN)

    def read_disk(self) -> Disk | None:
        """None where the folder cannot be looked at."""
        with suppress(OSError):
            usage = shutil.disk_usage(self.folder)
            return Disk(usage.free, usage.total)
        return None

    def model_version(self) -> str | None:
        with suppress(NoModel):
            return self.served.model.version
        return None

    def count_changes(self) -> int:
        """In how many measures the photos or the findings have changed."""
        return sum(alert is not None for _, alert in self.drift.run_tests())
