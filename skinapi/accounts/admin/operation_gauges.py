"""Figures for Prometheus of what an operator should be woken or written to for."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skinapi.accounts.admin.waiting_work import FindingCounts, PatientsWithoutDoctor
from skinapi.base.values import GaugeReading
from skinapi.platform.backups.backup import find_last_backup
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationGauges:
    """`folder` is where this server keeps its files, and `kinds` are those of deliveries that it
    sends.
    """

    store: Store
    outbox: Outbox
    deliveries: Deliveries
    kinds: tuple[str, ...]
    unassigned: PatientsWithoutDoctor
    findings: FindingCounts
    folder: Path

    def measure_store(self) -> Iterator[GaugeReading]:
        made = find_last_backup(self.store)
        age = (now() - made).total_seconds() if made else NEVER
        yield GaugeReading("skinapi_backup_age_seconds", "Since the last whole backup", age)
        says = "Mails that should have been taken ten minutes ago"
        late = self.outbox.count_late() if self.outbox.enabled else 0
        yield GaugeReading("skinapi_late_mails", says, late)
        says = "Deliveries that should have been taken ten minutes ago"
        by_kind = dict.fromkeys(self.kinds, 0) | self.deliveries.count_late_by_kind()
        for kind, count in by_kind.items():
            yield GaugeReading("skinapi_late_deliveries", says, count, (("kind", kind),))
        unassigned = self.unassigned.count()
        says = "Patients without a doctor whose findings wait"
        yield GaugeReading("skinapi_unassigned_patients", says, unassigned.patients)
        says = "Findings that a doctor should have seen by a day that is past"
        overdue = sum(self.findings.count_overdue().values())
        yield GaugeReading("skinapi_overdue_findings", says, overdue)

    def measure_disk(self) -> Iterator[GaugeReading]:
        with suppress(OSError):
            usage = shutil.disk_usage(self.folder)
            says = "Of the disk of INSTANCE_DIR"
            yield GaugeReading("skinapi_disk_free_bytes", says, usage.free)
            yield GaugeReading("skinapi_disk_total_bytes", says, usage.total)
