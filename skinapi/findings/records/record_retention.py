"""What is a medical record that the law keeps, and what is refused because of it."""

from calendar import isleap
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from skinapi.base.errors import Conflict
from skinapi.base.pages import batched
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.findings.status.reviews import Review
from skinapi.platform.storage.ids import now

ASKED_AT_ONCE = 1000
LAST_DAY_OF_FEBRUARY = 28


class RecordKept(Conflict):
    code = "record_kept"
    sentence = "A doctor has signed something about this finding or spot, and must keep it by law"

    def __init__(self, until: datetime) -> None:
        super().__init__(f"{self.sentence} until {until:%Y-%m-%d}; then it can be deleted")


class PatientDeleted(Conflict):
    code = "patient_deleted"
    sentence = (
        "The patient's account is deleted; the record is kept for the doctor in charge alone, and "
        "nobody else reads what is written or asked now"
    )


class PatientCannotRead(Conflict):
    code = "patient_cannot_read"
    sentence = (
        "The patient cannot read here: the account is suspended or not approved, or no other "
        "system shows messages to them. Tell them in another way"
    )


class PhotosKeptByLaw(Conflict):
    code = "photos_kept_by_law"
    sentence = "A doctor has signed something about these photos, and must keep them by law"

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"{self.sentence} until {until:%Y-%m-%d}. Withdraw the consent without erase_kept: "
            "then no new photo is kept"
        )


@dataclass(frozen=True, slots=True)
class MedicalRecord:
    """What must be kept of a patient until then: the spots about which a doctor has signed
    something, with all their findings. `signed` are the findings that a review covers, or a letter
    is about. `signed_at` is the newest signature.
    """

    signed_at: datetime
    until_at: datetime
    findings: tuple[StoredFindingRow, ...]
    signed: frozenset[str]
    spots: frozenset[str]

    @property
    def finding_ids(self) -> frozenset[str]:
        return frozenset(finding.id for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRetention:
    """Without `years` no record is kept."""

    years: int | None
    records: FindingRecords
    letters: Letters

    def find_record(self, owner: str) -> MedicalRecord | None:
        """Find what must be kept of this patient now."""
        record = self.find_signed(owner) if self.years else None
        return record if record and record.until_at > now() else None

    def find_as_decided(self, owner: str, until_at: datetime | None) -> MedicalRecord | None:
        """Find what must be kept now of a patient whose record must be kept until then, whatever
        the settings say today.
        """
        if until_at is None or until_at <= now():
            return None
        record = self.find_signed(owner)
        return replace(record, until_at=until_at) if record else None

    def find_signed(self, owner: str) -> MedicalRecord | None:
        """Find what a doctor has signed something about, whether it must be kept or not."""
        findings = [*self.records.walk_owned(owner)]
        reviews = self._list_reviews(findings)
        letters = self._list_letters(findings)
        moments = [*(item.created_at for item in reviews.values()), *letters.values()]
        if not moments:
            return None
        signed = {item.id for item in findings if not reviews.keys().isdisjoint(item.covered_by)}
        signed |= letters.keys()
        spots = {item.lesion for item in findings if item.id in signed}
        kept = tuple(item for item in findings if item.lesion in spots)
        spots |= {review.lesion for review in reviews.values()}
        until = add_years(max(moments), self.years or 0)
        return MedicalRecord(max(moments), until, kept, frozenset(signed), frozenset(spots))

    def refuse_deletion(self, *, owner: str, findings: Set[str]) -> None:
        record = self.find_record(owner)
        if record and findings & record.signed:
            raise RecordKept(record.until_at)

    def refuse_erasure_of_photos(self, owner: str) -> None:
        if record := self.find_record(owner):
            raise PhotosKeptByLaw(record.until_at)

    def _list_reviews(self, findings: Sequence[StoredFindingRow]) -> dict[str, Review]:
        covering = sorted({review for item in findings for review in item.covered_by})
        each = batched(covering, ASKED_AT_ONCE)
        found = (item for asked in each for item in self.records.reviews.list_by_ids(asked))
        return {item.id: item for item in found}

    def _list_letters(self, findings: Sequence[StoredFindingRow]) -> dict[str, datetime]:
        """When the newest letter about each of these was signed; one without is left out."""
        newest: dict[str, datetime] = {}
        for asked in batched([item.id for item in findings], ASKED_AT_ONCE):
            for letter in self.letters.list_signed_of(asked):
                if moment := letter.signed_at:
                    known = newest.get(letter.submission, moment)
                    newest[letter.submission] = max(moment, known)
        return newest


def add_years(moment: datetime, years: int) -> datetime:
    """The same day so many years later; of 29 February the 28th, where that year has none."""
    year = moment.year + years
    leap_day = (moment.month, moment.day) == (2, 29) and not isleap(year)
    return moment.replace(year=year, day=LAST_DAY_OF_FEBRUARY if leap_day else moment.day)
