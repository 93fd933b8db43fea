"""The use cases of reviews: sign one as the doctor in charge, and list them."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from skinapi.auth.accounts import Account, Accounts
from skinapi.domain.pages import Page, page_of
from skinapi.domain.subject import Subject
from skinapi.errors import Duplicate, Forbidden, IdempotencyKeyReused
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.decisions import Decision, Withheld, urgency_asked, withheld_at
from skinapi.records.errors import HoldRefused
from skinapi.records.events import FindingReviewed, ReviewSigned
from skinapi.records.opinions import Agreement, Opinion, Statement, Teller
from skinapi.records.outcome_counts import OutcomeCounts
from skinapi.records.review_queue import ReviewQueue, in_care, is_asked
from skinapi.records.reviewed_finding import ReviewedFinding
from skinapi.records.reviews import Review, Reviews
from skinapi.records.service import RecordsService
from skinapi.records.submission import Submission
from skinapi.records.submissions import Submissions
from skinapi.registry.drift_counts import WeeklyCounts
from skinapi.storage.failed_items import FailedItems
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id_after, now
from skinapi.storage.migration import Chunk
from skinapi.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table

MARKED_AT_ONCE = 50
LONGEST_HOLD = timedelta(days=7)
# Of a malignant label where nobody has said who tells the patient.
USUAL_HOLD = timedelta(days=2)
NOT_GRAVE = "Only a cancer, or what asks for a visit this week, can be held back from the patient"
NOT_WITHIN_A_WEEK = "A review is held until a time that lies ahead, within 7 days"
TOLD_OR_HELD = (
    "A review is held until the doctor has told the patient, or the server tells: not both"
)
NOT_SHOWN_ANYWAY = "A second opinion goes to the doctor in charge: no patient is shown it"
NOT_TO_SHOW = "Only the doctor in charge can show the patient what is held back"
NOT_IN_CHARGE = "Only the doctor in charge can review, or one who is asked for a second opinion"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewsService:
    work: UnitOfWork
    reviews: Reviews
    records: RecordsService
    submissions: Submissions
    queue: ReviewQueue
    accounts: Accounts
    outcomes: OutcomeCounts
    weekly_counts: WeeklyCounts
    outbox: Outbox
    failed: FailedItems

    def add_review(
        self,
        *,
        number: str,
        by: Subject,
        said: Statement,
        key: str | None,
    ) -> Review:
        """Store the review of the doctor in whose care the owner is, or of one who is asked for a
        second opinion: the request ends with it. That is for the doctor in charge, who decides.

        The same request with the same idempotency key gets the review of the first one. Raises
        NotFound, Forbidden, IdempotencyKeyReused for another request with that key,
        NoPictureToAgreeOn, ContradictoryReview, HoldRefused, and TooManyReviews.
        """
        try:
            return self._sign(number=number, by=by, said=said, key=key)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if stored := self._find_signed(by.id, key, number, said):
                return stored
            raise

    @atomic
    def _sign(
        self, unit: Unit, *, number: str, by: Subject, said: Statement, key: str | None
    ) -> Review:
        if before := self._find_signed(by.id, key, number, said):
            return before
        submission, owner = self._get_to_review(number, by)
        finding = submission.finding
        opinion = said.resolve(
            stated=finding.headline.likely.key,
            band=finding.band,
            pictured=submission.photo_blob is not None,
        )
        unit.audit("review.create", by=by.id, target=submission.id, owner=submission.owner)
        signed = self.reviews.list_of(submission.id)
        asked_by = None if in_care(owner, by) else submission.doctor
        if asked_by and said.hold_until:
            raise HoldRefused(NOT_SHOWN_ANYWAY)
        nobody_reads = asked_by or owner.record_kept_until_at
        hold_ends_at = None if nobody_reads else _hold_of(said, opinion, finding.band)
        review = Review(
            id=new_id_after(signed[-1].id if signed else None),
            created_at=now(),
            submission=submission.id,
            doctor=by.id,
            signature=by.account.name,
            opinion=opinion,
            asked_by=asked_by,
            note=said.note,
            question=submission.opinion_question if asked_by else None,
            downgrade_confirmed=said.downgrade_confirmed,
            hold_ends_at=hold_ends_at,
            idempotency_key=key,
            request_hash=_hash(submission.id, *said.hashed),
        )
        review = review.model_copy(update=_lowered(review, signed, submission))
        self.reviews.add(review, signed=signed)
        self.submissions.end_work_of(submission, by.id)
        if review.second_opinion:
            self._bring(review, submission)
        else:
            self._publish(unit, [*signed, review], submission, owner)
        unit.publish(ReviewSigned(submission, review))
        return review

    def _bring(self, review: Review, submission: Submission) -> None:
        """Bring a second opinion to the doctor in charge, in the caller's transaction."""
        published = review.model_copy(update={"asked_by": None})
        asks_for = Decision.of([published], submission.finding)
        self.submissions.note_opinion(
            submission, urgency=asks_for.urgency if asks_for else submission.band
        )
        if submission.doctor:
            about = f"case/{submission.number}"
            self.outbox.add(Kind.OPINION_CAME, to=submission.doctor, about=about)

    def _publish(
        self, unit: Unit, reviews: Sequence[Review], submission: Submission, owner: Account
    ) -> None:
        """Let the newest of these reviews count, and tell the patient of it."""
        opinion = reviews[-1].opinion
        self._mark(unit, submission, owner, reviews)
        self.submissions.close_opinion(submission)
        if opinion.histology_result:
            # A result that a colleague has told counts from when the doctor in charge signs it.
            known = [
                one for one in reviews if not (one.second_opinion and one.opinion.histology_result)
            ]
            doctors = self.accounts.by_ids({one.doctor for one in known})
            self.outcomes.add(submission, known, doctors=doctors)
        kind = Kind.NEW_PICTURE if opinion.new_picture_wanted else Kind.REVIEWED
        place, due_at = _place_of(submission), reviews[-1].hold_ends_at
        urgent = _is_grave(opinion, submission.finding.band)
        self.outbox.add(kind, to=owner.id, about=place, urgent=urgent, due_at=due_at)
        if opinion.condition is not None:
            finding = submission.finding
            outputs = [entry.key for entry in finding.ranked]
            disagrees = _disagrees(opinion, finding.headline.likely.key, outputs)
            unit.afterwards(
                partial(self.weekly_counts.add_review, finding.model_version, disagrees)
            )

    def _get_to_review(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self.records.get(number=number, to=doctor)
        if not in_care(owner, doctor) and not is_asked(submission, owner, doctor):
            raise Forbidden(NOT_IN_CHARGE)
        return submission, owner

    def _mark(
        self, unit: Unit, submission: Submission, owner: Account, reviews: Sequence[Review]
    ) -> None:
        """Mark the finding with what its reviews say."""
        finding, found_at = submission.finding, submission.created_at
        if decision := Decision.of(reviews, finding, found_at):
            withheld = withheld_at(now(), reviews, finding, found_at)
            self.submissions.mark_reviewed(submission, decision=decision, withheld=withheld)
            self.queue.leave(submission, owner)
            unit.publish(FindingReviewed(submission))

    @atomic
    def end_hold(self, unit: Unit, *, number: str, by: Subject) -> None:
        """Show the patient what the doctor in charge holds back: the patient knows. Nothing changes
        where nothing is held. Raises NotFound, Forbidden.
        """
        submission, owner = self._get_in_charge(number, by)
        if not submission.held:
            return
        unit.audit("review.show", by=by.id, target=submission.id, owner=submission.owner)
        if not self.reviews.end_holds(submission.id):
            return
        self._mark(unit, submission, owner, self.reviews.list_of(submission.id))
        place = _place_of(submission)
        for kind in (Kind.REVIEWED, Kind.NEW_PICTURE):
            self.outbox.withdraw(kind, to=owner.id, about=place)
        self.outbox.add(Kind.REVIEWED, to=owner.id, about=place)

    def _get_in_charge(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self.records.get(number=number, to=doctor)
        if not in_care(owner, doctor):
            raise Forbidden(NOT_TO_SHOW)
        return submission, owner

    @atomic
    def repair_mark(self, unit: Unit, submission_id: str) -> bool:
        """Mark the finding as its reviews say; False where it is marked so already."""
        submission = self.records.find(submission_id)
        if submission is None:
            return False
        reviews = self.reviews.list_of(submission_id)
        owner = self.accounts.by_ids({submission.owner}).get(submission.owner)
        if owner is None or _is_marked(submission, reviews):
            return False
        self._mark(unit, submission, owner, reviews)
        return True

    def _find_signed(
        self, doctor: str, key: str | None, number: str, said: Statement
    ) -> Review | None:
        """What the same request has signed before. Its doctor may not see the finding any more: a
        request for a second opinion has ended with it.
        """
        found = self.reviews.find_by_key(doctor, key)
        if found is None:
            return None
        about = self.records.find(found.submission)
        same = about is not None and str(about.number) == number
        if not same or found.request_hash != _hash(found.submission, *said.hashed):
            raise IdempotencyKeyReused
        return found

    def list_reviews(
        self, *, number: str, to: Subject, after: str | None, limit: int
    ) -> Page[Review]:
        """The reviews of a finding that the caller may see; its owner sees no second opinion and
        nothing that is held, and no link to a page of those either. Raises NotFound.
        """
        submission, _ = self.records.get_to_read(number=number, to=to, reading="reviews")
        told = _told(self.reviews.list_of(submission.id), submission)
        return page_of([one for one in told if one.id > (after or "")], limit)

    def get_reviewed(self, submission: Submission) -> ReviewedFinding:
        """The reviews of the finding of which its reader may know, and what they decide."""
        told = _told(self.reviews.list_of(submission.id), submission)
        return ReviewedFinding(told, submission.finding, submission.created_at)

    def renew_marks(self, after: str | None) -> Chunk | None:
        """Mark the findings of the next reviews behind this one as this version decides."""
        last, submissions = self.reviews.submissions_after(after, MARKED_AT_ONCE)
        pairs = ((one, one) for one in sorted(submissions))
        changed = sum(self.failed.each("migration", pairs, self.repair_mark))
        return Chunk(last, changed) if last else None

    def faults(self) -> Iterator[Fault]:
        """Reviews of deleted submissions, and submissions that are not marked as their reviews say,
        as servers of the version before or a restore by hand leave them.
        """
        for identifier in sorted(self.reviews.reviewed_submissions()):
            submission = self.records.find(identifier)
            if submission is None:
                says = f"reviews of submission {identifier}, which is gone"
                yield Fault(says, partial(self.reviews.forget, identifier))
            elif not _is_marked(submission, self.reviews.list_of(identifier)):
                says = f"submission {identifier} is not marked with what its reviews say"
                yield Fault(says, partial(self.repair_mark, identifier))


def _is_marked(submission: Submission, reviews: Sequence[Review]) -> bool:
    finding, found_at = submission.finding, submission.created_at
    decision = Decision.of(reviews, finding, found_at)
    if decision is None:
        return True
    marks = (decision.known_before, decision.reviewed_as(stated=finding.stated))
    stored = submission.decision and submission.decision.known_before
    marked = (stored, submission.reviewed_as) == marks
    held = withheld_at(now(), reviews, finding, found_at)
    if [*map(_shown, submission.held)] != [*map(_shown, held)]:
        return False
    return marked and submission.reviewed and submission.has_current_keys


def _shown(withheld: Withheld) -> Withheld:
    shown = withheld.shown and withheld.shown.known_before
    return withheld.model_copy(update={"shown": shown})


def _told(reviews: Sequence[Review], submission: Submission) -> list[Review]:
    """Those of which the reader of this copy of the finding may know."""
    if not submission.as_owner_sees:
        return [*reviews]
    moment = now()
    return [one for one in reviews if not (one.second_opinion or one.held_at(moment))]


def _lowered(review: Review, signed: Sequence[Review], submission: Submission) -> dict[str, Band]:
    """Which urgency it lowers, and to which; of a second opinion, once it is signed as it is."""
    finding = submission.finding
    before = submission.decision.urgency if submission.decision else finding.band
    counts = Decision.of([*signed, review.model_copy(update={"asked_by": None})], finding)
    if counts is None or urgency(counts.urgency) <= urgency(before):
        return {}
    return {"lowered_from": before, "lowered_to": counts.urgency}


def _hold_of(said: Statement, opinion: Opinion, band: Band) -> datetime | None:
    """Until when it is held back from the patient: no malignant label leaves by itself. Raises
    HoldRefused.
    """
    if said.told_by is Teller.SERVER:
        if said.hold_until:
            raise HoldRefused(TOLD_OR_HELD)
        return None
    if not (said.hold_until or said.told_by or opinion.malignant):
        return None
    if not _is_grave(opinion, band):
        raise HoldRefused(NOT_GRAVE)
    moment = now()
    if said.hold_until is None:
        return moment + USUAL_HOLD
    if not moment < said.hold_until <= moment + LONGEST_HOLD:
        raise HoldRefused(NOT_WITHIN_A_WEEK)
    until = said.hold_until.astimezone(UTC)  # not before: the last of all days has none in UTC
    return until.replace(microsecond=until.microsecond // 1000 * 1000)


def _is_grave(opinion: Opinion, band: Band) -> bool:
    return opinion.malignant or urgency_asked(opinion, band) is Band.URGENT_REFERRAL


def _place_of(submission: Submission) -> str:
    """Where the console shows it to its owner."""
    return f"finding/{submission.number}"


def _disagrees(opinion: Opinion, stated: str, outputs: Collection[str]) -> bool:
    """Whether it counts as a disagreement: not where the model counts the named condition within
    the stated one, as one without an output for squamous cell carcinoma within actinic keratosis.
    """
    named = opinion.condition or ""
    within = named != stated and conditions_table().counted_as(named, outputs) == stated
    return opinion.agreement is Agreement.DISAGREE and not within


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
