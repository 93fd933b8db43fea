from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from skinapi.accounts.admin import usage
from skinapi.accounts.admin.decisions import DEFAULT, ApprovedRole, Decided
from skinapi.accounts.auth.account import Account, Status
from skinapi.accounts.auth.email_addresses import Email, NewEmail
from skinapi.accounts.auth.passwords import ClientInfo, NewPassword, Proof
from skinapi.accounts.auth.schemas import AccountView, Code, OwnPassword
from skinapi.base.errors import SkinAPIError
from skinapi.base.field_types import Identifier, Legible, Name, Printable, SearchText
from skinapi.base.stored_record import optional
from skinapi.base.subject import ErasureReason, RefusalReason, Role
from skinapi.model.conditions import Band
from skinapi.model.passages import passages_table
from skinapi.platform.storage.ports import Document
from skinapi.platform.web.schemas import (
    LARGEST_PAGE,
    Answer,
    Body,
    ContractBody,
    PageQuery,
    Query,
)

LONGEST_USAGE_DAYS = 366
MOST_CHOSEN = 100
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


class Deletion(ContractBody):
    current_password: OwnPassword | None = Field(
        default=None,
        description="the admin's own. The console sends it, and then it must be right; empty where "
        "the admin has none here, and has just logged in",
    )
    code: Code | None = Field(default=None, description="of the admin's second factor")

    def proof(self, caller: ClientInfo) -> Proof | None:
        """Return None if the client sends no proof, as older clients do."""
        if self.current_password is None:
            return None
        return Proof(password=self.current_password, code=self.code, caller=caller)


class AccountSearch(PageQuery):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    q: SearchText | None = Field(
        default=None, description="beginning of a name, a last name or an e-mail"
    )
    role: Role | None = None
    status: Status | Literal["unassigned"] | None = Field(
        default=None,
        description="`unassigned`: patients of whom no active doctor is in charge. They are "
        "approved, or a spot of theirs waits.",
    )


class RefusalView(Answer):
    model_config = ConfigDict(from_attributes=True)

    reason: RefusalReason
    note: str | None = Field(description="what the admin has added for the account's owner")


class OpenWork(Answer):
    findings: int = Field(description="spots that wait for a review")
    urgent: int = Field(description="those of them that ask for a doctor this week")
    by_kind: dict[str, int] = Field(
        description="spots by what they wait for: `review`, `result` of a sample, `photo`, "
        "`opinion` of a colleague, `answer` to a message, `visit` to a doctor, `telling` the "
        "patient. A kind that no spot waits for is left out"
    )


class AccountRow(AccountView):
    """An account in the list of all of them."""

    doctor: str | None = Field(default=None, description="the e-mail of the doctor in charge")
    patients: int | None = Field(
        default=None, description="how many patients are in the care of a doctor"
    )
    refusal: RefusalView | None = Field(
        default=None, description="why it was not approved, if its status is `refused`"
    )
    link_allowed: str | None = optional(
        "the provider of the clinic's log-in at which it may log in next time"
    )
    erase_at: datetime | None = optional("when a closed account is erased")
    default_doctor: bool = optional("whether it is that of DEFAULT_DOCTOR", default=False)
    waiting: OpenWork | None = optional("open work on the account's own findings")
    in_care: OpenWork | None = optional("open work on the patients in a doctor's care")

    @classmethod
    def from_account(
        cls,
        account: Account,
        *,
        doctors: Mapping[str, str],
        patients: Mapping[str, int],
        default_doctor: str | None,
        waiting: Mapping[str, OpenWork],
        in_care: Mapping[str, OpenWork],
    ) -> Self:
        beside = {
            "doctor": doctors.get(account.doctor_id or ""),
            "patients": patients.get(account.id, 0) if account.role == "doctor" else None,
            "default_doctor": account.id == default_doctor,
            "waiting": waiting.get(account.id),
            "in_care": in_care.get(account.id),
        }
        return cls.model_validate(account).model_copy(update=beside)


class ChosenAccounts(Body):
    accounts: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_CHOSEN)]


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class DoctorOfApproved(BaseModel):
    doctor: Email | None = Field(
        default=None,
        description="the e-mail of the doctor of those that are patients then; null: no doctor "
        "yet. Without the field, whoever waited and has no doctor gets that of DEFAULT_DOCTOR",
        json_schema_extra=_without_default,  # null says something else than no field
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

    @classmethod
    def from_errors(cls, errors: Mapping[str, SkinAPIError]) -> list[Self]:
        return [
            cls(account=account, code=error.code, sentence=error.detail)
            for account, error in errors.items()
        ]


class DecidedView(Answer):
    done: list[str] = Field(description="the accounts that are as they were wanted")
    left: list[LeftAccount] = Field(description="those that could not be decided on, and why")

    @classmethod
    def from_decision(cls, decided: Decided) -> Self:
        return cls(done=decided.done, left=LeftAccount.from_errors(decided.left))


class Approval(DoctorOfApproved, ContractBody):
    role: Literal["user", "doctor", "researcher"] | None = None


class NewRole(Body):
    role: Role


class NewDoctor(ContractBody):
    missing: ClassVar[str] = "Name, email, and password required"
    name: Name
    email: NewEmail
    password: NewPassword


class Keep(Body):
    reason: Name | None = Field(description="for the other admins; null: it is kept no longer")


class Assignment(Body):
    doctor: Email | None = Field(description="the doctor's e-mail; null for nobody")


class UsageQuery(Query):
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
    def from_day(cls, day: date, counted: Document) -> Self:
        return cls(
            day=day,
            findings=counted.get(usage.FINDINGS, 0),
            bands={band: counted.get(usage.field_of(band), 0) for band in Band},
            refused=counted.get(usage.REFUSED, 0),
            accounts=counted.get(usage.ACCOUNTS, 0),
            reports=counted.get(usage.REPORTS, 0),
        )


class WriterUsage(Answer):
    """What an LLM wrote on those days, and what was kept of it. No text is in it."""

    passages: int = Field(description="of which an explanation may be made, today")
    answers: int
    kept: int = Field(description="sentences")
    dropped: dict[str, int] = Field(description="sentences, by the reason")
    template: int = Field(description="explanations for which the passages stood instead")
    unwritten: dict[str, int] = Field(description="those, by the reason")
    seconds: float | None = Field(description="on average, for an answer; null without one")
    tokens: int

    @classmethod
    def from_days(cls, days: Iterable[Document]) -> Self:
        sums = Counter[str]()
        for counted in days:
            sums.update(usage.writing_of(counted))
        answers = sums["answers"]

        def by_reason(head: str) -> dict[str, int]:
            counts = sums.items()
            return {name.removeprefix(head): n for name, n in counts if name.startswith(head)}

        return cls(
            passages=len(passages_table().all),
            answers=answers,
            kept=sums["kept"],
            dropped=by_reason("dropped_"),
            template=sums["template"],
            unwritten=by_reason("template_"),
            seconds=round(sums["milliseconds"] / answers / 1000, 1) if answers else None,
            tokens=sums["tokens"],
        )


class UsageView(Answer):
    days: list[DayOfUsage] = Field(description="oldest first, with the days without any use")
    writer: WriterUsage
