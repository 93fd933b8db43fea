"""A person asks for the file with everything about them, follows how it is made, and fetches it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict, Duplicate, NotFound
from skinapi.platform.audit import AuditTrail
from skinapi.platform.jobs.job import PERSON_FILE, Job, JobEnded
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.storage.background import PeriodicThread
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

SWEEP_EVERY_S = 300.0
NO_PATIENT = "There is no such patient"
State = Literal["none", "waiting", "making", "ready", "fetched", "outdated", "failed", "cancelled"]


class AsksAlone(Conflict):
    code = "asks_alone"
    sentence = (
        "This person has a log-in here, and asks for the file in the console. You get files of "
        "patients alone who came from another system"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """How far the file of an account is. `workers`: whether this server runs workers itself.
    `no_worker`: jobs have waited so long that there is none anywhere.
    """

    state: State
    workers: bool
    no_worker: bool = False
    progress: float = 0.0
    asked_at: datetime | None = None
    waits_seconds: int | None = None
    made_at: datetime | None = None
    fetched_at: datetime | None = None
    until: datetime | None = None
    bytes: int = 0
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

    def ask(self, *, account: Account, session_id: str, proof: Proof) -> FileState:
        """Have the file made. Raises the errors of `reauthenticate`, FileUnderWay, which uses up no
        code, and TooManyJobs.
        """
        factor = self.second_factor
        factor.verify_owner(account, proof.password, proof.caller, session_id=session_id)
        self.refuse_second(account.id)
        factor.verify(account, proof.code, proof.caller)
        return self._make(account)

    def ask_for_patient(
        self, *, email: str, by: Account, session_id: str, proof: Proof
    ) -> FileState:
        """The same of a patient who has no log-in, for an admin who hands it over and proves who
        asks. Raises as `ask`, and as `find_patient`.
        """
        patient = self.find_patient(email)
        self.second_factor.reauthenticate(by, proof, session_id=session_id)
        self.refuse_second(patient.id)
        self.trail.record(AuditRow("person_file.order", by=by.id, target=patient.id))
        return self._make(patient)

    def open_for_patient(self, *, email: str, by: str) -> tuple[PersonFile, Iterator[bytes]]:
        """As `open`, for that admin. Raises as `find_patient` too."""
        patient = self.find_patient(email)
        opened = self.open(account=patient.id, by=by)
        self.trail.record(AuditRow("person_file.hand_over", by=by, target=patient.id))
        return opened

    def find_patient(self, email: str) -> Account:
        """The account of a patient who came from another system. Raises NotFound, and AsksAlone for
        anybody else.
        """
        account = self.accounts.find_by_email(email)
        if account is None or account.status == "deleting":
            raise NotFound(NO_PATIENT)
        if account.external is None:
            raise AsksAlone
        return account

    def _make(self, account: Account) -> FileState:
        self.files.forget(account.id)  # what is remembered of the one before
        file = new_id()
        try:
            self.jobs.submit(
                kind=PERSON_FILE,
                owner=account.id,
                request={"file": file},
                key=file,
                short=True,
                hold=partial(self.files.add, account.id, file),
            )
        except Duplicate as error:
            raise FileUnderWay from error
        return self.show(account=account.id)

    def refuse_second(self, account: str) -> None:
        """Raises FileUnderWay while one is made or waits to be fetched."""
        if self.show(account=account).state in ("waiting", "making", "ready"):
            raise FileUnderWay

    def show(self, *, account: str) -> FileState:
        file = self.files.find(account)
        if file is None:
            return FileState(state="none", workers=self.workers_here)
        job = self._job_of(file)
        state, waits = _state_of(file, job), now() - file.created_at
        return FileState(
            state=state,
            workers=self.workers_here,
            no_worker=state == "waiting" and self.jobs.queue.find_wait_without_worker() is not None,
            progress=job.progress if job else 0.0,
            asked_at=file.created_at,
            waits_seconds=max(0, round(waits.total_seconds())),
            made_at=file.made_at,
            fetched_at=file.fetched_at,
            until=file.expires_at,
            bytes=file.bytes,
            error=job.error if job else None,
            error_code=job.error_code if job else None,
        )

    def delete(self, *, account: str, by: str) -> None:
        """Delete the file, and end what makes it. Raises NoFile."""
        file = self.files.find(account)
        job = self._job_of(file) if file else None
        self.files.delete(account=account, by=by)
        if job and not job.ended:
            with suppress(JobEnded, NotFound):  # in this moment
                self.jobs.queue.cancel(job)

    def open(self, *, account: str, by: str) -> tuple[PersonFile, Iterator[bytes]]:
        """The file and its bytes. When the last of them was taken, it is deleted. Raises NoFile,
        FileNotReady.
        """
        file = self.files.find(account)
        if file is None or file.state in ("fetched", "outdated"):
            raise NoFile
        if file.state != "ready":
            raise FileNotReady
        return file, self._hand_over(file, by)

    def _hand_over(self, file: PersonFile, by: str) -> Iterator[bytes]:
        """Who takes a piece asks for the next one when it has sent it: so what follows the last
        `yield` runs only where the connection has taken all of it.
        """
        yield from self.files.read(file)
        self.files.mark_fetched(file, by=by)

    def sweep(self) -> None:
        """Delete what has expired, and what is left where nobody makes it any more."""
        self.files.sweep()
        pairs = ((one["id"], one) for one in self.files.find_unfinished())
        for _ in self.failed.each("person_file", pairs, self._sweep_unfinished):
            pass

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


class FileSweeper(PeriodicThread):
    """Deletes files that nobody has fetched in time."""

    def __init__(self, service: PersonFilesService) -> None:
        super().__init__("file-sweeper", every_s=SWEEP_EVERY_S, failure="files not swept")
        self._service = service

    def make_pass(self) -> None:
        self._service.sweep()
