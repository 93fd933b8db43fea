import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import normalise_email
from skinapi.accounts.auth.events import ConsentWithdrawn
from skinapi.base.errors import Conflict, Forbidden, NotFound, PatientTaken
from skinapi.base.field_types import ID
from skinapi.base.pages import Page, PageRequest
from skinapi.care.queue import NO_PATIENT, doctors_of
from skinapi.care.second_opinions import SecondOpinion, SecondOpinions
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.read_access import is_asked
from skinapi.findings.records.stored_finding import StoredFinding, StoredFindingRow
from skinapi.findings.status.spot import SecondOpinionRequest, Spot, answer, ask
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic


class SharingRefused(Conflict):
    code = "sharing_refused"
    sentence = (
        "The patient does not agree that a colleague is asked about these findings; talk to the "
        "patient, who can allow it on the page of their data"
    )


class OpinionAsked(Conflict):
    code = "opinion_asked"
    sentence = "Another colleague is asked about this spot; withdraw that first"


NOT_IN_CHARGE = "Only the doctor in charge asks for a second opinion"
NOT_SHOWN = "Only the doctor in charge and a colleague who is asked see the case of a finding"
NOT_ASKED_OF = "You are not asked for a second opinion on this spot"
NO_COLLEAGUE = "There is no active doctor with this e-mail or id"
ONESELF = "A second opinion is that of another doctor; name a colleague"
Case = tuple[StoredFinding, Account, Mapping[str, Account], Sequence[SecondOpinion]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesService:
    work: UnitOfWork
    accounts: Accounts
    records: FindingRecords
    findings: FindingAccess
    opinions: SecondOpinions
    outbox: Outbox
    trail: AuditTrail
    assignments: Assignments

    @atomic
    def take_patient(self, unit: Unit, *, patient: str, by: Subject) -> None:
        unassigned = self.findings.unassigned
        found = self.accounts.find_by_id(patient)
        if found is None or not unassigned.shows_list(by):
            raise NotFound(NO_PATIENT)
        # The lock orders two doctors who take the patient at once.
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
        finding, owner = self.findings.get_in_charge(
            number=number, by=by, refusal=NOT_SHOWN, or_asked=True
        )
        return self._read_case(finding, owner)

    @atomic
    def ask_colleague(
        self, unit: Unit, *, number: str, colleague: str, question: str | None = None, by: Subject
    ) -> Case:
        finding, owner = self.findings.get_in_charge(number=number, by=by, refusal=NOT_IN_CHARGE)
        asked = self._find_colleague(colleague)
        if asked.id == by.id:
            raise Conflict(ONESELF)
        opinion = finding.spot.opinion
        if opinion and opinion.colleague == asked.id:
            return self._read_case(finding, owner)
        unit.audit("case.ask_opinion", by=by.id, target=finding.id, owner=finding.owner)
        owner = self.accounts.lock(finding.owner)
        if owner.consents.get("sharing") is False:
            raise SharingRefused
        if not self.accounts.lock(asked.id).active_doctor:
            raise NotFound(NO_COLLEAGUE)
        before = self.accounts.find_by_id(opinion.colleague if opinion else None)
        if before and before.active_doctor:
            raise OpinionAsked
        self.outbox.add(Kind.OPINION, to=asked.id, about=_place_of(finding))
        # A row names one account, so the colleague has a second row with the same request id.
        unit.record(AuditRow("doctor.ask_opinion", by=by.id, target=asked.id, owner=finding.owner))
        opinion = SecondOpinionRequest(
            number=finding.number,
            asked_at=now(),
            asker=by.id,
            colleague=asked.id,
            question=question,
        )
        self._put(finding.spot, opinion)
        spot = ask(finding.spot, opinion)
        return self._read_case(finding.see_in(replace(finding.spot_view, spot=spot)), owner)

    def give_opinion(
        self, *, number: str, label: str | None, comment: str, by: Subject, key: str | None
    ) -> SecondOpinion:
        """A retry gets the answer of the first request."""
        request_hash = hashlib.sha256(repr((number, label, comment)).encode()).hexdigest()
        said = {
            "label": label,
            "comment": comment,
            "idempotency_key": key,
            "request_hash": request_hash,
        }
        find = partial(self.opinions.find_by_key, by.id, key, request_hash)
        return find_or_make(find, lambda: self._give(number, by, said))

    @atomic
    def _give(self, unit: Unit, number: str, by: Subject, said: Document) -> SecondOpinion:
        finding, owner = self.findings.get(number=number, to=by)
        opinion = finding.spot.opinion
        if opinion is None or not is_asked(opinion.colleague, owner, by):
            raise Forbidden(NOT_ASKED_OF)
        unit.audit("case.give_opinion", by=by.id, target=finding.id, owner=finding.owner)
        self.records.spots.store(finding.spot, answer(finding.spot, at=now()))
        unit.publish(self.records.renew([finding.lesion]))
        if owner.doctor_id:
            self.outbox.add(Kind.OPINION, to=owner.doctor_id, about=_place_of(finding))
        return self.opinions.insert(
            SecondOpinion(
                id=new_id(),
                created_at=now(),
                submission=finding.id,
                doctor=by.id,
                signature=by.account.name,
                question=opinion.question,
                **said,
            )
        )

    @atomic
    def withdraw_request(self, unit: Unit, *, number: str, by: Subject) -> None:
        finding, _ = self.findings.get_in_charge(number=number, by=by, refusal=NOT_IN_CHARGE)
        if finding.spot.opinion:
            unit.audit("case.withdraw_opinion", by=by.id, target=finding.id, owner=finding.owner)
            self._put(finding.spot, None)

    def on_withdrawn(self, event: ConsentWithdrawn) -> None:
        patient = event.account
        for row in self.records.waiting.list_of("owner", [patient]):
            if event.purpose == "sharing" and row.lesion and row.colleague:
                target = row.finding or row.lesion
                self.trail.record(AuditRow("case.withdraw_opinion", patient, target, owner=patient))
                self._put(self.records.spots.get(row.lesion).spot, None)

    def _put(self, spot: Spot, opinion: SecondOpinionRequest | None) -> None:
        before = spot.opinion
        if before and before.colleague:
            self.outbox.withdraw(Kind.OPINION, to=before.colleague, about=f"case/{before.number}")
        self.records.spots.store(spot, ask(spot, opinion))
        self.records.renew_waiting([spot.id])

    def list_colleagues(self, *, by: Subject, paging: PageRequest) -> Page[Account]:
        page = self.accounts.page_accounts(
            ("doctor",), status="approved", beginning=None, paging=paging
        )
        return Page([item for item in page.items if item.id != by.id], page.next_after)

    def _read_case(self, finding: StoredFinding, owner: Account) -> Case:
        doctors = self.accounts.by_ids(doctors_of(finding.spot))
        given = self.opinions.list_of(item.id for item in finding.spot.findings)
        return finding, owner, doctors, given

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
