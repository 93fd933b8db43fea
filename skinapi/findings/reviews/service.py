"""The use cases of reviews: sign one as the doctor in charge, and list them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import IdempotencyKeyReused, MilderNotConfirmed
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.errors import SampleAwaited
from skinapi.findings.records.events import (
    FindingReviewed,
    FindingsChanged,
    ReviewSigned,
)
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.read_access import PatientChannel
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.records.visible_findings import VisibleFinding
from skinapi.findings.reviews.milder_review import find_replaced, is_milder
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id_after, now
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

NOT_IN_CHARGE = "Only the doctor in charge can review"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewsService:
    work: UnitOfWork
    findings: FindingAccess
    records: FindingRecords
    queue: ReviewQueue
    accounts: Accounts
    outcomes: OutcomeCounts
    outbox: Outbox

    def add_review(
        self,
        *,
        number: str,
        by: Subject,
        sent: NewReview,
        key: str | None,
    ) -> Review:
        """Store the review of the doctor in charge. The same request with the same key gets the
        review of the first one.
        """
        return find_or_make(
            partial(self._find_signed, by.id, key, number, sent),
            lambda: self._sign(number=number, by=by, sent=sent, key=key),
        )

    @atomic
    def _sign(
        self, unit: Unit, *, number: str, by: Subject, sent: NewReview, key: str | None
    ) -> Review:
        finding, owner = self.findings.get_in_charge(number=number, by=by, refusal=NOT_IN_CHARGE)
        finding.require_seen(sent.version)
        finding.require_spot_state(sent.spot_state)
        opinion = sent.opinion
        audit = partial(
            unit.audit, "review.create", by=by.id, target=finding.id, owner=finding.owner
        )
        audit()
        spot, signed = finding.lesion_status, finding.status.reviews
        current = spot.current_review
        review = Review(
            id=new_id_after(current.id if current else None),
            created_at=now(),
            submission=finding.id,
            version=finding.version,
            saw=_list_seen(finding),
            doctor=by.id,
            signature=by.account.name,
            opinion=opinion,
            note=sent.note,
            idempotency_key=key,
            request_hash=_hash(finding.id, sent),
        )
        after = finding.with_review(review)
        if spot.sample_awaited:
            _require_sample_said(opinion, current)
        replaced = find_replaced(
            opinion, current=current, before=spot.instruction, after=after.instruction
        )
        if replaced:
            audit(detail=f"{replaced.urgency} to {opinion.urgency}")
            if not sent.confirm_milder:
                raise MilderNotConfirmed(replaced)
        self.records.reviews.add(review, signed=signed)
        self.records.settle_opinions(finding)
        if finding.opinion_of:
            about = f"case/{finding.number}"
            self.outbox.withdraw(Kind.OPINION, to=finding.opinion_of, about=about)
        self._publish(unit, [*signed, review], finding, after, owner)
        return review

    def _publish(
        self,
        unit: Unit,
        reviews: Sequence[Review],
        finding: VisibleFinding,
        after: VisibleFinding,
        owner: Account,
    ) -> None:
        """Sort the lists by what holds now, and tell the patient."""
        review = reviews[-1]
        self.records.touch(finding.id)
        lesions = [finding.lesion]
        self.records.renew_keys(lesions, known=after)
        self.queue.move_patient_down(finding, owner)
        unit.publish(FindingReviewed(finding))
        unit.publish(FindingsChanged(self.records.note_changes(lesions)))
        unit.publish(ReviewSigned(finding, review))
        self._mail(finding, owner, review.opinion)
        if review.opinion.proven:
            self.outcomes.add(finding, reviews)

    def _mail(self, about: VisibleFinding, owner: Account, opinion: Opinion) -> None:
        """A mail of before that still waits says nothing else."""
        place = f"finding/{about.number}"
        for kind in (Kind.REVIEWED, Kind.NEW_PICTURE):
            self.outbox.withdraw(kind, to=owner.id, about=place)
        kind = Kind.NEW_PICTURE if opinion.photo_wanted else Kind.REVIEWED
        urgent = opinion.malignant or opinion.urgency is Band.URGENT_REFERRAL
        self.outbox.add(kind, to=owner.id, about=place, urgent=urgent)

    def find_way(self, review: Review) -> PatientChannel | None:
        """See FindingAccess."""
        about = self.records.find(review.submission)
        return self.findings.find_way(about.owner) if about else None

    def _find_signed(
        self, doctor: str, key: str | None, number: str, sent: NewReview
    ) -> Review | None:
        found = self.records.reviews.find_by_key(doctor, key)
        if found is None:
            return None
        about = self.records.find(found.submission)
        same = about is not None and str(about.number) == number
        if not same or found.request_hash != _hash(found.submission, sent):
            raise IdempotencyKeyReused
        return found

    def list_reviews(self, *, number: str, to: Subject, paging: PageRequest) -> Page[Review]:
        finding, _ = self.findings.get(number=number, to=to)
        reviews = finding.status.reviews
        return page_of([item for item in reviews if item.id > (paging.after or "")], paging)

    def check_integrity(self) -> Iterator[Fault]:
        """Report reviews of deleted findings."""
        for identifier in sorted(self.records.reviews.reviewed_findings()):
            if not self.records.has(identifier):
                text = f"reviews of submission {identifier}, which is gone"
                forget = partial(self.records.reviews.forget, identifier)
                yield Fault(text, forget, gone=identifier)


def _list_seen(about: VisibleFinding) -> tuple[str, ...]:
    """The other findings of the spot, but those that were told to be of another place: a decision
    about this photo says nothing of them.
    """
    others = (
        item.photo for item in about.lesion_status.findings.values() if item.photo.id != about.id
    )
    return tuple(item.id for item in others if not item.is_told_elsewhere(about.photo))


def _require_sample_said(opinion: Opinion, current: Review | None) -> None:
    milder = current is not None and is_milder(opinion.urgency, current.opinion.urgency)
    if not opinion.proven and (opinion.sample is None or (opinion.awaited and milder)):
        raise SampleAwaited


def _hash(finding: str, sent: NewReview) -> str:
    content = sent.model_dump_json(exclude={"version", "spot_state"})
    return hashlib.sha256(f"{finding}\n{content}".encode()).hexdigest()
