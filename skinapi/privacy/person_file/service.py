from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Duplicate, Forbidden, NotFound
from skinapi.base.values import Value
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.jobs.job import PERSON_FILE, Job, JobEnded
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic
from skinapi.privacy.person_file.stored_files import FileUnderWay, PersonFile, PersonFiles

State = Literal["none", "waiting", "making", "ready", "failed"]
UNFETCHED = ("waiting", "making", "ready")


NO_PATIENT = (
    "There is no such patient of another system. Persons with a log-in ask for their own file"
)


class FileView(Value):
    """How far the file is."""

    state: State = Field(
        description="`none`; `waiting` for a worker; `making`; `ready`, to be fetched once; "
        "`failed`"
    )
    no_worker: bool = Field(
        default=False,
        description="no worker takes jobs, here or elsewhere: it waits until one is started",
    )
    progress: float = Field(default=0.0, description="0 to 100")
    until: datetime | None = Field(default=None, description="when it is deleted")
    bytes: int = 0
    error: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFilesService:
    """`patient` is a patient of another system, for whom an admin gets the file."""

    work: UnitOfWork
    files: PersonFiles
    accounts: Accounts
    trail: AuditTrail
    jobs: JobsService
    second_factor: SecondFactorService

    def ask(self, *, patient: str | None, by: Subject, proof: Proof) -> FileView:
        of = self._find(patient, by)
        self.second_factor.reauthenticate(by.account, proof, session_id=by.session_id)
        before = self.files.find(of.id)
        if self._describe(before).state in UNFETCHED:
            raise FileUnderWay
        if before:
            self.files.forget(of.id, file=before.file)
        if patient:
            self.trail.record(AuditRow("person_file.order", by=by.id, target=of.id))
        file = new_id()
        try:
            self.jobs.submit(
                kind=PERSON_FILE,
                owner=of.id,
                request={"file": file},
                key=file,
                short=True,
                lock=partial(self.files.add, of.id, file),
            )
        except Duplicate as error:  # another request at the same time
            raise FileUnderWay from error
        return self.show(patient=patient, by=by)

    def show(self, *, patient: str | None, by: Subject) -> FileView:
        return self._describe(self.files.find(self._find(patient, by).id))

    def fetch(self, *, patient: str | None, by: Subject) -> tuple[PersonFile, Iterator[bytes]]:
        """The content can be read once."""
        taken = self.files.take(self._find(patient, by).id, by=by.id)
        return taken, self.files.read(taken)

    def delete(self, *, patient: str | None, by: Subject) -> None:
        """Delete the file and end the job that makes it."""
        of = self._find(patient, by)
        job = self._job_of(self.files.find(of.id))
        self._delete(account=of.id, by=by.id)
        if job:
            with suppress(JobEnded, NotFound):
                self.jobs.queue.cancel(job)

    @atomic
    def _delete(self, unit: Unit, *, account: str, by: str) -> None:
        unit.audit("person_file.delete", by=by, target=account)
        unit.erase(self.files.forget_with(account))

    def _find(self, patient: str | None, by: Subject) -> Account:
        if patient is None:
            return by.account
        if by.role != "admin":
            raise Forbidden("Only admin can get the file of a patient of another system")
        account = self.accounts.find_by_email(patient)
        if account is None or account.status == "closed" or account.external is None:
            raise NotFound(NO_PATIENT)
        return account

    def _describe(self, file: PersonFile | None) -> FileView:
        if file is None or file.state == "fetched" or file.expires_at <= now():
            return FileView(state="none")
        if file.state == "ready":
            return FileView.from_record(file, until=file.expires_at, progress=100.0)
        job = self._job_of(file)
        states: dict[str, State] = {"queued": "waiting", "failed": "failed", "cancelled": "none"}
        state = states.get(job.status, "making") if job else "none"
        lost = state == "waiting" and self.jobs.queue.find_wait_without_worker() is not None
        return FileView.from_record(job or file, state=state, until=file.expires_at, no_worker=lost)

    def _job_of(self, file: PersonFile | None) -> Job | None:
        if file is None:
            return None
        return self.jobs.queue.find_by_key(
            kind=PERSON_FILE, owner=file.id, request={"file": file.file}, key=file.file
        )
