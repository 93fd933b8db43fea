"""What crosses the wire of break-glass, and of who looked at one's data."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from skinapi.accounts.auth.schemas import ProvenBody
from skinapi.base.field_types import Contained, Legible, PrintableLines, SearchText
from skinapi.base.subject import Role
from skinapi.findings.records.readers import BreakGlass, End
from skinapi.platform.web.schemas import Answer, Body
from skinapi.privacy.break_glass.readers import Reading, What
from skinapi.privacy.break_glass.service import Listed, Told, Wanted

Reason = Annotated[
    str,
    StringConstraints(min_length=10, max_length=500, strip_whitespace=True),
    PrintableLines,
    Legible,
    Contained,
]
# Numbers have at most 16 digits: see findings/records/list_keys.py.
FindingNumber = Annotated[int, Field(ge=1, lt=10**16)]


class AskedBreakGlass(ProvenBody):
    number: FindingNumber | None = Field(default=None, description="of the finding")
    email: SearchText | None = Field(
        default=None,
        description="of the patient, instead of a number: the answer lists the numbers and dates "
        "of the newest findings, of which one is chosen then",
    )
    reason: Reason = Field(description="the patient, the doctor in charge and all admins read it")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.number is None) == (self.email is None):
            raise ValueError("name the number of the finding, or the e-mail address of the patient")
        return self

    def wanted(self) -> Wanted:
        return Wanted(reason=self.reason, number=self.number, email=self.email)


class ChosenFinding(Body):
    number: FindingNumber


class ListedView(Answer):
    number: int
    created_at: datetime

    @classmethod
    def of(cls, listed: Listed) -> Self:
        return cls(number=listed.number, created_at=listed.created_at)


class BreakGlassView(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    ends_at: datetime
    number: int | None = Field(description="of the finding; null until one is chosen")
    reason: str = Field(description="empty where it was refused")
    ended_at: datetime | None = Field(description="null while it is in force")
    ended: End | None = Field(
        description="`time`: its hour was over; `closed` by an admin; `account`: its admin is none "
        "any more; `finding`: that was deleted; `clock`: the server's was set back; `not_found` "
        "and `limit`: it was refused"
    )

    @classmethod
    def fields_of(cls, grant: BreakGlass) -> dict[str, object]:
        own = {name: getattr(grant, name) for name in BreakGlassView.model_fields}
        if grant.open_by and not grant.in_force:  # nobody has noted it yet
            own |= {"ended": grant.find_end(grant.ends_at), "ended_at": grant.ends_at}
        return own


class OpenedBreakGlass(BreakGlassView):
    choices: list[ListedView] = Field(description="the patient's newest findings, to choose one of")

    @classmethod
    def of(cls, grant: BreakGlass, choices: list[Listed]) -> Self:
        return cls.model_validate(
            {**cls.fields_of(grant), "choices": [ListedView.of(one) for one in choices]}
        )


class BreakGlassOfAdmin(BreakGlassView):
    """As all admins read it: not whose finding it is."""

    admin: str = Field(description="its account")
    admin_name: str | None = Field(description="null once that account is gone")

    @classmethod
    def of(cls, told: Told) -> Self:
        beside = {"admin": told.grant.admin, "admin_name": told.admin_name}
        return cls.model_validate({**cls.fields_of(told.grant), **beside})


class BreakGlassOfPatient(Answer):
    """As the patient reads it, and the doctor in charge."""

    id: str = Field(serialization_alias="_id")
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    admin_name: str | None = Field(description="null once that account is gone")
    number: int | None = Field(description="of the finding; null while none was chosen")
    reason: str | None = Field(
        description="null for a patient from whom a doctor holds something back"
    )
    own: bool = Field(description="whether the finding is the caller's, else that of a patient")

    @classmethod
    def of(cls, told: Told, *, reader: str) -> Self:
        grant = told.grant
        return cls(
            id=grant.id,
            created_at=grant.created_at,
            ends_at=grant.ends_at,
            ended_at=grant.ended_at,
            admin_name=told.admin_name,
            number=grant.number,
            reason=grant.reason if told.reason_shown else None,
            own=grant.owner == reader,
        )


class UntoldView(Answer):
    count: int = Field(description="how many the caller has not been shown")


class ReadingView(Answer):
    id: str = Field(serialization_alias="_id")
    at: datetime
    what: What
    name: str | None = Field(
        description="who; null for the server itself, and for an account that is gone"
    )
    role: Role | None
    program: str | None = Field(description="the name of the key with which it was read, if any")
    finding: int | None = Field(description="its number; null where it is none, or deleted")
    break_glass: bool = Field(description="whether an admin read it in an emergency")
    refused: bool

    @classmethod
    def of(cls, reading: Reading) -> Self:
        who = reading.who
        return cls(
            id=reading.id,
            at=reading.at,
            what=reading.what,
            name=who.name if who else None,
            role=who.role if who and not who.machine else None,
            program=reading.program,
            finding=reading.finding,
            break_glass=reading.break_glass,
            refused=reading.refused,
        )
