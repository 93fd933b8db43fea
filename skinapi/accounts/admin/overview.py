"""What an admin should know at a glance: what waits, what failed, the disk, the backup, the model.

All of it is counted or kept elsewhere already. It is one answer of a few reads from indexes.
"""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from skinapi.accounts.admin.decisions import DecisionsService
from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.base.errors import NoModel
from skinapi.model.registry.drift import DriftService
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.platform.backups.backup import find_last_backup
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.clock_watch import ClockWatch
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ports import Store

FAILED_SHOWN = 5


class Disk(NamedTuple):
    free_bytes: int
    total_bytes: int


class WaitingFindings(Protocol):
    def count_overdue(self) -> Mapping[str | None, int]:
        """See `Submissions`."""


class UnassignedFindings(Protocol):
    def count(self) -> Any:
        """Count `patients`, `findings` and the `urgent` ones: see `UnassignedPatients`."""

    def has_readers(self) -> bool:
        """See `UnassignedPatients`."""


class WaitingMessages(Protocol):
    def count_left(self) -> Mapping[str | None, int]:
        """See `Messages`."""


@dataclass(frozen=True, slots=True)
class LeftWithDoctor:
    """`doctor` is None where no doctor is in charge."""

    doctor: Account | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewService:
    """`folder` is where this server keeps its files."""

    decisions: DecisionsService
    accounts: Accounts
    findings: WaitingFindings
    messages: WaitingMessages
    unassigned: UnassignedFindings
    outbox: Outbox
    jobs: Jobs
    drift: DriftService
    served: ServedModel
    folder: Path
    store: Store
    failed: FailedItems
    clock: ClockWatch

    def list_overdue_findings(self) -> Sequence[LeftWithDoctor]:
        """Spots that a doctor should have seen by a day that is past (docs/reviews.md)."""
        return self._with_doctors(self.findings.count_overdue())

    def list_left_messages(self) -> Sequence[LeftWithDoctor]:
        """Messages of patients that no doctor has answered for a day."""
        return self._with_doctors(self.messages.count_left())

    def _with_doctors(self, counted: Mapping[str | None, int]) -> Sequence[LeftWithDoctor]:
        """Most first; those of nobody at the top."""
        doctors = self.accounts.by_ids({one for one in counted if one})
        left = [LeftWithDoctor(doctors.get(one or ""), count) for one, count in counted.items()]
        return sorted(left, key=lambda one: (one.doctor is not None, -one.count))

    def find_backup(self) -> datetime | None:
        """When the store was last backed up."""
        return find_last_backup(self.store)

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
