"""What doctors say of a finding: an opinion, and the signed review that holds it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.errors import TooManyReviews
from skinapi.model.bands import most_urgent, urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Filter
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unreadable import hide, is_hidden

# All of them are read to find the one that counts.
MOST_REVIEWS = 100


class Agreement(StrEnum):
    AGREE = "agree"
    DISAGREE = "disagree"
    UNSURE = "unsure"


class Certainty(StrEnum):
    SURE = "sure"
    UNSURE = "unsure"


class Histology(StrEnum):
    NOT_TAKEN = "not_taken"
    AWAITED = "awaited"
    CONFIRMED = "confirmed"


AGREES = {Agreement.AGREE: True, Agreement.DISAGREE: False, Agreement.UNSURE: None}


def names_cancer(label: str | None) -> bool:
    return label is not None and conditions_table().label(label).malignant


class Opinion(StoredRecord):
    """`label` is what the doctor sees, `histology_result` what the laboratory found.
    `agrees_with_…` compare with the finding; None where the doctor is unsure or said nothing.
    `urgency_waits`: of a photo that may show no skin it asks only for another, and the patient has
    told no sign; False of what was signed before this was stored.
    """

    certainty: Certainty
    label: str | None = None
    agrees_with_label: bool | None = None
    urgency: Band | None = None
    agrees_with_urgency: bool | None = None
    histology: Histology | None = None
    histology_result: str | None = None
    new_picture_wanted: bool = False
    urgency_waits: bool = optional(default=False)

    @property
    def sure(self) -> bool:
        return self.certainty is Certainty.SURE

    @property
    def condition(self) -> str | None:
        return self.histology_result or self.label

    @property
    def only_wants_a_picture(self) -> bool:
        """Whether it judges nothing. Its certainty says nothing then."""
        return self.new_picture_wanted and self.condition is None

    @property
    def judges(self) -> bool:
        """Whether it says more than that another photo is wanted."""
        return not self.only_wants_a_picture or self.urgency is not None

    @property
    def lowers_nothing(self) -> bool:
        """Whether what counted before goes on, if it was more urgent."""
        return self.judges and not self.sure and self.urgency is None

    @property
    def weighs_as_sure(self) -> bool:
        return self.sure or self.awaited

    @property
    def malignant(self) -> bool:
        return names_cancer(self.condition)

    @property
    def proves_cancer(self) -> bool:
        return self.histology_result is not None and self.malignant

    @property
    def awaited(self) -> bool:
        return self.histology is Histology.AWAITED

    def urgency_asked(self, band: Band) -> Band:
        """The urgency that the doctor said; else that of the condition, and no less than the
        finding's (`band`) where the doctor is not certain, awaits a result, or agrees that it is a
        cancer. Where it waits, none that sends the patient to a doctor.
        """
        if self.urgency_waits:
            return max(band, Band.ROUTINE, key=urgency)
        if self.urgency is not None or self.condition is None:
            return self.urgency or band
        own = conditions_table().label(self.condition).urgency
        if self.sure and not (self.awaited or (self.agrees_with_label and self.malignant)):
            return own
        return most_urgent(own, band)

    @property
    def agreement(self) -> Agreement:
        return next(word for word, agrees in AGREES.items() if agrees is self.agrees_with_label)


class Review(StoredRecord):
    """`signature` is the doctor's name at that time. It has lowered the urgency that counted
    `lowered_from` one `lowered_to` another. `version` is the one of the finding that its doctor
    saw, `saw` are the ids of the other findings that were in its spot then. None of a review that
    was signed before this was stored: it saw all that are in its spot, until one comes or leaves,
    which stores them first.
    """

    id: str
    created_at: datetime
    submission: str
    version: int = optional(default=1)
    saw: tuple[str, ...] | None = None
    doctor: str
    signature: str
    opinion: Opinion
    note: str | None = None
    downgrade_confirmed: bool = False
    lowered_from: Band | None = None
    lowered_to: Band | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None

    def has_seen(self, finding: str) -> bool:
        """Whether its doctor had this finding of the spot before them, beside its own."""
        return self.saw is None or finding in self.saw


class Reviews(Repository[Review]):
    collection, record = "reviews", Review
    indexes = (("submission", "id"),)
    unique = (("doctor", "idempotency_key"),)

    def add(self, review: Review, *, signed: Sequence[Review]) -> None:
        """Store a review of a finding that has the reviews `signed`. It sorts after those
        (`new_id_after`), also on a machine whose clock is behind: the later one may withdraw the
        earlier.
        """
        if len(signed) >= MOST_REVIEWS:
            raise TooManyReviews
        self.insert(review)

    def note_seen(self, spot: Sequence[str]) -> None:
        """Store of each review of these findings, which are one spot now, what it saw, where that
        is not stored yet. Call it before a finding comes into the spot or leaves it.
        """
        for finding, signed in self.list_of_each(spot).items():
            if any(review.saw is None for review in signed):
                others = [name for name in spot if name != finding]
                unknown: Filter = {"submission": finding, "saw": None}
                self._documents.update_all(unknown, {"$set": {"saw": others}})

    def find_by_key(self, doctor: str, key: str | None) -> Review | None:
        return self._by_key(key, doctor=doctor)

    def list_of(self, finding: str) -> list[Review]:
        return self._list({"submission": finding})

    def list_of_each(self, findings: Sequence[str]) -> dict[str, list[Review]]:
        """Reviews are keyed by finding, in the order of signing. A request that only reads hides
        each finding of which a review cannot be read: without it, the finding might seem milder.
        """
        by_finding: dict[str, list[Review]] = {}
        if findings:
            wanted: Filter = {"submission": {"$in": [*findings]}}
            found = self._documents.find(wanted, sort="submission")
            for review in self._read_each(found):
                by_finding.setdefault(review.submission, []).append(review)
            for document in found:
                if is_hidden(self.collection, document["id"]):
                    hide(FINDINGS, document["submission"])
        return by_finding

    def list_signatures(self, findings: Sequence[str]) -> list[tuple[str, datetime]]:
        """List the finding of each review of these findings, and when it was signed."""
        wanted: Filter = {"submission": {"$in": [*findings]}}
        found = self._documents.find(wanted, sort="submission", fields=("submission", "created_at"))
        return [(item["submission"], item["created_at"]) for item in found]

    def reviewed_findings(self) -> set[str]:
        return set(self._documents.count_by("submission"))

    def forget(self, finding: str) -> None:
        self._documents.delete({"submission": finding})
