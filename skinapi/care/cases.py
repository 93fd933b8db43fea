"""The use cases of doctors' cases: take a patient without a doctor, ask a colleague for a second
opinion.

A request stands in the finding itself. It goes with the patient, until it is answered or withdrawn.
That it is not answered waits for the doctor in charge like an answer.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import normalise_email
from skinapi.accounts.auth.events import (
    AccountGone,
    AccountsJoined,
    ConsentWithdrawn,
    DoctorChanged,
    DoctorReturned,
    DoctorStopped,
)
from skinapi.base.errors import Conflict, NotFound, PatientTaken
from skinapi.base.field_types import ID
from skinapi.base.pages import Page, PageRequest
from skinapi.care.queue import NO_PATIENT, doctors_of
from skinapi.findings.records.events import OpinionWanted
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.record_retention import PatientDeleted
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.stored_finding import OpinionLost, StoredFindingRow
from skinapi.findings.records.stored_findings import (
    NOT_ASKED,
    fields_without_loss,
)
from skinapi.findings.records.visible_findings import VisibleFinding
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic


class SharingRefused(Conflict):
    code = "sharing_refused"
    sentence = (
        "The patient does not agree that a colleague is asked about these findings; talk to the "
        "patient, who can allow it on the page of their data"
    )


class OpinionAsked(Conflict):
    code = "opinion_asked"
    sentence = "Another colleague is asked about this finding; withdraw that first"


NOT_IN_CHARGE = "Only the doctor in charge asks for a second opinion"
NOT_TO_REVIEW = "Only who may review a finding sees its case"
NO_COLLEAGUE = "There is no active doctor with this e-mail or id"
ONESELF = "A second opinion is that of another doctor; name a colleague"
Case = tuple[VisibleFinding, Mapping[str, Account]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesService:
    work: UnitOfWork
    accounts: Accounts
    records: FindingRecords
    findings: FindingAccess
    queue: ReviewQueue
    outbox: Outbox
    trail: AuditTrail
    assignments: Assignments

    @atomic
    def take_patient(self, unit: Unit, *, patient: str, by: Subject) -> None:
        """Nothing changes where the caller is in charge already."""
        unassigned = self.findings.unassigned
        found = self.accounts.find_by_id(patient)
        if found is None or not unassigned.shows_list(by):
            raise NotFound(NO_PATIENT)
        # Of two who take the patient at once, the second one sees the first.
        owner = self.accounts.lock(patient)
        if owner.doctor_id == by.id:
            return
        doctor = unassigned.find_doctor(owner)
        if doctor and self.findings.notes.has_read(patient, by=by):
            raise PatientTaken(doctor.name)
        if not unassigned.list_cases(owner, by):
            raise NotFound(NO_PATIENT)
        self.assignments.assign(unit, owner, doctor=by.id, by=by.id)

    def get_case(self, *, number: str, by: Subject) -> Case:
        return self._with_doctors(self._get(number, by)[0])

    @atomic
    def ask_colleague(
        self, unit: Unit, *, number: str, colleague: str, question: str | None = None, by: Subject
    ) -> Case:
        finding, _ = self.findings.get_in_charge(number=number, by=by, refusal=NOT_IN_CHARGE)
        asked = self._find_colleague(colleague)
        if asked.id == by.id:
            raise Conflict(ONESELF)
        if finding.opinion_of == asked.id:
            return self._with_doctors(finding)
        unit.audit("case.ask_opinion", by=by.id, target=finding.id, owner=finding.owner)
        owner = self.accounts.lock(finding.owner)
        if owner.record_kept_until_at:
            raise PatientDeleted
        if owner.consents.get("sharing") is False:
            raise SharingRefused
        if not self.accounts.lock(asked.id).active_doctor:
            raise NotFound(NO_COLLEAGUE)
        before = self.accounts.find_by_id(finding.opinion_of)
        if before and before.active_doctor:
            raise OpinionAsked
        self.outbox.add(Kind.OPINION, to=asked.id, about=_place_of(finding))
        # A row names one account, so the colleague has a second one, with the same request id.
        unit.record(AuditRow("doctor.ask_opinion", by=by.id, target=asked.id, owner=finding.owner))
        unit.publish(OpinionWanted(finding))
        fields = {
            "opinion_of": asked.id,
            "opinion_by": by.id,
            "opinion_at": now(),
            "opinion_question": question,
            **fields_without_loss(finding),
        }
        self.records.change(finding.id, **fields)
        return self._with_doctors(finding.model_copy(update=fields))

    @atomic
    def withdraw_request(
        self, unit: Unit, *, number: str, by: Subject, spot_state: str | None = None
    ) -> None:
        """End a request, and for the doctor in charge the opinions that have come: those that this
        doctor has seen (`spot_state`). The colleague does not see the finding any more.
        """
        finding, owner = self._get(number, by)
        if not (finding.opinion_of or finding.opinion_came_at or finding.opinion_lost):
            return
        declined = by.id == finding.opinion_of != finding.doctor
        if finding.opinion_came_at and not declined:
            finding.require_spot_state(spot_state, in_charge=True)
        unit.audit("case.withdraw_opinion", by=by.id, target=finding.id, owner=finding.owner)
        if declined:
            self._end_request(finding, OpinionLost.DECLINED)
            return
        self._withdraw_mail(finding)
        self.records.withdraw_opinion(finding)
        self.queue.renew(finding, owner)

    def on_withdrawn(self, event: ConsentWithdrawn) -> None:
        if event.purpose == "sharing":
            self._unshare(event.account)

    def on_doctor_changed(self, event: DoctorChanged) -> None:
        """Who was in charge until now is a colleague, whom a patient may have refused."""
        patient = self.accounts.find_by_id(event.patient)
        if patient and patient.consents.get("sharing") is False:
            self._unshare(event.patient)

    def on_gone(self, event: AccountGone) -> None:
        self._unshare(event.account)

    def on_accounts_joined(self, event: AccountsJoined) -> None:
        """Who was asked about a patient and is the same person is asked no more. That no opinion
        comes was told as that one lost the role of a doctor: only patients are joined.
        """
        for owner in (event.account, event.into):
            for finding in self.records.list_asked(owner):
                if finding.opinion_of in (event.account, event.into):
                    self.records.change(finding.id, **NOT_ASKED)

    def _unshare(self, patient: str) -> None:
        """No colleague looks at this patient's findings from now on, but for who is in charge."""
        for finding in self.records.list_asked(patient):
            if finding.opinion_of != finding.doctor:
                about = AuditRow("case.withdraw_opinion", patient, finding.id, owner=patient)
                self.trail.record(about)
                self._end_request(finding, OpinionLost.UNSHARED)

    def _end_request(self, finding: StoredFindingRow, why: OpinionLost) -> None:
        self._withdraw_mail(finding)
        self.records.change(finding.id, **NOT_ASKED)
        self._lose(finding, why)

    def _withdraw_mail(self, finding: StoredFindingRow) -> None:
        if asked := finding.opinion_of:
            self.outbox.withdraw(Kind.OPINION, to=asked, about=_place_of(finding))

    def on_doctor_stopped(self, event: DoctorStopped) -> None:
        """What this doctor is asked for rests."""
        for finding in self.records.list_asked_of(event.doctor):
            if finding.opinion_lost is None:  # else it is told, as of who was suspended before
                self._lose(finding, OpinionLost.GONE)

    def on_doctor_returned(self, event: DoctorReturned) -> None:
        for finding in self.records.list_asked_of(event.doctor):
            if finding.opinion_lost:
                self.records.change(finding.id, **fields_without_loss(finding))
                if finding.doctor:
                    about = _place_of(finding)
                    self.outbox.withdraw(Kind.OPINION_LOST, to=finding.doctor, about=about)

    def _lose(self, finding: StoredFindingRow, why: OpinionLost) -> None:
        """Tell the doctor in charge."""
        self.records.note_lost(finding, why)
        if finding.doctor and finding.doctor != finding.opinion_of:
            self.outbox.add(Kind.OPINION_LOST, to=finding.doctor, about=_place_of(finding))

    def list_colleagues(self, *, by: Subject, paging: PageRequest) -> Page[Account]:
        page = self.accounts.page_accounts(
            ("doctor",), status="approved", beginning=None, paging=paging
        )
        return Page([item for item in page.items if item.id != by.id], page.next_after)

    def _with_doctors(self, finding: VisibleFinding) -> Case:
        return finding, self.accounts.by_ids(doctors_of(finding))

    def _get(self, number: str, by: Subject) -> tuple[VisibleFinding, Account]:
        return self.findings.get_in_charge(
            number=number, by=by, refusal=NOT_TO_REVIEW, or_asked=True
        )

    def _find_colleague(self, named: str) -> Account:
        opinion = None
        with suppress(ValueError):
            opinion = (
                self.accounts.find_by_id(named)
                if ID.fullmatch(named)
                else (self.accounts.find_by_email(normalise_email(named)))
            )
        if opinion is None or not opinion.active_doctor:
            raise NotFound(NO_COLLEAGUE)
        return opinion


def _place_of(finding: StoredFindingRow) -> str:
    return f"case/{finding.number}"
