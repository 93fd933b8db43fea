"""The use cases of reviews: sign one as the doctor in charge, and list them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import IdempotencyKeyReused
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.errors import (
    HoldRefused,
    NoMailToPatient,
    OpinionStands,
    ResultStands,
)
from skinapi.findings.records.events import (
    FindingReviewed,
    FindingsChanged,
    LetterIssued,
    LetterTakenBack,
    OpinionSigned,
    ReviewSigned,
)
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.letters import Letters, find_letter_shown_at
from skinapi.findings.records.read_access import PatientChannel, in_care
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.records.visible_findings import VisibleFinding
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.decisions import urgency_of
from skinapi.findings.status.lesion_status import Audience
from skinapi.findings.status.reviews import Opinion, Review, ToldBy
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id_after, now
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

SHOWN_AT_ONCE = 100
LONGEST_HOLD = timedelta(days=7)
# Of a malignant label where nobody has said who tells the patient.
USUAL_HOLD = timedelta(days=2)
NOT_GRAVE = "Only a cancer, or what asks for a visit this week, can be held back from the patient"
NOT_WITHIN_A_WEEK = "A review is held until a time that lies ahead, within 7 days"
TOLD_OR_HELD = (
    "A review is held until the doctor has told the patient, or the server tells: not both"
)
NOT_SHOWN_ANYWAY = "A second opinion goes to the doctor in charge: no patient is shown it"
GRAVER_IS_HELD = (
    "Something graver that was said of another photo of the spot is held back: show that first"
)
READS_NOTHING = (
    "Nothing reaches this patient from here: the account is suspended or not approved, or no key "
    "in force says that a program shows it to such patients. Tell them in another way, and send "
    "told_by `doctor`"
)
OF_RECORD = "The patient's account is deleted: nobody is shown it here"
NOT_TO_SHOW = "Only the doctor in charge can show the patient what is held back"
NOT_IN_CHARGE = "Only the doctor in charge can review, or one who is asked for a second opinion"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewsService:
    work: UnitOfWork
    letters: Letters
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
        """Store the review of the doctor in charge, or a second opinion: its request ends then. The
        same request with the same key gets the review of the first one.
        """
        return find_or_make(
            partial(self._find_signed, by.id, key, number, sent),
            lambda: self._sign(number=number, by=by, sent=sent, key=key),
        )

    @atomic
    def _sign(
        self, unit: Unit, *, number: str, by: Subject, sent: NewReview, key: str | None
    ) -> Review:
        # Again: the request for a second opinion may have ended with the same request.
        if before := self._find_signed(by.id, key, number, sent):
            return before
        finding, owner = self.findings.get_in_charge(
            number=number, by=by, refusal=NOT_IN_CHARGE, or_asked=True
        )
        finding.require_seen(sent.version)
        in_charge = in_care(owner, by)
        finding.require_spot_state(sent.spot_state, in_charge=in_charge)
        asked_by = None if in_charge else finding.asker
        if asked_by:
            sent.require_opinion()
        judged = finding.finding
        opinion = sent.resolve(
            stated=judged.likely,
            band=finding.band,
            pictured=finding.photo_blob is not None,
            shows_no_skin=judged.not_skin and not (judged.checklist_score or judged.told_signs),
        )
        unit.audit("review.create", by=by.id, target=finding.id, owner=finding.owner)
        if asked_by and sent.hold_until:
            raise HoldRefused(NOT_SHOWN_ANYWAY)
        signed = finding.status.reviews
        nobody_reads = asked_by or owner.record_kept_until_at
        if not nobody_reads:
            self._require_way(owner, sent.told_by, grave=_is_grave(opinion, finding.band))
        review = Review(
            id=new_id_after(signed[-1].id if signed else None),
            created_at=now(),
            submission=finding.id,
            version=finding.version,
            saw=_list_seen(finding),
            doctor=by.id,
            signature=by.account.name,
            opinion=opinion,
            note=sent.note,
            question=finding.opinion_question if asked_by else None,
            downgrade_confirmed=sent.downgrade_confirmed,
            hold_ends_at=None if nobody_reads else _hold_of(sent, opinion, finding.band),
            idempotency_key=key,
            request_hash=_hash(finding.id, sent),
        )
        if not nobody_reads:
            review = finding.with_review(review).spot_holds.hold(review)
        # Of a second opinion: once the doctor in charge signs it as it is.
        after = finding.with_review(review)
        decides, reopened = after.decision, after.status.reopened
        sample = finding.status.sample
        own = sample is not None and sample.doctor == by.id
        if (
            in_charge
            and decides
            and decides.leaves_unread(review, after.band, reopened=reopened, ends_sample=own)
        ):
            raise ResultStands if decides.proven else OpinionStands
        review = review.model_copy(update={"asked_by": asked_by, **_lowered(finding, after)})
        self.records.reviews.add(review, signed=signed)
        self.records.end_work_of(finding, by.id, answered=not asked_by)
        if asked_by:
            asked = urgency_of(review, None, finding.band)
            self.records.note_opinion(finding, urgency=asked)
            self.queue.renew(finding, owner)
            if finding.doctor:
                about = f"case/{finding.number}"
                self.outbox.add(Kind.OPINION_CAME, to=finding.doctor, about=about)
            unit.publish(OpinionSigned(finding))
            unit.publish(ReviewSigned(finding, review))
        else:
            self._publish(unit, [*signed, review], finding, after, owner)
        return review

    def _require_way(self, owner: Account, teller: ToldBy | None, *, grave: bool) -> None:
        way = self.findings.way_to(owner)
        alone = teller is ToldBy.NOBODY and grave
        if way is PatientChannel.SHUT_OUT and (alone or teller is ToldBy.SERVER):
            raise NoMailToPatient(READS_NOTHING)
        if teller is ToldBy.SERVER and way is not PatientChannel.MAIL:
            raise NoMailToPatient

    def _publish(
        self,
        unit: Unit,
        reviews: Sequence[Review],
        finding: VisibleFinding,
        after: VisibleFinding,
        owner: Account,
    ) -> None:
        review = reviews[-1]
        shown = [*finding.untold(reviews), *([] if review.hold_ends_at else [review])]
        longer = after.spot_holds.hold_longer() if review.hold_ends_at else []
        self.records.reviews.set_holds(longer)
        self._mark(unit, finding, owner, shown=shown, known=None if longer else after)
        self._mail(finding, owner, shown)
        self._show_spot(unit, finding, owner)
        if review.opinion.histology_result:
            self.outcomes.add(finding, reviews)

    def _mail(
        self,
        about: VisibleFinding,
        owner: Account,
        shown: Sequence[Review],
        *,
        told: bool = False,
    ) -> None:
        """Tell the patient by mail of what is shown from now on, which is urgent unless the doctor
        has `told` it; a mail of before that still waits says nothing else.
        """
        if not shown:
            return
        place, opinions = f"finding/{about.number}", [review.opinion for review in shown]
        for kind in (Kind.REVIEWED, Kind.NEW_PICTURE):
            self.outbox.withdraw(kind, to=owner.id, about=place)
        kind = Kind.NEW_PICTURE if opinions[-1].new_picture_wanted else Kind.REVIEWED
        urgent = not told and any(_is_grave(opinion, about.band) for opinion in opinions)
        self.outbox.add(kind, to=owner.id, about=place, urgent=urgent)

    def _mark(
        self,
        unit: Unit,
        finding: VisibleFinding,
        owner: Account,
        *,
        shown: Sequence[Review],
        known: VisibleFinding | None = None,
    ) -> None:
        """Sort the lists by what holds now, which `known` shows if it is given. `shown` are the
        reviews that the patient sees from now on.
        """
        self.records.touch(finding.id)
        lesions, own = [finding.lesion], finding.id
        alone = [] if finding.lesion else [own]
        self.records.renew_keys(lesions=lesions, ids=alone, known=known, shown=own)
        self.queue.move_patient_down(finding, owner)
        unit.publish(FindingReviewed(finding))
        if shown:
            unit.publish(FindingsChanged(self.records.note_changes(lesions, ids=alone)))
        for review in shown:
            unit.publish(ReviewSigned(finding, review))
        if held := [item for item in shown if item.hold_ends_at]:
            self._tell_of_letters(unit, finding, held)

    def _tell_of_letters(self, unit: Unit, about: VisibleFinding, held: Sequence[Review]) -> None:
        """Publish the letters that waited for the first of these holds to end."""
        ends = {item.shown_at for item in held}
        for letter in self.letters.list_signed(about.id):
            shown_at = find_letter_shown_at(letter, about)
            if shown_at in ends and shown_at != letter.signed_at:
                unit.publish(LetterIssued(about, letter))
                if letter.withdrawn:
                    unit.publish(LetterTakenBack(about, letter))

    @atomic
    def end_hold(self, unit: Unit, *, number: str, by: Subject) -> list[Review]:
        """End the hold: return all reviews of the finding that were held back. What was held with
        them of other photos of the spot is shown too.
        """
        finding, owner = self.findings.get_in_charge(number=number, by=by, refusal=NOT_TO_SHOW)
        if not finding.held_until:
            return []
        unit.audit("review.show", by=by.id, target=finding.id, owner=finding.owner)
        if owner.record_kept_until_at:
            raise HoldRefused(OF_RECORD)
        held, holds = finding.list_held(), finding.spot_holds
        if any(map(holds.is_held_with_other, held)):
            raise HoldRefused(GRAVER_IS_HELD)
        self._show(unit, finding, owner, held)
        self._show_spot(unit, finding, owner)
        return held

    def _show_spot(self, unit: Unit, about: VisibleFinding, owner: Account) -> None:
        """Show what was held with something graver of its spot that is held no more, unless its
        doctor holds it.
        """
        for name, signed in about.spot_holds.reviews.items():
            if any(item.held_with_graver for item in signed):
                self._show_freed(unit, name, owner)

    def _show_freed(self, unit: Unit, identifier: str, owner: Account) -> None:
        if finding := self.records.find(identifier):
            seen = self.records.see_one(finding, Audience.DOCTOR)
            with_it = [item for item in seen.list_held() if item.held_with_graver]
            anew = {item.id: seen.spot_holds.hold(item) for item in with_it}
            over = [item for item in with_it if not anew[item.id].held_at(seen.view.moment)]
            shorter = [
                anew[item.id]
                for item in with_it
                if item not in over and anew[item.id].shown_at < item.shown_at
            ]
            if shorter:
                self.records.reviews.set_holds(shorter)
                self._mark(unit, seen, owner, shown=())
            self._show(unit, seen, owner, over, told=False)

    @atomic
    def show_freed(self, unit: Unit, identifier: str) -> None:
        """The same of one finding: what it was held with may have been deleted, entered in error,
        or sorted elsewhere.
        """
        finding = self.records.find(identifier)
        owner = finding and self.accounts.find_by_id(finding.owner)
        if finding and owner and not finding.error:
            self._show_freed(unit, identifier, owner)

    def _show(
        self,
        unit: Unit,
        about: VisibleFinding,
        owner: Account,
        held: Sequence[Review],
        *,
        told: bool = True,
    ) -> None:
        """End the holds of these reviews of a finding before their time."""
        if not held:
            return
        self.records.reviews.hold_until(about.view.moment, held)
        shown = [*about.untold(about.status.reviews), *held]
        self._mark(unit, about, owner, shown=shown)
        self._mail(about, owner, shown, told=told)

    @atomic
    def show_ended(self, unit: Unit, identifier: str) -> None:
        """Sort the lists by what holds since a hold of this finding has ended by its time."""
        finding = self.records.find(identifier)
        owner = finding and self.accounts.find_by_id(finding.owner)
        if finding and owner and not finding.error:
            seen = self.records.see_one(finding, Audience.DOCTOR)
            shown = seen.untold(seen.status.reviews)
            self._mark(unit, seen, owner, shown=shown)
            self._mail(seen, owner, shown)

    @atomic
    def shorten_holds(self, unit: Unit, until: datetime, identifier: str) -> None:
        """Let what is held of this finding end then, where it would end later."""
        finding = self.records.find(identifier)
        owner = finding and self.accounts.find_by_id(finding.owner)
        if finding and owner:
            later = [
                item
                for item in self.records.reviews.list_of(identifier)
                if item.hold_ends_at and item.hold_ends_at > until
            ]
            self.records.reviews.hold_until(until, later)
            self._mark(unit, self.records.see_one(finding, Audience.DOCTOR), owner, shown=())

    def find_way(self, review: Review) -> PatientChannel | None:
        """See FindingAccess."""
        about = self.records.find(review.submission)
        return self.findings.find_way(about.owner) if about else None

    def _find_signed(
        self, doctor: str, key: str | None, number: str, sent: NewReview
    ) -> Review | None:
        """Its doctor may not see the finding any more: a request for a second opinion has ended."""
        found = self.records.reviews.find_by_key(doctor, key)
        if found is None:
            return None
        about = self.records.find(found.submission)
        same = about is not None and str(about.number) == number
        if not same or found.request_hash != _hash(found.submission, sent):
            raise IdempotencyKeyReused
        return found

    def list_reviews(
        self, *, number: str, to: Subject, paging: PageRequest
    ) -> Page[tuple[Review, bool]]:
        """List the reviews, each with whether it is held back from the patient."""
        finding, _ = self.findings.get(number=number, to=to)
        reviews, held = finding.status.reviews, finding.list_held()
        page = page_of([item for item in reviews if item.id > (paging.after or "")], paging)
        return page.map(lambda item: (item, item in held))

    def check_integrity(self) -> Iterator[Fault]:
        """Report reviews of deleted findings."""
        for identifier in sorted(self.records.reviews.reviewed_findings()):
            if not self.records.has(identifier):
                text = f"reviews of submission {identifier}, which is gone"
                forget = partial(self.records.reviews.forget, identifier)
                yield Fault(text, forget, gone=identifier)


@dataclass(frozen=True, slots=True)
class EndedHolds:
    """Any process may make a pass: what one has shown, another does not find any more."""

    reviews: ReviewsService
    failed: FailedItems

    def run_once(self) -> None:
        reviews, records = self.reviews, self.reviews.records
        self.failed.do_each("hold", records.list_shown(SHOWN_AT_ONCE), reviews.show_ended)
        moment = now()
        held = records.reviews.list_held_with_graver(moment)
        self.failed.do_each("hold", held, reviews.show_freed)
        # A server had been started by a clock that was ahead.
        too_long = records.list_held_after(moment + LONGEST_HOLD)
        shorten = partial(reviews.shorten_holds, moment + USUAL_HOLD)
        self.failed.do_each("hold", too_long, shorten)


def _list_seen(about: VisibleFinding) -> tuple[str, ...]:
    """The other findings of the spot, but those that were told to be of another place: a decision
    about this photo says nothing of them.
    """
    others = (
        item.photo for item in about.lesion_status.findings.values() if item.photo.id != about.id
    )
    return tuple(item.id for item in others if not item.is_told_elsewhere(about.photo))


def _lowered(before: VisibleFinding, after: VisibleFinding) -> dict[str, Band]:
    former, counts = _counted_urgency(before), _counted_urgency(after)
    return (
        {"lowered_from": former, "lowered_to": counts} if urgency(counts) > urgency(former) else {}
    )


def _counted_urgency(finding: VisibleFinding) -> Band:
    decision = finding.decision
    return decision.urgency if decision and not finding.status.reopened else finding.band


def _hold_of(sent: NewReview, opinion: Opinion, band: Band) -> datetime | None:
    if sent.told_by in (ToldBy.SERVER, ToldBy.NOBODY):
        if sent.hold_until:
            raise HoldRefused(TOLD_OR_HELD)
        return None
    if not (sent.hold_until or sent.told_by or opinion.malignant):
        return None
    if not _is_grave(opinion, band):
        raise HoldRefused(NOT_GRAVE)
    moment = now()
    if sent.hold_until is None:
        return moment + USUAL_HOLD
    if not moment < sent.hold_until <= moment + LONGEST_HOLD:
        raise HoldRefused(NOT_WITHIN_A_WEEK)
    until = sent.hold_until.astimezone(UTC)  # not before: the last of all days has none in UTC
    return until.replace(microsecond=until.microsecond // 1000 * 1000)


def _is_grave(opinion: Opinion, band: Band) -> bool:
    return opinion.malignant or opinion.urgency_asked(band) is Band.URGENT_REFERRAL


def _hash(finding: str, sent: NewReview) -> str:
    content = sent.model_dump_json(exclude={"version", "spot_state"})
    return hashlib.sha256(f"{finding}\n{content}".encode()).hexdigest()
