"""Queries, request bodies and answers of the admin routes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from skinapi.accounts.admin import usage
from skinapi.accounts.admin.decisions import DEFAULT, MOST_COUNTED, ApprovedRole, Decided
from skinapi.accounts.admin.overview import LeftWithDoctor, OverviewService
from skinapi.accounts.auth.accounts import Account, Status
from skinapi.accounts.auth.emails import Email, NewEmail
from skinapi.accounts.auth.events import PatientNumber
from skinapi.accounts.auth.passwords import NewPassword
from skinapi.accounts.auth.schemas import AccountView
from skinapi.base.field_types import Identifier, Legible, Name, NumberPart, Printable, SearchText
from skinapi.base.stored_record import optional
from skinapi.base.subject import ErasureReason, RefusalReason, Role
from skinapi.model.conditions import Band
from skinapi.platform.audit.trail import ACCOUNT_FIELDS, TrailFilter, cursor_of
from skinapi.platform.storage.failed_items import MOST_SHOWN
from skinapi.platform.storage.ports import Document
from skinapi.platform.web.schemas import (
    LARGEST_PAGE,
    Answer,
    Body,
    ContractBody,
    ContractPageQuery,
    PageQuery,
)

LONGEST_USAGE_DAYS = 366
MOST_CHOSEN = 100
MOST_FOLLOWED = 10_000
Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    Printable,
    Legible,
]


class DeletionQuery(BaseModel):
    model_config = ConfigDict(frozen=True)
    reason: ErasureReason | None = Field(
        default=None, description="the person reads it in the receipt"
    )


class NumberOfPatient(Body):
    """The number under which another system knows a patient."""

    system: NumberPart
    value: NumberPart


class Deletion(ContractBody):
    patient_number: NumberOfPatient | None = Field(
        default=None,
        description="of a patient whom another system has sent: needed where a doctor is still to "
        "tell the patient of a finding (409 `patient_number_needed`)",
    )

    @property
    def number(self) -> PatientNumber | None:
        named = self.patient_number
        return PatientNumber(system=named.system, value=named.value) if named else None


class DoctorSearch(ContractPageQuery):
    q: SearchText | None = Field(
        default=None, description="beginning of a name, a last name or an e-mail"
    )
    status: Status | None = None


class UserSearch(DoctorSearch):
    role: Literal["user", "researcher", "admin"] | None = None


class AccountSearch(PageQuery):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    q: SearchText | None = Field(
        default=None, description="beginning of a name, a last name or an e-mail"
    )
    role: Role | None = None
    status: Status | Literal["refused"] | None = None


class ListedAccount(AccountView):
    doctor: str | None = Field(default=None, description="the e-mail of the doctor in charge")
    patients: int | None = Field(
        default=None, description="how many patients are in the care of a doctor"
    )

    @classmethod
    def of(
        cls, account: Account, *, doctors: Mapping[str, str], patients: Mapping[str, int]
    ) -> Self:
        beside = {
            "doctor": doctors.get(account.doctor_id or ""),
            "patients": patients.get(account.id, 0) if account.role == "doctor" else None,
        }
        return cls.model_validate(account).model_copy(update=beside)


class RefusalView(Answer):
    model_config = ConfigDict(from_attributes=True)

    reason: RefusalReason
    note: str | None = Field(description="what the admin has added for the account's owner")


class AccountRow(ListedAccount):
    """An account in the list of all of them."""

    refusal: RefusalView | None = Field(
        default=None, description="why it was not approved; its status is `suspended`"
    )
    link_allowed: str | None = optional(
        "the provider of the clinic's log-in at which it may log in next time"
    )
    joined_to: str | None = optional(
        "the id of the account to which it was joined; its status is `suspended`"
    )
    default_doctor: bool = optional("whether it is that of DEFAULT_DOCTOR", default=False)

    @classmethod
    def of(
        cls,
        account: Account,
        *,
        doctors: Mapping[str, str],
        patients: Mapping[str, int],
        default_doctor: str | None = None,
    ) -> Self:
        row = super().of(account, doctors=doctors, patients=patients)
        refused = account.status == "suspended" and account.refusal
        refusal = RefusalView.model_validate(account.refusal) if refused else None
        default = account.id == default_doctor
        return row.model_copy(update={"refusal": refusal, "default_doctor": default})


class ChosenAccounts(Body):
    accounts: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_CHOSEN)]


class DoctorOfApproved(BaseModel):
    """The part of a body that names the doctor in charge of whom it approves."""

    doctor: Email | None = Field(
        default=None,
        description="the e-mail of the doctor of those that are patients then; null: no doctor "
        "yet. Without the field, whoever waited and has no doctor gets that of DEFAULT_DOCTOR",
    )

    @property
    def chosen_doctor(self) -> str | None:
        return self.doctor if "doctor" in self.model_fields_set else DEFAULT


class Approvals(DoctorOfApproved, ChosenAccounts):
    role: ApprovedRole = Field(
        default="wanted", description="`wanted`: what each has asked for at its registration"
    )


class Refusals(ChosenAccounts):
    reason: RefusalReason
    note: Note | None = Field(default=None, description="shown to the owners; `other` needs it")

    @model_validator(mode="after")
    def _other_is_explained(self) -> Self:
        if self.reason == "other" and self.note is None:
            raise ValueError("note: the reason `other` needs one")
        return self


class LeftAccount(Answer):
    account: str
    code: str
    sentence: str


class DecidedView(Answer):
    done: list[str] = Field(description="the accounts that are as they were wanted")
    left: list[LeftAccount] = Field(description="those that could not be decided on, and why")

    @classmethod
    def of(cls, decided: Decided) -> Self:
        left = [
            LeftAccount(account=account, code=error.code, sentence=error.detail)
            for account, error in decided.left.items()
        ]
        return cls(done=decided.done, left=left)


class WaitingCount(Answer):
    count: int = Field(description=f"how many wait for approval, counted up to {MOST_COUNTED}")


class Approval(DoctorOfApproved, ContractBody):
    role: Literal["user", "doctor", "researcher"] | None = None


class NewRole(Body):
    role: Role


class NewDoctor(ContractBody):
    missing: ClassVar[str] = "Name, email, and password required"
    name: Name
    email: NewEmail
    password: NewPassword


class Assignment(Body):
    doctor: Email | None = Field(description="the doctor's e-mail; null for nobody")


class PasswordReset(Answer):
    message: str
    password: str = Field(description="to be handed over once; it opens the password page alone")
    expires_at: datetime


# The times of ids, of which a range is made.
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 2, tzinfo=UTC), le=datetime(2999, 1, 1, tzinfo=UTC))
]


class AuditFilters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Identifier | None = None
    action: Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z_]+$")] | None = None
    account: Identifier | None = Field(
        default=None,
        description="who did it or had it done, or whose finding, spot or letter it was",
    )
    key: Identifier | None = Field(
        default=None,
        description="of the program that did it; without `action` and `account`",
    )
    since: Moment | None = Field(default=None, description="written then or later")
    until: Moment | None = Field(default=None, description="written before then")

    @model_validator(mode="after")
    def _ask_for_a_key_alone(self) -> Self:
        if self.key and (self.action or self.account):
            raise ValueError("ask for a key without an action and without an account")
        return self

    @property
    def wanted(self) -> TrailFilter:
        return TrailFilter(
            action=self.action,
            account=self.account,
            key=self.key,
            since=self.since,
            until=self.until,
        )


class AuditQuery(AuditFilters):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class AuditExport(AuditFilters):
    format: Literal["csv", "json"] = "csv"


class AuditFollowing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="of a program that collects: the `cursor` of the row before"
    )
    limit: Annotated[int, Field(ge=1, le=MOST_FOLLOWED)] = MOST_FOLLOWED


class AuditLine(Answer):
    """A row as a program collects it: as it was written, by ids alone."""

    cursor: str
    sequence: int
    id: str
    created_at: datetime
    action: str
    outcome: str | None = None
    by: str
    by_key: str | None = None
    target: str
    owner: str | None = None
    detail: str | None = None
    request_id: str | None = None
    previous: str | None = None
    hash: str | None = None
    signed: bool

    @classmethod
    def of(cls, row: Document) -> Self:
        known = {name: row[name] for name in cls.model_fields if name in row}
        return cls(**known, cursor=cursor_of(row))


class AuditRow(Answer):
    id: str = Field(serialization_alias="_id")
    sequence: int | None = Field(
        default=None, description="its place in the chain, which a new row gets within seconds"
    )
    created_at: datetime
    action: str
    phase: Literal["intent", "outcome"] = Field(
        description="`intent` only in rows of earlier versions"
    )
    outcome: str | None = None
    intent: str | None = Field(default=None, description="the row this one completes")
    by: str
    by_email: str | None = Field(description="null once the account is gone")
    target: str
    by_name: str | None = Field(description="as `by_email`")
    target_email: str | None
    target_name: str | None
    owner: str | None = Field(
        default=None,
        description="the account whose finding, spot or letter the target is, or the patient whom "
        "the row is about; null in rows of earlier versions",
    )
    finding: int | None = Field(
        default=None, description="the number of the finding that the target is, while it is there"
    )
    owner_email: str | None
    owner_name: str | None
    detail: str | None = Field(
        default=None,
        description="on what grounds: the gates of a model that was promoted, the reason of a "
        "report of abuse and the id of the message",
    )
    by_key: str | None = Field(
        default=None, description="the id of the key with which a program did it"
    )
    request_id: str | None = None
    hash: str | None = Field(default=None, description="of a row that has its place in the chain")
    signed: bool = Field(
        description="whether this server's signature of the row is right; false for a row of a "
        "version that did not sign, and for one that somebody else wrote or changed"
    )

    @classmethod
    def of(cls, row: Document, accounts: Mapping[str, Account]) -> Self:
        who: dict[str, str | None] = {}
        for role in ACCOUNT_FIELDS:
            account = accounts.get(row.get(role) or "")
            who[f"{role}_email"] = account.email if account else None
            who[f"{role}_name"] = account.name if account else None
        return cls.model_validate({**row, **who})


class UsageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    days: Annotated[int, Field(ge=1, le=LONGEST_USAGE_DAYS)] = Field(
        default=30, description="how many days; today is the last one"
    )


class DayOfUsage(Answer):
    """What happened on one day (UTC). Deleting something later changes none of it."""

    day: date
    findings: int = Field(description="photos that were judged, for whomever")
    bands: dict[Band, int] = Field(description="the findings by risk band")
    refused: int = Field(description="photos that nobody could judge")
    accounts: int = Field(description="accounts that were opened")
    reports: int = Field(description="reports that were issued")

    @classmethod
    def of(cls, day: date, counted: Document) -> Self:
        return cls(
            day=day,
            findings=counted.get(usage.FINDINGS, 0),
            bands={band: counted.get(usage.field_of(band), 0) for band in Band},
            refused=counted.get(usage.REFUSED, 0),
            accounts=counted.get(usage.ACCOUNTS, 0),
            reports=counted.get(usage.REPORTS, 0),
        )


class UsageView(Answer):
    days: list[DayOfUsage] = Field(description="oldest first, with the days without any use")


class FailedJob(Answer):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(serialization_alias="_id")
    kind: str
    error: str | None
    completed_at: datetime | None


class DiskView(Answer):
    model_config = ConfigDict(from_attributes=True)

    free_bytes: int
    total_bytes: int


class LeftWithDoctorView(Answer):
    doctor: str | None = Field(description="the e-mail; null where no doctor is in charge")
    name: str | None
    count: int

    @classmethod
    def of(cls, left: LeftWithDoctor) -> Self:
        doctor = left.doctor
        return cls(
            doctor=doctor.email if doctor else None,
            name=doctor.name if doctor else None,
            count=left.count,
        )


class FailedItemView(Answer):
    """A record that the server cannot work on: it is tried again."""

    model_config = ConfigDict(from_attributes=True)

    work: str = Field(description="which pass failed on it")
    item: str = Field(description="its id; `python -m skinapi check` names what of it is damaged")
    created_at: datetime = Field(description="when it failed first")
    attempts: int
    reason: str = Field(description="the kind of the error")


class ClockAlarmView(Answer):
    """The clock showed `jumped_to` after `jumped_from`: it was wrong, or no server ran."""

    model_config = ConfigDict(from_attributes=True)

    jumped_from: datetime
    jumped_to: datetime
    set_right: datetime | None = Field(description="null while a clock still shows that time")
    spared_accounts: int = Field(description="accounts that it would have erased, and did not")
    spared_records: int = Field(description="medical records that it would have erased")


class UnassignedTotals(Answer):
    patients: int
    findings: int = Field(description="of theirs, that wait for a doctor")
    urgent: int = Field(
        description="those of them that ask for a doctor this week, and are not reviewed, or not "
        "told to the patient"
    )
    listed: bool = Field(description="whether an active doctor sees them, and may take them")


class Overview(Answer):
    """What an admin should know at a glance."""

    unassigned: UnassignedTotals = Field(
        description="patients without an active doctor in charge, with findings that wait"
    )
    overdue_findings: list[LeftWithDoctorView] = Field(
        description="spots, and findings that belong to none, that a doctor should have seen by a "
        "day that is past, by the doctor in charge"
    )
    left_messages: list[LeftWithDoctorView] = Field(
        description="messages of patients that no doctor has answered for a day, by the doctor in "
        "charge"
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
    drift_alerts: int = Field(description="in how many measures photos or findings have changed")
    failed_items: list[FailedItemView] = Field(
        description=f"damaged records that the server cannot work on, {MOST_SHOWN} at most"
    )
    clock_alarm: ClockAlarmView | None = Field(
        description="while the clock of a server is wrong, and for a week after; else null"
    )

    @classmethod
    def of(cls, overview: OverviewService) -> Self:
        disk, alarm = overview.read_disk(), overview.clock.find_alarm()
        counted, listed = overview.unassigned.count(), overview.unassigned.has_readers()
        return cls(
            unassigned=UnassignedTotals(**dict(counted), listed=listed),
            overdue_findings=[
                LeftWithDoctorView.of(finding) for finding in overview.list_overdue_findings()
            ],
            left_messages=[
                LeftWithDoctorView.of(message) for message in overview.list_left_messages()
            ],
            waiting_accounts=overview.decisions.count_waiting(),
            late_mails=overview.count_late_mails(),
            failed_jobs=[FailedJob.model_validate(job) for job in overview.list_failed_jobs()],
            jobs=overview.jobs.count_unfinished(),
            job_worker_missing=overview.jobs.find_wait_without_worker() is not None,
            disk=DiskView.model_validate(disk) if disk else None,
            backup_at=overview.find_backup(),
            model_version=overview.model_version(),
            model_problem=overview.served.problem,
            drift_alerts=overview.count_changes(),
            failed_items=[
                FailedItemView.model_validate(one) for one in overview.failed.list_some()
            ],
            clock_alarm=ClockAlarmView.model_validate(alarm) if alarm else None,
        )
