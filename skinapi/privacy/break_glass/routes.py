"""The routes of break-glass, and of who looked at one's data."""

from functools import partial

from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.base.errors import NotFound
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.platform.web.declaration import Rate, Routes, Signed, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message, PageQuery
from skinapi.privacy.break_glass.errors import (
    BreakGlassChosen,
    BreakGlassEnded,
    BreakGlassNotNeeded,
    BreakGlassOff,
    BreakGlassOpen,
    TooManyBreakGlass,
)
from skinapi.privacy.break_glass.readers import ReadersService
from skinapi.privacy.break_glass.schemas import (
    AskedBreakGlass,
    BreakGlassOfAdmin,
    BreakGlassOfPatient,
    ChosenFinding,
    OpenedBreakGlass,
    ReadingView,
    UntoldView,
)
from skinapi.privacy.break_glass.service import BreakGlassService

ADMINS = admins("Only admin can break the glass")
REFUSALS = (BreakGlassOff, BreakGlassOpen, BreakGlassNotNeeded, TooManyBreakGlass)

routes: Routes[BreakGlassService] = Routes("break_glass")
readers_routes: Routes[ReadersService] = Routes("readers")


@routes.route(
    "POST",
    "/break-glass",
    access=ADMINS,
    rate=Rate.SIGN_IN,
    status=201,
    raises=(
        *UNPROVEN,
        BreakGlassOff,
        BreakGlassOpen,
        BreakGlassNotNeeded,
        TooManyBreakGlass,
        NotFound,
    ),
)
def break_glass(
    service: BreakGlassService, *, body: AskedBreakGlass, subject: Subject
) -> OpenedBreakGlass:
    """Open one finding for an hour, to read it alone, with a reason and the password again.

    The patient, the doctor in charge and the other admins are told at once.
    """
    proof = body.proof(ClientInfo(address=caller_address()))
    grant = service.ask(wanted=body.wanted(), by=subject, proof=proof)
    return OpenedBreakGlass.of(grant, service.list_choices(grant))


@routes.route("GET", "/break-glass", access=ADMINS)
def list_break_glass(service: BreakGlassService, *, query: PageQuery) -> Page[BreakGlassOfAdmin]:
    """Which admin has opened which finding, why and until when; what was refused too. The newest
    first.
    """
    page = service.page_all(after=query.after, limit=query.limit)
    return page.map(BreakGlassOfAdmin.of)


@routes.route(
    "PUT",
    "/break-glass/<grant>/finding",
    access=ADMINS,
    raises=(NotFound, BreakGlassChosen, BreakGlassEnded),
)
def choose_finding(
    service: BreakGlassService, *, grant: str, body: ChosenFinding, subject: Subject
) -> OpenedBreakGlass:
    """Choose the finding, where the patient was named: once."""
    return OpenedBreakGlass.of(
        service.choose(grant=grant, number=body.number, by=subject), choices=[]
    )


@routes.route("DELETE", "/break-glass/<grant>", access=ADMINS, raises=(NotFound,))
def close_break_glass(service: BreakGlassService, *, grant: str, subject: Subject) -> Message:
    """End it before its hour is over. Any admin may, whoever has it."""
    service.close(grant=grant, by=subject.id)
    return Message(message="Emergency access ended")


@routes.route("GET", "/me/break-glass", access=Signed())
def list_own_break_glass(
    service: BreakGlassService, *, query: PageQuery, subject: Subject
) -> Page[BreakGlassOfPatient]:
    """Which admin has opened a finding of the caller, or of a patient who was in the caller's care;
    the newest first.
    """
    page = service.page_concerning(account=subject.id, after=query.after, limit=query.limit)
    return page.map(partial(BreakGlassOfPatient.of, reader=subject.id))


@routes.route("GET", "/me/break-glass/untold", access=Signed())
def count_untold_break_glass(service: BreakGlassService, *, subject: Subject) -> UntoldView:
    """How many of these the caller has not been shown."""
    return UntoldView(count=service.count_untold(account=subject.id))


@routes.route("PUT", "/me/break-glass/told", access=Signed())
def mark_break_glass_told(service: BreakGlassService, *, subject: Subject) -> Message:
    """The caller has been shown all of these."""
    service.mark_told(account=subject.id)
    return Message(message="Told")


@readers_routes.route("GET", "/me/readers", access=Signed())
def list_readers(
    readers: ReadersService, *, query: PageQuery, subject: Subject
) -> Page[ReadingView]:
    """Who else has looked at the caller's photos and findings, as the audit trail says; the newest
    first.

    Each reading of a photo stands here; of the small pictures of lists one a day.
    """
    page = readers.page_readings(account=subject.id, after=query.after, limit=query.limit)
    return page.map(ReadingView.of)
