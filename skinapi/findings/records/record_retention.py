"""Which findings of a patient are a medical record, and until when the law keeps them.

The record are the findings that a doctor has reviewed, or written a signed letter about, with all
that hangs on them; and of the same spot those that are at least as urgent, and the one that counts:
what is kept shows no less than there was. It ends so many years after the newest signature in it:
that is when the treatment ended, as far as is known here.
"""

from calendar import isleap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from skinapi.base.errors import Conflict
from skinapi.base.pages import batched
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.spots import Reviews, Spots
from skinapi.findings.records.standing import Reader
from skinapi.findings.records.submission import Listed
from skinapi.findings.records.submissions import Submissions
from skinapi.model.bands import urgency
from skinapi.platform.storage.clock_watch import ClockWatch

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


class PhotosKeptByLaw(Conflict):
    code = "photos_kept_by_law"
    sentence = "A doctor has signed something about these photos, and must keep them by law"

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"{self.sentence} until {until:%Y-%m-%d}. Withdraw the consent without erase_kept: "
            "then no new photo is kept"
        )


class RecordInWork(Conflict):
    """Says nothing of a signature: the patient must not learn of it yet."""

    code = "record_in_work"
    sentence = (
        "A doctor has this in work, so it cannot be deleted now; try again in some days, or ask "
        "your doctor"
    )


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """`signed_at` is the newest signature about it, or about its spot."""

    id: str
    number: int
    lesion: str | None
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class MedicalRecord:
    """What must be kept of a patient: these findings, until then. `signed_at` is the newest
    signature.
    """

    signed_at: datetime
    until_at: datetime
    findings: tuple[RecordedFinding, ...]

    @property
    def finding_ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.findings)

    @property
    def spots(self) -> frozenset[str]:
        return frozenset(one.lesion for one in self.findings if one.lesion)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRetention:
    """Without `years` no record is kept."""

    years: int | None
    submissions: Submissions
    spots: Spots
    reviews: Reviews
    letters: Letters
    clock: ClockWatch

    def find_record(self, owner: str, *, for_owner: bool = False) -> MedicalRecord | None:
        """What must be kept of this patient now, or as much of it as the patient may know."""
        record = self.find_signed(owner, for_owner=for_owner) if self.years else None
        return record if record and record.until_at > self.clock.read().believed else None

    def find_signed(self, owner: str, *, for_owner: bool = False) -> MedicalRecord | None:
        """What a doctor has signed something about, whether it must be kept or not."""
        walked = batched(self.submissions.walk_owned(owner), ASKED_AT_ONCE)
        findings = {
            one.id: one
            for found in walked
            for one in self.spots.see(found, Reader.DOCTOR, with_errors=True)
        }
        signed = self._newest_signatures([*findings])
        kept = {
            one.id: signed[one.id]
            for one in findings.values()
            if one.id in signed and not (for_owner and one.held_until)
        }
        if not kept:
            return None
        kept |= _of_same_spots(findings, kept)
        newest = max(kept.values())
        recorded = tuple(
            RecordedFinding(one.id, one.number, one.lesion, kept[one.id])
            for one in findings.values()
            if one.id in kept
        )
        return MedicalRecord(newest, add_years(newest, self.years or 0), recorded)

    def refuse_deletion(self, *, owner: str, finding: str) -> None:
        """Raises RecordKept; RecordInWork where the owner may not know that yet."""
        record = self.find_record(owner)
        if record is None or finding not in record.finding_ids:
            return
        known = self.find_record(owner, for_owner=True)
        if known is None or finding not in known.finding_ids:
            raise RecordInWork
        raise RecordKept(known.until_at)

    def refuse_erasure_of_photos(self, owner: str) -> None:
        """Raises PhotosKeptByLaw; RecordInWork where the owner may not know that yet."""
        if self.find_record(owner) is None:
            return
        known = self.find_record(owner, for_owner=True)
        if known is None:
            raise RecordInWork
        raise PhotosKeptByLaw(known.until_at)

    def _newest_signatures(self, findings: list[str]) -> dict[str, datetime]:
        """When somebody last signed something about each of these; one without is left out."""
        newest: dict[str, datetime] = {}
        for start in range(0, len(findings), ASKED_AT_ONCE):
            asked = findings[start : start + ASKED_AT_ONCE]
            for finding, moment in self._list_signatures(asked):
                newest[finding] = max(moment, newest.get(finding, moment))
        return newest

    def _list_signatures(self, findings: list[str]) -> Iterable[tuple[str, datetime]]:
        yield from self.reviews.list_signatures(findings)
        for letter in self.letters.list_signed_of(findings):
            if letter.signed_at:
                yield letter.submission, letter.signed_at


def _of_same_spots(
    findings: Mapping[str, Listed], signed: Mapping[str, datetime]
) -> dict[str, datetime]:
    """The findings that stand at a spot beside one that is signed, and are at least as urgent as
    the mildest of these, or say what counts about the spot; with the newest signature about it.
    """
    spots: dict[str, list[Listed]] = {}
    for identifier in signed:
        if spot := findings[identifier].lesion:
            spots.setdefault(spot, []).append(findings[identifier])
    found = {}
    for one in findings.values():
        beside = spots.get(one.lesion or "", [])
        if one.id in signed or not beside:
            continue
        counts = not one.error and one.instruction.counts.finding == one.number
        if counts or any(urgency(one.band) <= urgency(it.band) for it in beside):
            found[one.id] = max(signed[it.id] for it in beside)
    return found


def add_years(moment: datetime, years: int) -> datetime:
    """The same day so many years later; of 29 February the 28th, where that year has none."""
    year = moment.year + years
    leap_day = (moment.month, moment.day) == (2, 29) and not isleap(year)
    return moment.replace(year=year, day=LAST_DAY_OF_FEBRUARY if leap_day else moment.day)
