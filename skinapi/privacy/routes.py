"""The routes of break-glass, of who looked at one's data, and of joining two accounts."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.email_addresses import Email
from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import ProvenBody
from skinapi.base.errors import NotFound
from skinapi.base.field_types import Contained, Legible, PrintableLines, SearchText
from skinapi.base.pages import Page
from skinapi.findings.records.break_glasses import BreakGlass, End
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Answer, Body, Message, PageQuery
from skinapi.privacy.break_glass import (
    BreakGlassChosen,
    BreakGlassEnded,
    BreakGlassNotice,
    BreakGlassNotNeeded,
    BreakGlassOff,
    BreakGlassOpen,
    BreakGlassService,
    BreakGlassTarget,
    TooManyBreakGlass,
)
from skinapi.privacy.joining import CannotJoin, JoiningPreview, JoiningService
from skinapi.privacy.readers import ReadersService, ReadingView

Reason = Annotated[
    str,
    StringConstraints(min_length=10, max_length=500, strip_whitespace=True),
    PrintableLines,
    Legible,
    Contained,
]
# Numbers have at most 16 digits: see findings/records/queue_order.py.
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

    def wanted(self) -> BreakGlassTarget:
        return BreakGlassTarget(reason=self.reason, number=self.number, email=self.email)


class ChosenFinding(Body):
    number: FindingNumber


class ListedView(Answer):
    """What tells a finding from the others of its patient."""

    number: int
    created_at: datetime


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
    def from_grant(cls, grant: BreakGlass, **more: Any) -> Self:
        if grant.open_by and not grant.in_force:  # nobody has noted it yet
            more |= {"ended": grant.find_end(grant.ends_at), "ended_at": grant.ends_at}
        return cls.from_record(grant, **more)


class OpenedBreakGlass(BreakGlassView):
    choices: list[ListedView] = Field(description="the patient's newest findings, to choose one of")


class BreakGlassOfAdmin(BreakGlassView):
    """What all admins read: not whose finding it is."""

    admin: str = Field(description="its account")
    admin_name: str | None = Field(description="null once that account is gone")

    @classmethod
    def from_notice(cls, told: BreakGlassNotice) -> Self:
        return cls.from_grant(told.grant, admin_name=told.admin_name)


class BreakGlassOfPatient(Answer):
    """What the patient and the doctor in charge read."""

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
    def from_notice(cls, told: BreakGlassNotice, *, reader: str) -> Self:
        grant = told.grant
        return cls.from_record(
            grant,
            admin_name=told.admin_name,
            reason=grant.reason if told.reason_shown else None,
            own=grant.owner == reader,
        )


class UntoldView(Answer):
    count: int = Field(description="how many the caller has not been shown")


ADMINS = admins("Only admin can break the glass")
REFUSALS = (BreakGlassOff, BreakGlassOpen, BreakGlassNotNeeded, TooManyBreakGlass)

routes: Routes[BreakGlassService] = Routes(access=ADMINS)
readers_routes: Routes[ReadersService] = Routes()
joining_routes: Routes[JoiningService] = Routes()


@routes.route(
    "POST", "/break-glass", rate=Rate.SIGN_IN, status=201, raises=(*UNPROVEN, *REFUSALS, NotFound)
)
def break_glass(
    service: BreakGlassService, *, body: AskedBreakGlass, subject: Subject
) -> OpenedBreakGlass:
    """Open one finding for an hour, to read it alone, with a reason and the password again.

    The patient, the doctor in charge and the other admins are told at once.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    grant = service.ask(wanted=body.wanted(), by=subject, proof=proof)
    return OpenedBreakGlass.from_grant(grant, choices=service.list_choices(grant))


@routes.route("GET", "/break-glass")
def list_break_glass(service: BreakGlassService, *, query: PageQuery) -> Page[BreakGlassOfAdmin]:
    """List who has opened which finding, why and until when, also what was refused."""
    page = service.page_all(query.paging)
    return page.map(BreakGlassOfAdmin.from_notice)


@routes.route(
    "PUT", "/break-glass/<grant>/finding", raises=(NotFound, BreakGlassChosen, BreakGlassEnded)
)
def choose_finding(
    service: BreakGlassService, *, grant: str, body: ChosenFinding, subject: Subject
) -> OpenedBreakGlass:
    """Choose the finding, where the patient was named: once."""
    chosen = service.choose(grant=grant, number=body.number, by=subject)
    return OpenedBreakGlass.from_grant(chosen, choices=[])


@routes.route("DELETE", "/break-glass/<grant>", raises=(NotFound,))
def close_break_glass(service: BreakGlassService, *, grant: str, subject: Subject) -> Message:
    """End it before its hour is over. Any admin may, whoever has it."""
    service.close(grant=grant, by=subject.id)
    return Message(message="Emergency access ended")


@routes.route("GET", "/me/break-glass", access=Authenticated())
def list_own_break_glass(
    service: BreakGlassService, *, query: PageQuery, subject: Subject
) -> Page[BreakGlassOfPatient]:
    """List who has opened a finding of the caller, or of a patient in the caller's care then."""
    page = service.page_concerning(account=subject.id, paging=query.paging)
    return page.map(partial(BreakGlassOfPatient.from_notice, reader=subject.id))


@routes.route("GET", "/me/break-glass/untold", access=Authenticated())
def count_untold_break_glass(service: BreakGlassService, *, subject: Subject) -> UntoldView:
    """How many of these the caller has not been shown."""
    return UntoldView(count=service.grants.count_untold(subject.id))


@routes.route("PUT", "/me/break-glass/told", access=Authenticated())
def mark_break_glass_told(service: BreakGlassService, *, subject: Subject) -> Message:
    """The caller has been shown all of these."""
    service.mark_told(account=subject.id)
    return Message(message="Told")


@readers_routes.route("GET", "/me/readers", access=Authenticated())
def list_readers(
    readers: ReadersService, *, query: PageQuery, subject: Subject
) -> Page[ReadingView]:
    """Who else has looked at the caller's photos and findings, as the audit trail says; the newest
    first.

    Each reading of a photo stands here; of the small pictures of lists one a day.
    """
    return readers.page_readings(account=subject.id, paging=query.paging)


class AccountThatStays(Body):
    into: Email = Field(description="the e-mail of the account that stays")


class Joining(ProvenBody, AccountThatStays):
    reason: Reason = Field(
        description="how it is known that both are of one person; admins read it"
    )


@joining_routes.route(
    "GET",
    "/users/<email>/join",
    access=admins("Only admin can join accounts"),
    raises=(NotFound, CannotJoin),
)
def preview_joining(
    joining: JoiningService, *, email: str, query: AccountThatStays
) -> JoiningPreview:
    """Whose both accounts are, by what an admin may know, and who will be in charge."""
    return joining.preview(email=email, into=query.into)


@joining_routes.route(
    "POST",
    "/users/<email>/join",
    access=admins("Only admin can join accounts"),
    rate=Rate.SIGN_IN,
    raises=(*UNPROVEN, NotFound, CannotJoin),
)
def join_accounts(
    joining: JoiningService, *, email: str, body: Joining, subject: Subject
) -> Message:
    """Join the account of a patient to another one of the same person: findings, spots, letters,
    messages and consents go there, and nobody logs in to this one any more. It cannot be undone. It
    takes a reason, and the password again.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    stays = joining.join(email=email, into=body.into, reason=body.reason, by=subject, proof=proof)
    return Message(message=f"Joined to {stays.email}")
