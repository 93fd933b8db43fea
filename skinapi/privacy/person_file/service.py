"""A person asks for the file with everything about them, follows how it is made, and fetches it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import Field

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict, Duplicate, NotFound
from skinapi.base.values import Value
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.jobs.job import PERSON_FILE, Job, JobEnded
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.privacy.person_file.stored_files import (
    FileNotReady,
    FileUnderWay,
    NoFile,
    PersonFile,
    PersonFiles,
)

NO_PATIENT = "There is no such patient"
State = Literal["none", "waiting", "making", "ready", "fetched", "outdated", "failed", "cancelled"]


class AsksAlone(Conflict):
    code = "asks_alone"
    sentence = (
        "This person has a log-in here, and asks for the file in the console. You get files of "
        "patients alone who came from another system"
    )


class FileView(Value):
    """How far the file of an account is."""

    state: State = Field(
        description="`none`; `waiting` for a worker; `making`; `ready`, to be fetched once; "
        "`fetched`, and deleted then; `outdated`: deleted, because it told of a finding that was "
        "deleted; `failed`; `cancelled`"
    )
    workers: bool = Field(
        description="whether this server runs job workers; else they are elsewhere, or nowhere"
    )
    no_worker: bool = Field(
        default=False,
        description="no worker takes jobs, here or elsewhere: it waits until one is started",
    )
    progress: float = Field(default=0.0, description="0 to 100")
    asked_at: datetime | None = None
    waits_seconds: int | None = Field(default=None, description="since it was asked for")
    made_at: datetime | None = None
    fetched_at: datetime | None = None
    until: datetime | None = Field(
        default=None,
        description="when it is deleted, also where nobody has fetched it; before it is made, when "
        "it is given up",
    )
    bytes: int = Field(default=0, description="of what is there so far")
    error: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFilesService:
    """`workers_here`: this server runs job workers."""

    files: PersonFiles
    accounts: Accounts
    trail: AuditTrail
    jobs: JobsService
    failed: FailedItems
    second_factor: SecondFactorService
    workers_here: bool

    def ask(self, *, account: Account, session_id: str, proof: Proof) -> FileView:
        """Have the file made. FileUnderWay uses up no code."""
        factor = self.second_factor
        factor.verify_owner(account, proof.password, proof.caller, session_id=session_id)
        self.refuse_second(account.id)
        factor.verify(account, proof.code, proof.caller)
        return self._make(account)

    def ask_for_patient(
        self, *, email: str, by: Account, session_id: str, proof: Proof
    ) -> FileView:
        patient = self.find_patient(email)
        self.second_factor.reauthenticate(by, proof, session_id=session_id)
        self.refuse_second(patient.id)
        self.trail.record(AuditRow("person_file.order", by=by.id, target=patient.id))
        return self._make(patient)

    def open_for_patient(self, *, email: str, by: str) -> tuple[PersonFile, Iterator[bytes]]:
        patient = self.find_patient(email)
        opened = self.open(account=patient.id, by=by)
        self.trail.record(AuditRow("person_file.hand_over", by=by, target=patient.id))
        return opened

    def find_patient(self, email: str) -> Account:
        """Find a patient who came from another system, and refuse anybody else."""
        account = self.accounts.find_by_email(email)
        if account is None or account.status == "deleting":
            raise NotFound(NO_PATIENT)
        if account.external is None:
            raise AsksAlone
        return account

    def _make(self, account: Account) -> FileView:
        self.files.forget(account.id)  # what is remembered of the one before
        file = new_id()
        try:
            self.jobs.submit(
                kind=PERSON_FILE,
                owner=account.id,
                request={"file": file},
                key=file,
                short=True,
                lock=partial(self.files.add, account.id, file),
            )
        except Duplicate as error:
            raise FileUnderWay from error
        return self.show(account=account.id)

    def refuse_second(self, account: str) -> None:
        if self.show(account=account).state in ("waiting", "making", "ready"):
            raise FileUnderWay

    def show(self, *, account: str) -> FileView:
        file = self.files.find(account)
        if file is None:
            return FileView(state="none", workers=self.workers_here)
        job = self._job_of(file)
        state, waits = _state_of(file, job), now() - file.created_at
        return FileView.from_record(
            file,
            job,
            state=state,
            workers=self.workers_here,
            no_worker=state == "waiting" and self.jobs.queue.find_wait_without_worker() is not None,
            asked_at=file.created_at,
            waits_seconds=max(0, round(waits.total_seconds())),
            until=file.expires_at,
        )

    def delete(self, *, account: str, by: str) -> None:
        """Delete the file, and end what makes it."""
        file = self.files.find(account)
        job = self._job_of(file) if file else None
        self.files.delete(account=account, by=by)
        if job and not job.ended:
            with suppress(JobEnded, NotFound):  # in this moment
                self.jobs.queue.cancel(job)

    def open(self, *, account: str, by: str) -> tuple[PersonFile, Iterator[bytes]]:
        """Return the file and its bytes. When the last of them was taken, it is deleted."""
        file = self.files.find(account)
        if file is None or file.state in ("fetched", "outdated"):
            raise NoFile
        if file.state != "ready":
            raise FileNotReady
        return file, self._hand_over(file, by)

    def _hand_over(self, file: PersonFile, by: str) -> Iterator[bytes]:
        # Who takes a piece asks for the next one when it has sent it: so what follows the last
        # `yield` runs only where the connection has taken all of it.
        yield from self.files.read(file)
        self.files.mark_fetched(file, by=by)

    def sweep(self) -> None:
        self.files.sweep()
        self.failed.do_each("person_file", self.files.find_unfinished(), self._sweep_unfinished)

    def _sweep_unfinished(self, document: Document) -> None:
        file = PersonFile.model_validate(document)
        job = self._job_of(file)
        if file.pieces and (job is None or job.ended):
            self.files.empty(file)

    def _job_of(self, file: PersonFile) -> Job | None:
        return self.jobs.queue.find_by_key(
            kind=PERSON_FILE, owner=file.id, request={"file": file.file}, key=file.file
        )


def _state_of(file: PersonFile, job: Job | None) -> State:
    if file.state != "making":
        return file.state
    if job is None:
        return "cancelled"
    states: dict[str, State] = {"queued": "waiting", "failed": "failed", "cancelled": "cancelled"}
    return states.get(job.status, "making")
