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
from skinapi.records.decisions import Decision, urgency_asked
from skinapi.records.errors import HoldRefused
from skinapi.records.events import (
    FindingReviewed,
    FindingsChanged,
    LetterIssued,
    LetterTakenBack,
    ReviewSigned,
)
from skinapi.records.letters import Letters
from skinapi.records.opinions import Agreement, Opinion, Statement, Teller
from skinapi.records.outcome_counts import OutcomeCounts
from skinapi.records.review_queue import ReviewQueue, in_care, is_asked
from skinapi.records.reviews import Review, Reviews
from skinapi.records.service import RecordsService
from skinapi.records.spots import Spots
from skinapi.records.standing import Reader
from skinapi.records.submission import Submission
from skinapi.records.submissions import Submissions
from skinapi.registry.drift_counts import WeeklyCounts
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id_after, now
from skinapi.storage.unit_of_work import Unit, UnitOfWork, atomic
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table

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
    letters: Letters
    records: RecordsService
    submissions: Submissions
    spots: Spots
    queue: ReviewQueue
    accounts: Accounts
    outcomes: OutcomeCounts
    weekly_counts: WeeklyCounts
    outbox: Outbox

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
        opinion = said.resolve(
            stated=submission.finding.headline.likely.key,
            band=submission.band,
            pictured=submission.photo_blob is not None,
        )
        unit.audit("review.create", by=by.id, target=submission.id, owner=submission.owner)
        signed = submission.stands.reviews
        asked_by = None if in_care(owner, by) else submission.doctor
        if asked_by and said.hold_until:
            raise HoldRefused(NOT_SHOWN_ANYWAY)
        nobody_reads = asked_by or owner.record_kept_until_at
        hold_ends_at = None if nobody_reads else _hold_of(said, opinion, submission.band)
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
        review = review.model_copy(update=_lowered(review, submission))
        self.reviews.add(review, signed=signed)
        self.submissions.end_work_of(submission, by.id)
        if review.second_opinion:
            self._bring(review, submission)
            unit.publish(ReviewSigned(submission, review))
        else:
            self._publish(unit, [*signed, review], submission, owner)
        return review

    def _bring(self, review: Review, submission: Submission) -> None:
        """Bring a second opinion to the doctor in charge, in the caller's transaction."""
        published = review.model_copy(update={"asked_by": None})
        asks_for = Decision.of([published], submission.band)
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
        newest = [] if reviews[-1].hold_ends_at else [reviews[-1]]
        self._mark(unit, submission, owner, shown=[*submission.untold(reviews), *newest])
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
        urgent = _is_grave(opinion, submission.band)
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
        self, unit: Unit, submission: Submission, owner: Account, *, shown: Sequence[Review]
    ) -> None:
        """Sort the lists by what holds now. `shown` are the reviews that the patient sees from now
        on: who may know no more than the patient is told of them now.
        """
        self.submissions.touch(submission.id)
        lesion, own = submission.lesion, submission.id
        self.spots.renew_keys(lesions=[lesion], ids=[] if lesion else [own], shown=own)
        self.queue.leave(submission, owner)
        unit.publish(FindingReviewed(submission))
        if shown:
            unit.publish(FindingsChanged(self.spots.note_changes(submission)))
        for review in shown:
            unit.publish(ReviewSigned(submission, review))
        self._tell_of_letters(unit, submission, [one for one in shown if one.hold_ends_at])

    def _tell_of_letters(self, unit: Unit, about: Submission, held: Sequence[Review]) -> None:
        """The letters that were signed while these reviews were held back, and are not told of as
        long as others are.
        """
        if not held:
            return
        moment, since = now(), min(one.created_at for one in held)
        others = [one for one in about.stands.reviews if one not in held]
        still_held = [one.created_at for one in others if one.held_at(moment)]
        until = min([moment, max(one.shown_at for one in held), *still_held])
        for letter in self.letters.list_signed(about.id):
            if letter.signed_at and since <= letter.signed_at < until:
                unit.publish(LetterIssued(about, letter))
                if letter.withdrawn:
                    unit.publish(LetterTakenBack(about, letter))

    @atomic
    def end_hold(self, unit: Unit, *, number: str, by: Subject) -> None:
        """Show the patient what the doctor in charge holds back: the patient knows. Nothing changes
        where nothing is held. Raises NotFound, Forbidden.
        """
        submission, owner = self._get_in_charge(number, by)
        if not submission.held_until:
            return
        unit.audit("review.show", by=by.id, target=submission.id, owner=submission.owner)
        reviews, moment = submission.stands.reviews, now()
        held = [one for one in reviews if one.held_at(moment)]
        if not self.reviews.end_holds(submission.id):
            return
        self._mark(unit, submission, owner, shown=[*submission.untold(reviews), *held])
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
    def show_ended(self, unit: Unit, finding: str) -> None:
        """Sort the lists by what holds since a hold of this finding has ended by its time."""
        submission = self.records.find(finding)
        owner = submission and self.accounts.by_ids({submission.owner}).get(submission.owner)
        if submission and owner and not submission.error:
            seen = self.spots.see_one(submission, Reader.DOCTOR)
            self._mark(unit, seen, owner, shown=seen.untold(seen.stands.reviews))

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
        told = submission.stands.reviews
        return page_of([one for one in told if one.id > (after or "")], limit)

    def faults(self) -> Iterator[Fault]:
        """Reviews of deleted submissions."""
        for identifier in sorted(self.reviews.reviewed_submissions()):
            if not self.records.has(identifier):
                says = f"reviews of submission {identifier}, which is gone"
                yield Fault(says, partial(self.reviews.forget, identifier))


def _lowered(review: Review, submission: Submission) -> dict[str, Band]:
    """Which urgency it lowers, and to which; of a second opinion, once it is signed as it is."""
    before = submission.decision.urgency if submission.decision else submission.band
    signed = [*submission.stands.reviews, review.model_copy(update={"asked_by": None})]
    counts = Decision.of(signed, submission.band)
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
