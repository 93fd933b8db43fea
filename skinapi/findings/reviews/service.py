import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Forbidden, MilderNotConfirmed, NotFound, ReplacedStatement
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.errors import NOT_YOURS, ResultAwaited, SampleAwaited
from skinapi.findings.records.events import (
    ReviewSigned,
)
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.records.spots import require_spot_version
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.findings.status.spot import (
    Replaced,
    SpotReview,
    awaits_result,
    current_review,
    find_replaced,
    sign,
    void,
)
from skinapi.findings.status.spot_view import SpotView
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id_after, now
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

NOT_IN_CHARGE = "Only the doctor in charge can review"


@dataclass(frozen=True, slots=True)
class ReviewedSpot:
    """`target` is the id of the `finding`, or of the newest stub if all were deleted."""

    status: SpotView
    owner: Account
    finding: StoredFinding | None
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewsService:
    work: UnitOfWork
    findings: FindingAccess
    records: FindingRecords
    accounts: Accounts
    outcomes: OutcomeCounts
    outbox: Outbox

    def add_review(self, *, number: str, by: Subject, sent: NewReview, key: str | None) -> Review:
        """Repeating a request with the same key returns the first review."""
        return self._add(
            partial(self._read_finding, number), f"submissions/{number}", by, sent, key
        )

    def add_to_spot(self, *, lesion: str, by: Subject, sent: NewReview, key: str | None) -> Review:
        """Sign a review of a spot, even if all its findings were deleted."""
        return self._add(partial(self._read_spot, lesion), f"lesions/{lesion}", by, sent, key)

    def _add(
        self,
        read: Callable[[Subject], ReviewedSpot],
        address: str,
        by: Subject,
        sent: NewReview,
        key: str | None,
    ) -> Review:
        request_hash = _hash(address, sent)
        find = partial(self.records.reviews.find_by_key, by.id, key, request_hash)
        return find_or_make(find, lambda: self._sign(read, by, sent, key, request_hash))

    def _read_finding(self, number: str, by: Subject) -> ReviewedSpot:
        finding, owner = self.findings.get_in_charge(number=number, by=by, refusal=NOT_IN_CHARGE)
        return ReviewedSpot(finding.spot_view, owner, finding, finding.id)

    def _read_spot(self, lesion: str, by: Subject) -> ReviewedSpot:
        if newest := self.records.find_newest(lesion):
            return self._read_finding(str(newest.number), by)
        status = self.records.spots.get(lesion)
        # No finding is written here, so locking the account makes a change of doctor conflict.
        owner = self.accounts.lock(status.owner)
        own = owner.id == by.id
        if not status.newest_stub or not (own or self.findings.may_see(owner, by, case=lesion)):
            raise NotFound(NOT_YOURS)
        if not in_care(owner, by):
            raise Forbidden(NOT_IN_CHARGE)
        return ReviewedSpot(status, owner, None, status.newest_stub.id)

    @atomic
    def _sign(
        self,
        unit: Unit,
        read: Callable[[Subject], ReviewedSpot],
        by: Subject,
        sent: NewReview,
        key: str | None,
        request_hash: str,
    ) -> Review:
        about = read(by)
        status, owner, at = about.status, about.owner, now()
        unit.audit("review.create", by=by.id, target=about.target, owner=owner.id)
        review = Review(
            id=new_id_after(max(status.reviews, default=None)),
            created_at=at,
            lesion=status.spot.id,
            submission=about.target,
            doctor=by.id,
            signature=by.account.name,
            opinion=sent.opinion,
            note=sent.note,
            idempotency_key=key,
            request_hash=request_hash,
        )
        require_spot_version(status.spot, sent.spot_version)
        new = review.for_spot(status.spot.id)
        if awaits_result(status.spot):
            _require_sample_said(new, current_review(status.spot))
        self._require_confirmed(unit, about, new, confirmed=sent.confirm_milder)
        after = sign(status.spot, new, at=at)
        review = review.model_copy(update={"spot_version": after.version})
        self.records.reviews.add(review, signed=[*status.reviews.values()])
        self.records.spots.store(status.spot, after)
        asked = status.spot.opinion
        if asked and asked.colleague:
            self.outbox.withdraw(Kind.OPINION, to=asked.colleague, about=f"case/{asked.number}")
        self._publish(unit, [*status.reviews.values(), review], about)
        return review

    def _require_confirmed(
        self, unit: Unit, about: ReviewedSpot, new: SpotReview, *, confirmed: bool
    ) -> None:
        why = find_replaced(about.status.spot, new)
        if why is None:
            return
        replaced = _say_replaced(about.status, why, new)
        detail, of = f"{replaced.urgency} to {new.urgency}", about.owner.id
        unit.audit("review.create", by=new.doctor, target=about.target, owner=of, detail=detail)
        if not confirmed:
            raise MilderNotConfirmed(replaced)

    def _publish(self, unit: Unit, reviews: Sequence[Review], about: ReviewedSpot) -> None:
        review, finding = reviews[-1], about.finding
        changed = self.records.renew([review.lesion])
        unit.publish(changed)
        unit.publish(ReviewSigned(finding, about.owner.id, review))
        if finding:
            self.outcomes.recount(finding, reviews[:-1], reviews)
        place = f"finding/{finding.number}" if finding else f"spot/{review.lesion}"
        self._mail(place, about.owner, review.opinion)

    def _mail(self, place: str, owner: Account, opinion: Opinion) -> None:
        """Replace a pending mail about an earlier review."""
        self.outbox.withdraw(Kind.NEWS, to=owner.id, about=place)
        urgent = opinion.names_cancer or opinion.urgency is Band.URGENT_REFERRAL
        self.outbox.add(Kind.NEWS, to=owner.id, about=place, urgent=urgent)

    @atomic
    def void_review(
        self, unit: Unit, *, number: str, review: str, reason: str, by: Subject
    ) -> Review:
        finding, _, signed = self.findings.get_to_void(number=number, review=review, by=by)
        if signed.voided:
            return signed
        spots = self.records.spots
        each = {signed.lesion, *spots.list_covered(finding.owner, [review])}
        if signed.opinion.awaited and any(awaits_result(spots.get(it).spot) for it in each):
            raise ResultAwaited
        unit.audit("review.void", by=by.id, target=finding.id, owner=finding.owner, detail=reason)
        at = now()
        take_back = partial(void, review=review, at=at)
        for lesion in sorted(each):
            spots.change(lesion, take_back)
        self.records.reviews.mark_voided(review, at)
        voided = signed.model_copy(update={"voided_at": at})
        changed = self.records.renew(each)
        self._take_back_outcome(finding, voided)
        unit.publish(replace(changed, alone=True))
        return voided

    def _take_back_outcome(self, seen: StoredFinding, voided: Review) -> None:
        before = seen.reviews
        after = [voided if item.id == voided.id else item for item in before]
        if counted := self.records.find(voided.submission):
            self.outcomes.recount(counted, before, after)

    def list_reviews(self, *, number: str, to: Subject, paging: PageRequest) -> Page[Review]:
        finding, _ = self.findings.get(number=number, to=to)
        reviews = finding.reviews
        return page_of([item for item in reviews if item.id > (paging.after or "")], paging)

    def check_integrity(self) -> Iterator[Fault]:
        for lesion in sorted(self.records.reviews.reviewed_spots()):
            if not self.records.spots.has(lesion):
                forget = partial(self.records.reviews.forget, [lesion])
                yield Fault(f"reviews of spot {lesion}, which is gone", forget, gone=lesion)


def _require_sample_said(new: SpotReview, current: SpotReview | None) -> None:
    milder = current is not None and urgency(new.urgency) > urgency(current.urgency)
    if not new.proven and (new.sample is None or (new.awaited and milder)):
        raise SampleAwaited


def _say_replaced(status: SpotView, why: Replaced, new: SpotReview) -> ReplacedStatement:
    decision, counts = status.decision, status.instruction
    if why is Replaced.LABEL or counts is None:
        own = conditions_table().label(new.label or "").urgency
        return ReplacedStatement("conditions", own, label=new.label)
    said = decision if why is Replaced.REVIEW else counts.decision
    if said:
        by = said.decided_by
        return ReplacedStatement("review", said.urgency, said.label, by, said.decided_at)
    if counts.voided:
        return ReplacedStatement("voided", counts.band, said_at=counts.taken_back_at)
    return ReplacedStatement(counts.said_by.value, counts.band, said_at=counts.since)


def _hash(address: str, sent: NewReview) -> str:
    content = sent.model_dump_json(exclude={"spot_version", "confirm_milder"})
    return hashlib.sha256(f"{address}\n{content}".encode()).hexdigest()
