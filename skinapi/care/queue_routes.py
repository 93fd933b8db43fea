from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import BadRequest, NotFound, TooManyFound
from skinapi.base.pages import Page
from skinapi.care.queue import CareService, QueueCountsView
from skinapi.care.queue_schemas import (
    DoctorsQueueQuery,
    PatientInCare,
    PatientSearch,
    QueuedFinding,
    QueueQuery,
    WaitingQuery,
    WaitingRow,
)
from skinapi.platform.web.declaration import Authenticated, Routes

ONLY_DOCTORS = "Only doctors have patients"
DOCTORS = Authenticated(roles=("doctor",), refusal=ONLY_DOCTORS)
# Includes systems with a key of a doctor or of the clinic.
READERS = Authenticated(roles=("doctor",), refusal=ONLY_DOCTORS, scopes=("findings:read",))

routes: Routes[CareService] = Routes(access=DOCTORS)


@routes.route("GET", "/patients", access=READERS, raises=(TooManyFound, BadRequest))
def list_patients(
    care: CareService, *, query: PatientSearch, subject: Subject
) -> Page[PatientInCare]:
    """The patients in the doctor's care, in the order of the queue. A program has them in the order
    in which they registered; with a clinic-wide key all.
    """
    page = care.list_patients(doctor=subject, beginning=query.q, paging=query.paging)
    return page.map(PatientInCare.from_patient)


@routes.route("GET", "/patients/<patient>/submissions", access=READERS, raises=(NotFound,))
def list_patient_submissions(
    care: CareService, *, patient: str, query: QueueQuery, subject: Subject
) -> Page[QueuedFinding]:
    """The findings of one patient in care: unreviewed first, then the newest."""
    page = care.list_findings(
        patient=patient,
        doctor=subject,
        reviewed=query.reviewed,
        paging=query.paging,
    )
    return page.map(lambda found: QueuedFinding.from_case(found, subject))


@routes.route("GET", "/queue")
def list_queue(
    care: CareService, *, query: DoctorsQueueQuery, subject: Subject
) -> Page[QueuedFinding | WaitingRow]:
    """The spots of all patients in care that wait for a review, or about which a second opinion has
    come: the most urgent first. Each is shown as its most urgent open finding. If only a deleted
    finding is open, it is shown as the newest finding of the spot, or without one (`finding` null).
    So is a spot of which a record cannot be read: it is urgent.

    The findings about which the caller is asked for a second opinion come before them. The findings
    that are reviewed come last, the newest first. A page can hold fewer entries than `limit`, or
    none, although more follow.

    With `unassigned=true`, those of patients without a doctor instead.
    """
    if query.unassigned:
        cases = care.list_unassigned(doctor=subject, urgency=query.urgency, paging=query.paging)
        return cases.map(lambda case: WaitingRow.from_queue(case, subject))
    page = care.list_queue(
        doctor=subject, reviewed=query.reviewed, urgency=query.urgency, paging=query.paging
    )
    return page.map(lambda found: WaitingRow.from_queue(found, subject))


@routes.route("GET", "/waiting")
def list_waiting(care: CareService, *, query: WaitingQuery, subject: Subject) -> Page[WaitingRow]:
    """What spots of all patients in care wait for, of one kind: the soonest due first."""
    page = care.list_waiting(
        doctor=subject, kind=query.kind, overdue=query.overdue, paging=query.paging
    )
    return page.map(lambda found: WaitingRow.from_row(found, subject))


@routes.route("GET", "/queue/counts")
def count_queue(care: CareService, *, subject: Subject) -> QueueCountsView:
    """How many spots wait for the caller's review, in all and of each urgency."""
    return care.count_queue(doctor=subject)
