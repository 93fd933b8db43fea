"""The use cases of reviews: sign one as the doctor in charge, and list them."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import ValidationError

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import Duplicate, Forbidden, IdempotencyKeyReused
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.errors import HoldRefused
from skinapi.records.opinions import Agreement, Opinion
from skinapi.records.outcome_counts import OutcomeCounts
from skinapi.records.review_queue import in_care, is_asked
from skinapi.records.review_schemas import NewReview
from skinapi.records.reviewed_finding import ReviewedFinding
from skinapi.records.reviews import Decision, Review, Reviews, urgency_asked, withheld_at
from skinapi.records.service import RecordsService
from skinapi.records.submissions import Submission
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.migration import Chunk
from skinapi.storage.ports import Store
from skinapi.vision.conditions import Band, conditions_table
from skinapi.web.access import Subject
from skinapi.web.schemas import Page, page_of

MARKED_AT_ONCE = 50
LONGEST_HOLD = timedelta(days=7)
NOT_GRAVE = "Only a cancer, or what asks for a visit this week, can be held back from the patient"
NOT_WITHIN_A_WEEK = "A review is held until a time that lies ahead, within 7 days"
NOT_SHOWN_ANYWAY = "A second opinion goes to the doctor in charge: no patient is shown it"
NOT_TO_SHOW = "Only the doctor in charge can show the patient what is held back"
NOT_IN_CHARGE = "Only the doctor in charge can review, or one who is asked for a second opinion"


class ReviewsService:
    def __init__(
        self,
        *,
        store: Store,
        reviews: Reviews,
        records: RecordsService,
        accounts: Accounts,
        outcomes: OutcomeCounts,
        trail: AuditTrail,
        on_review: Callable[[str, bool], None],
        outbox: Outbox,
    ) -> None:
        """`on_review(model_version, disagrees)` is called after each new review."""
        self._store = store
        self._reviews = reviews
        self._records = records
        self._accounts = accounts
        self._outcomes = outcomes
        self._trail = trail
        self._on_review = on_review
        self._outbox = outbox

    def add_review(
        self,
        *,
        number: str,
        by: Subject,
        said: NewReview,
        key: str | None,
    ) -> Review:
        """Store the review of the doctor in whose care the owner is, or of one who is asked for a
        second opinion: the request ends with it. That is for the doctor in charge, who decides.

        The same request with the same idempotency key gets the review of the first one. Raises
        NotFound, Forbidden, IdempotencyKeyReused for another request with that key,
        NoPictureToAgreeOn, ContradictoryReview, HoldRefused, and TooManyReviews.
        """
        if signed := self._find_signed(by.id, key, number, said):
            return signed
        submission = self._get_to_review(number, by)[0]
        finding = submission.finding
        likely, version = finding.headline.likely.key, finding.model_version
        outputs = [entry.key for entry in finding.ranked]
        opinion = said.resolve(
            stated=likely,
            band=finding.band,
            pictured=submission.photo_blob is not None,
        )
        fields = {
            "hold_ends_at": _hold_of(said, opinion, finding.band),
            "doctor": by.id,
            "signature": by.account.name,
            "idempotency_key": key,
            "request_hash": _hash(submission.id, *said.hashed),
            "note": said.note,
        }

        def sign() -> Review:
            current, owner = self._get_to_review(number, by)
            signed = self._reviews.list_of(current.id)
            asked_by = None if in_care(owner, by) else current.doctor
            if asked_by and said.hold_until:
                raise HoldRefused(NOT_SHOWN_ANYWAY)
            review = self._reviews.add(
                submission=current.id, opinion=opinion, signed=signed, asked_by=asked_by, **fields
            )
            self._records.end_work_on(current, by.id)
            if review.second_opinion:
                self._bring(review, current)
            else:
                self._publish([*signed, review], current, owner)
            return review

        try:
            review = self._trail.change(sign, "review.create", by=by.id, target=submission.id)
        except Duplicate:  # a retry of this request has stored it in the meantime
            if stored := self._find_signed(by.id, key, number, said):
                return stored
            raise
        if opinion.condition is not None and not review.second_opinion:
            self._on_review(version, _disagrees(opinion, likely, outputs))
        return review

    def _bring(self, review: Review, submission: Submission) -> None:
        """Bring a second opinion to the doctor in charge, in the caller's transaction."""
        published = review.model_copy(update={"asked_by": None})
        asks_for = Decision.of([published], submission.finding)
        self._records.note_opinion(
            submission, urgency=asks_for.urgency if asks_for else submission.band
        )
        if submission.doctor:
            about = f"case/{submission.number}"
            self._outbox.add(Kind.OPINION_CAME, to=submission.doctor, about=about)

    def _publish(self, reviews: Sequence[Review], submission: Submission, owner: Account) -> None:
        """Let the newest of these reviews count, in the caller's transaction, and tell the patient
        of it.
        """
        opinion = reviews[-1].opinion
        self._mark(submission, owner, reviews)
        self._records.close_opinion(submission)
        if opinion.histology_result:
            # A result that a colleague has told counts from when the doctor in charge signs it.
            known = [
                one for one in reviews if not (one.second_opinion and one.opinion.histology_result)
            ]
            doctors = self._accounts.by_ids({one.doctor for one in known})
            self._outcomes.add(submission, known, doctors=doctors)
        kind = Kind.NEW_PICTURE if opinion.new_picture_wanted else Kind.REVIEWED
        place, due_at = _place_of(submission), reviews[-1].hold_ends_at
        self._outbox.add(kind, to=owner.id, about=place, due_at=due_at)

    def _get_to_review(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self._records.get(number=number, to=doctor)
        if not in_care(owner, doctor) and not is_asked(submission, owner, doctor):
            raise Forbidden(NOT_IN_CHARGE)
        return submission, owner

    def _mark(self, submission: Submission, owner: Account, reviews: Sequence[Review]) -> None:
        """Mark the finding with what its reviews say, in the caller's transaction."""
        if decision := Decision.of(reviews, submission.finding):
            withheld = withheld_at(now(), reviews, submission.finding)
            self._records.mark_reviewed(submission, owner, decision=decision, withheld=withheld)

    def end_hold(self, *, number: str, by: Subject) -> None:
        """Show the patient what the doctor in charge holds back: the patient knows. Nothing changes
        where nothing is held. Raises NotFound, Forbidden.
        """
        held = self._get_in_charge(number, by)[0]

        def end() -> None:
            current, owner = self._get_in_charge(number, by)
            if not self._reviews.end_holds(current.id):
                return
            self._mark(current, owner, self._reviews.list_of(current.id))
            for kind in (Kind.REVIEWED, Kind.NEW_PICTURE):
                self._outbox.withdraw(kind, to=owner.id, about=_place_of(current))
            self._outbox.add(Kind.REVIEWED, to=owner.id, about=_place_of(current))

        if held.held:
            self._trail.change(end, "review.show", by=by.id, target=held.id)

    def _get_in_charge(self, number: str, doctor: Subject) -> tuple[Submission, Account]:
        submission, owner = self._records.get(number=number, to=doctor)
        if not in_care(owner, doctor):
            raise Forbidden(NOT_TO_SHOW)
        return submission, owner

    def repair_mark(self, submission_id: str) -> bool:
        """Mark the finding as its reviews say; False where it is marked so already."""
        with suppress(ValidationError):  # `check` names a damaged finding
            return self._store.transaction(partial(self._mark_again, submission_id))
        return False

    def _mark_again(self, submission_id: str) -> bool:
        submission = self._records.find(submission_id)
        if submission is None:
            return False
        reviews = self._reviews.list_of(submission_id)
        owner = self._accounts.by_ids({submission.owner}).get(submission.owner)
        if owner is None or _is_marked(submission, reviews):
            return False
        self._mark(submission, owner, reviews)
        return True

    def _find_signed(
        self, doctor: str, key: str | None, number: str, said: NewReview
    ) -> Review | None:
        """What the same request has signed before. Its doctor may not see the finding any more: a
        request for a second opinion has ended with it.
        """
        found = self._reviews.find_by_key(doctor, key)
        if found is None:
            return None
        about = self._records.find(found.submission)
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
        submission, _ = self._records.get(number=number, to=to)
        told = _told(self._reviews.list_of(submission.id), submission)
        return page_of([one for one in told if one.id > (after or "")], limit)

    def get_reviewed(self, submission: Submission) -> ReviewedFinding:
        """The reviews of the finding of which its reader may know, and what they decide."""
        told = _told(self._reviews.list_of(submission.id), submission)
        return ReviewedFinding(told, submission.finding)

    def renew_marks(self, after: str | None) -> Chunk | None:
        """Mark the findings of the next reviews behind this one as this version decides."""
        last, submissions = self._reviews.submissions_after(after, MARKED_AT_ONCE)
        return Chunk(last, sum(map(self.repair_mark, sorted(submissions)))) if last else None

    def faults(self) -> Iterator[Fault]:
        """Reviews of deleted submissions, and submissions that are not marked as their reviews say,
        as servers of the version before or a restore by hand leave them.
        """
        for identifier in sorted(self._reviews.reviewed_submissions()):
            submission = self._records.find(identifier)
            if submission is None:
                says = f"reviews of submission {identifier}, which is gone"
                yield Fault(says, partial(self._reviews.forget, identifier))
            elif not _is_marked(submission, self._reviews.list_of(identifier)):
                says = f"submission {identifier} is not marked with what its reviews say"
                yield Fault(says, partial(self.repair_mark, identifier))


def _is_marked(submission: Submission, reviews: Sequence[Review]) -> bool:
    decision = Decision.of(reviews, submission.finding)
    if decision is None:
        return True
    marks = (decision, decision.reviewed_as(stated=submission.finding.stated))
    marked = (submission.decision, submission.reviewed_as) == marks
    if submission.held != withheld_at(now(), reviews, submission.finding):
        return False
    return marked and submission.reviewed and submission.has_current_keys


def _told(reviews: Sequence[Review], submission: Submission) -> list[Review]:
    """Those of which the reader of this copy of the finding may know."""
    if not submission.as_owner_sees:
        return [*reviews]
    moment = now()
    return [one for one in reviews if not (one.second_opinion or one.held_at(moment))]


def _hold_of(said: NewReview, opinion: Opinion, band: Band) -> datetime | None:
    """Until when it is held back from the patient. Raises HoldRefused."""
    if said.hold_until is None:
        return None
    if not (opinion.malignant or urgency_asked(opinion, band) is Band.URGENT_REFERRAL):
        raise HoldRefused(NOT_GRAVE)
    moment = now()
    if not moment < said.hold_until <= moment + LONGEST_HOLD:
        raise HoldRefused(NOT_WITHIN_A_WEEK)
    until = said.hold_until.astimezone(UTC)  # not before: the last of all days has none in UTC
    return until.replace(microsecond=until.microsecond // 1000 * 1000)


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
