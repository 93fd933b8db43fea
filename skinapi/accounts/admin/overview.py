import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ConfigDict, Field

from skinapi.accounts.admin.decisions import MOST_COUNTED
from skinapi.accounts.admin.waiting_work import (
    Checkers,
    PatientsWithoutDoctor,
    WaitingSpotCounts,
)
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import NoModel
from skinapi.base.languages import Language
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.platform.backups.backup import find_last_backup
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.ports import Store
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.schemas import Answer

FAILED_SHOWN = 5


class ReadFrom(Answer):
    model_config = ConfigDict(from_attributes=True)


class FailedJob(ReadFrom):
    id: str = Field(serialization_alias="_id")
    kind: str
    error: str | None
    completed_at: datetime | None


class DiskView(Answer):
    free_bytes: int
    total_bytes: int


class OverdueSpots(Answer):
    kind: str = Field(
        description="what the spots wait for: `review`, `result`, `photo`, `opinion`, `answer`, "
        "`visit` or `telling`"
    )
    doctor: str | None = Field(description="the e-mail; null where no active doctor is in charge")
    name: str | None
    count: int


class UnassignedTotals(Answer):
    patients: int
    spots: int = Field(description="of theirs, that wait for a doctor")
    urgent: int = Field(
        description="those of them that ask for a doctor this week, and are not reviewed, or not "
        "told to the patient"
    )
    listed: bool = Field(description="whether an active doctor sees them, and may take them")
    has_doctor: bool = Field(description="whether there is an active doctor at all")


class CheckerView(Answer):
    """An LLM that compares what another one wrote with the passages, in one language."""

    model: str
    language: Language
    passed_at: datetime | None = Field(
        description="since when it is believed; null where it is not, so that the passages stand"
    )
    due_at: datetime | None = Field(description="when it is examined again, if it is not believed")
    pairs: int = Field(description="the last pairs with a known answer that it was tested with")
    right: int = Field(description="of those")


class Overview(Answer):
    """What an admin should know at a glance."""

    unassigned: UnassignedTotals = Field(
        description="patients without an active doctor in charge, with spots that wait"
    )
    overdue: list[OverdueSpots] = Field(
        description="spots that have waited for too long, by kind and doctor in charge. Spots of "
        "patients without a doctor come first, then the largest counts"
    )
    waiting_accounts: int = Field(description=f"they wait for approval; at most {MOST_COUNTED}")
    late_mails: int | None = Field(
        description="mails that the mail server does not take; null where the server sends none"
    )
    failed_jobs: list[FailedJob] = Field(description="the newest, of those that are still kept")
    jobs: dict[str, int] = Field(
        description="how many are queued, running, and lost: their worker has disappeared"
    )
    job_worker_missing: bool = Field(description="a job waits, and no worker takes it")
    disk: DiskView | None = Field(
        description="of the folder in which this server keeps its files; null where it has none"
    )
    backup_at: datetime | None = Field(
        description="when `python -m skinapi backup` last ended; null where it never did"
    )
    model_version: str | None = Field(description="in service; null where there is none")
    model_problem: str | None = Field(description="why another model does not serve")
    leaves: list[str] = Field(description="the settings that are made by which data leaves here")
    checkers: list[CheckerView] = Field(
        description="the LLMs that compare, by model and language, that were asked for"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewService:
    """`leaves` are the settings by which data leaves this server."""

    accounts: Accounts
    spots: WaitingSpotCounts
    unassigned: PatientsWithoutDoctor
    outbox: Outbox
    jobs: Jobs
    served: ServedModel
    folder: Path
    leaves: Sequence[str]
    store: Store
    checkers: Checkers

    def read(self) -> Overview:
        return Overview(
            unassigned=UnassignedTotals(
                **dict(self.unassigned.count()),
                listed=bool(self.unassigned.list_readers()),
                has_doctor=self.accounts.has_active_doctor(),
            ),
            overdue=self._list_overdue(),
            waiting_accounts=self.accounts.count_waiting(most=MOST_COUNTED),
            late_mails=self.outbox.count_late() or (0 if self.outbox.enabled else None),
            failed_jobs=[
                FailedJob.model_validate(job) for job in self.jobs.list_failed(limit=FAILED_SHOWN)
            ],
            jobs=self.jobs.count_unfinished(),
            job_worker_missing=self.jobs.find_wait_without_worker() is not None,
            disk=self._read_disk(),
            backup_at=find_last_backup(self.store),
            model_version=self._model_version(),
            model_problem=self.served.problem,
            leaves=list(self.leaves),
            checkers=[
                CheckerView.from_record(item, pairs=len(item.right), right=sum(item.right))
                for item in self.checkers.list_current()
            ],
        )

    def _list_overdue(self) -> list[OverdueSpots]:
        overdue = self.spots.count_overdue()
        named = {doctor for counts in overdue.values() for doctor in counts if doctor}
        accounts = self.accounts.by_ids(named).values()
        doctors = {account.id: account for account in accounts if account.active_doctor}
        sums = Counter[tuple[str, str]]()
        for kind, counts in overdue.items():
            for doctor, count in counts.items():
                # An inactive doctor counts as no doctor.
                sums[kind, doctor if doctor in doctors else ""] += count
        rows = [
            OverdueSpots(
                kind=kind,
                doctor=doctors[doctor].email if doctor else None,
                name=doctors[doctor].name if doctor else None,
                count=count,
            )
            for (kind, doctor), count in sums.items()
        ]
        return sorted(rows, key=lambda row: (row.doctor is not None, -row.count, row.kind))

    def _read_disk(self) -> DiskView | None:
        with suppress(OSError):
            usage = shutil.disk_usage(self.folder)
            return DiskView(free_bytes=usage.free, total_bytes=usage.total)
        return None

    def _model_version(self) -> str | None:
        with suppress(NoModel):
            return self.served.model.version
        return None


overview_routes: Routes[OverviewService] = Routes()


@overview_routes.route("GET", "/admin/overview", access=admins("Only admin can view the overview"))
def show_overview(overview: OverviewService) -> Overview:
    """What waits, what failed, the disk, the last backup and the model in service."""
    return overview.read()
