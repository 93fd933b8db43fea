"""Medical records that must be kept by law, and the deletions refused because of it."""

from calendar import isleap
from collections.abc import Sequence, Set
from dataclasses import dataclass
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


class PatientCannotRead(Conflict):
    code = "patient_cannot_read"
    sentence = (
        "The patient cannot read here: the account is suspended, closed or not approved, or no "
        "other system shows messages to them. Tell them in another way"
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
    """`signed` are the findings with a doctor's signature, in `spots`."""

    until_at: datetime
    signed: frozenset[str]
    spots: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRetention:
    """A record is kept for `years` after the last signature, or not at all without `years`."""

    years: int | None
    records: FindingRecords
    letters: Letters

    def find_record(self, owner: str) -> MedicalRecord | None:
        record = self._find_signed(owner, self.years) if self.years else None
        return record if record and record.until_at > now() else None

    def find_end(self, owner: str) -> datetime | None:
        record = self.find_record(owner)
        return record.until_at if record else None

    def _find_signed(self, owner: str, years: int) -> MedicalRecord | None:
        findings = [*self.records.walk_owned(owner)]
        reviews = self._list_reviews(findings)
        letters = self._list_letters(findings)
        moments = [*(item.created_at for item in reviews.values()), *letters.values()]
        if not moments:
            return None
        signed = {item.id for item in findings if not reviews.keys().isdisjoint(item.covered_by)}
        signed |= letters.keys()
        spots = {item.lesion for item in findings if item.id in signed}
        spots |= {review.lesion for review in reviews.values()}
        return MedicalRecord(add_years(max(moments), years), frozenset(signed), frozenset(spots))

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
        newest: dict[str, datetime] = {}
        for asked in batched([item.id for item in findings], ASKED_AT_ONCE):
            for letter in self.letters.list_signed_of(asked):
                if moment := letter.signed_at:
                    known = newest.get(letter.submission, moment)
                    newest[letter.submission] = max(moment, known)
        return newest


def add_years(moment: datetime, years: int) -> datetime:
    """A leap day becomes 28 February in a year without one."""
    year = moment.year + years
    leap_day = (moment.month, moment.day) == (2, 29) and not isleap(year)
    return moment.replace(year=year, day=LAST_DAY_OF_FEBRUARY if leap_day else moment.day)
