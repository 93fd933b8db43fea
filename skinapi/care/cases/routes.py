"""The routes of doctors' cases."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.emails import LONGEST_TYPED
from skinapi.base.errors import Conflict, Forbidden, NotFound, PatientTaken
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.care.cases.cases import CasesService, CaseTaken, OpinionAsked
from skinapi.care.queue.routes import DOCTORS
from skinapi.care.queue.schemas import CaseView
from skinapi.platform.web.declaration import Routes
from skinapi.platform.web.schemas import Answer, Body, Message, PageQuery

# What crosses the wire about doctors' cases.

LONGEST_QUESTION = 500


class AskedColleague(Body):
    colleague: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TYPED)] = Field(
        description="the e-mail or the id of another active doctor"
    )
    question: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)
        ]
        | None
    ) = Field(default=None, description="what the colleague is asked, for that one to read")


class Colleague(Answer):
    id: str = Field(serialization_alias="_id")
    name: str
    email: str

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(id=account.id, name=account.name, email=account.email)


routes: Routes[CasesService] = Routes("cases", access=DOCTORS)


@routes.route("PUT", "/patients/<patient>/doctor", raises=(NotFound, Conflict, PatientTaken))
def take_unassigned_patient(cases: CasesService, *, patient: str, subject: Subject) -> Message:
    """Become the doctor in charge of a patient without one. Of two doctors one does; the other
    reads who (409 `patient_taken`).
    """
    cases.take_patient(patient=patient, by=subject)
    return Message(message="The patient is in your care")


@routes.route("GET", "/submissions/<number>/case", raises=(NotFound, Forbidden))
def show_case(cases: CasesService, *, number: str, subject: Subject) -> CaseView:
    """Who has taken a finding, and whom its doctor has asked for a second opinion."""
    return CaseView.of(*cases.get_case(number=number, by=subject), subject.id)


@routes.route("PUT", "/submissions/<number>/case", raises=(NotFound, Forbidden, CaseTaken))
def take_case(cases: CasesService, *, number: str, subject: Subject) -> CaseView:
    """Take a finding, so that no other doctor does the same work. Anybody may still review it."""
    return CaseView.of(*cases.take_case(number=number, by=subject), subject.id)


@routes.route("DELETE", "/submissions/<number>/case", raises=(NotFound, Forbidden))
def give_back_case(cases: CasesService, *, number: str, subject: Subject) -> CaseView:
    """Give back a finding that the caller has taken."""
    return CaseView.of(*cases.give_back_case(number=number, by=subject), subject.id)


@routes.route("GET", "/colleagues")
def list_colleagues(cases: CasesService, *, query: PageQuery, subject: Subject) -> Page[Colleague]:
    """The other active doctors, who can be asked for a second opinion."""
    page = cases.list_colleagues(by=subject, after=query.after, limit=query.limit)
    return page.map(Colleague.of)


@routes.route(
    "PUT",
    "/submissions/<number>/second-opinion",
    raises=(NotFound, Forbidden, Conflict, OpinionAsked),
)
def ask_colleague(
    cases: CasesService, *, number: str, body: AskedColleague, subject: Subject
) -> CaseView:
    """Ask a colleague for a second opinion. Until it is signed, or the request withdrawn, the
    colleague sees the finding and those of its spot, and may review it. What the colleague signs is
    for the doctor in charge: the patient reads it where that doctor signs the same.
    """
    asked = cases.ask_colleague(
        number=number, colleague=body.colleague, question=body.question, by=subject
    )
    return CaseView.of(*asked, subject.id)


@routes.route("DELETE", "/submissions/<number>/second-opinion", raises=(NotFound, Forbidden))
def withdraw_request(cases: CasesService, *, number: str, subject: Subject) -> Message:
    """End the request for a second opinion, as who has asked for it or as who is asked."""
    cases.withdraw_request(number=number, by=subject)
    return Message(message="The request for a second opinion has ended")


@routes.route("DELETE", "/submissions/<number>/second-opinion/answer", raises=(NotFound, Forbidden))
def close_opinion(cases: CasesService, *, number: str, subject: Subject) -> CaseView:
    """Leave the finding as it is, as the doctor in charge: the second opinion that has come is
    read, and stays beside the reviews.
    """
    return CaseView.of(*cases.close_opinion(number=number, by=subject), subject.id)
