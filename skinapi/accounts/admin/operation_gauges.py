import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skinapi.accounts.admin.waiting_work import (
    Checkers,
    PatientsWithoutDoctor,
    WaitingSpotCounts,
)
from skinapi.base.values import GaugeReading
from skinapi.platform.backups.backup import find_last_backup
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationGauges:
    store: Store
    outbox: Outbox
    deliveries: Deliveries
    kinds: tuple[str, ...]
    unassigned: PatientsWithoutDoctor
    spots: WaitingSpotCounts
    checkers: Checkers
    folder: Path

    def measure_store(self) -> Iterator[GaugeReading]:
        made = find_last_backup(self.store)
        age = (now() - made).total_seconds() if made else NEVER
        yield GaugeReading("skinapi_backup_age_seconds", "Since the last whole backup", age)
        text = "Mails that should have been taken ten minutes ago"
        yield GaugeReading("skinapi_late_mails", text, self.outbox.count_late())
        text = "Deliveries that should have been taken ten minutes ago"
        by_kind = dict.fromkeys(self.kinds, 0) | self.deliveries.count_late_by_kind()
        for kind, count in by_kind.items():
            yield GaugeReading("skinapi_late_deliveries", text, count, (("kind", kind),))
        unassigned = self.unassigned.count()
        text = "Patients without a doctor whose spots wait for one"
        yield GaugeReading("skinapi_unassigned_patients", text, unassigned.patients)
        text = "Spots that have waited for too long"
        for kind, by_doctor in self.spots.count_overdue().items():
            count = sum(by_doctor.values())
            yield GaugeReading("skinapi_overdue_spots", text, count, (("kind", kind),))
        text = "LLMs, by language, whose comparing of sentences with passages is not believed"
        unproven = [item for item in self.checkers.list_current() if item.passed_at is None]
        yield GaugeReading("skinapi_checkers_not_believed", text, len(unproven))

    def measure_disk(self) -> Iterator[GaugeReading]:
        with suppress(OSError):
            usage = shutil.disk_usage(self.folder)
            text = "Of the disk of INSTANCE_DIR"
            yield GaugeReading("skinapi_disk_free_bytes", text, usage.free)
            yield GaugeReading("skinapi_disk_total_bytes", text, usage.total)
