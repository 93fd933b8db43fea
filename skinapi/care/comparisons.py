from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import NotFound, TooManyRequests, Unavailable, Unprocessable
from skinapi.base.subject import Allowances
from skinapi.care.lesions import LesionsService, ShownLesion
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.lesions import Lesion
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.comparison.alignment import find_fit
from skinapi.model.comparison.comparison import (
    Comparison,
    NotComparable,
    compare,
    refuse_fit,
)
from skinapi.model.context import Modality
from skinapi.model.decoding.photo import read_stored_photo
from skinapi.model.detectors import KNOWN
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.prediction_pool import PoolCaller


class ComparedWithItself(Unprocessable):
    code = "compared_with_itself"
    sentence = "A finding cannot be compared with itself; name two findings of the spot"


class ComparedPicture(NamedTuple):
    """The finding that this picture alone would have. `number` is None if there is only one."""

    finding: StoredFinding
    number: int | None

    @property
    def kind(self) -> Modality:
        modality = self.finding.finding.modality
        if modality is None:
            return self.finding.context.modality
        return modality.told if modality.recognised is Modality.UNKNOWN else modality.recognised


def choose_pictures(
    before: StoredFinding, after: StoredFinding
) -> tuple[ComparedPicture, ComparedPicture]:
    """Choose two dermoscopic pictures if possible, since the comparison was tested on those."""
    first, second = _shown_first(before), _shown_first(after)
    for kind in KNOWN:
        pair = [_kept_of(kind, each) for each in (first, second)]
        if pair[0] and pair[1]:
            return pair[0], pair[1]
    return first[0], second[0]


def _shown_first(finding: StoredFinding) -> list[ComparedPicture]:
    if not finding.finding.pictures:
        return [ComparedPicture(finding, None)]
    each = [ComparedPicture(item, index) for index, item in enumerate(finding.pictures, start=1)]
    return sorted(each, key=lambda item: item.number != finding.finding.shown_picture + 1)


def _kept_of(kind: Modality, pictures: list[ComparedPicture]) -> ComparedPicture | None:
    return next(
        (picture for picture in pictures if picture.finding.photo_blob and picture.kind is kind),
        None,
    )


# The number of spots to compare a new photo with, at 0.4 s of processor time each
# (docs/comparison.md).
MOST_COMPARED = 3
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ComparedFindings:
    """`pictures` are numbers from 1, or None for a finding on one picture. Sizes are (0, 0) for
    photos that were not read.
    """

    before: StoredFinding
    after: StoredFinding
    comparison: Comparison
    pictures: tuple[int | None, int | None]
    first_size: Size = (0, 0)
    second_size: Size = (0, 0)

    @property
    def instruction(self) -> Instruction:
        return self.after.instruction

    def seen_by(self, said: Instruction) -> bool:
        decision = said.decision
        return decision is not None and all(
            decision.review in item.covered_by for item in (self.before, self.after)
        )

    @property
    def size_told(self) -> bool:
        return "change_in_size" in (self.after.context.checklist or ())


@dataclass(frozen=True, slots=True)
class ProposedLesion:
    shown: ShownLesion
    alike: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonsService:
    lesions: LesionsService
    findings: FindingAccess
    inference: InferenceService
    allowances: Allowances

    def compare_findings(
        self, *, lesion: str, numbers: tuple[int, int], to: Subject
    ) -> ComparedFindings:
        spot = self.lesions.find(lesion=lesion, to=to)
        before, after = self._find_pair(spot, numbers, to)
        if before.id == after.id:
            raise ComparedWithItself
        chosen = choose_pictures(before, after)
        sizes: tuple[Size, Size] = ((0, 0), (0, 0))
        try:
            contents = [self._photo(picture.finding, to) for picture in chosen]
        except _NoPhoto as missing:
            comparison = Comparison(not_comparable=missing.reason)
        else:
            self.allowances.count_rendering(to.id, to.role)
            work = partial(compare_contents, *contents)
            comparison, sizes = self.inference.run_in_pool(work, caller=_caller(to))
        return ComparedFindings(
            before,
            after,
            comparison,
            pictures=(chosen[0].number, chosen[1].number),
            first_size=sizes[0],
            second_size=sizes[1],
        )

    def propose_lesions(self, *, number: str, by: Subject) -> list[ProposedLesion]:
        """Similar spots come first, then the one with the newest finding. Nothing is compared if
        the pool is full or the caller's allowance is used up.
        """
        finding = self.lesions.get_own_finding(number, by)
        near = self.lesions.list_at_place(finding)
        fits = self._find_fits(finding, near[:MOST_COMPARED], by)
        near.sort(key=lambda found: -fits.get(found.lesion.id, 0.0))
        return [ProposedLesion(found, alike=found.lesion.id in fits) for found in near]

    def _find_fits(
        self, finding: StoredFinding, near: Sequence[ShownLesion], by: Subject
    ) -> dict[str, float]:
        pairs = {}
        for found in near:
            if found.latest:
                with suppress(_NoPhoto, NotFound):  # it may have been deleted in the meantime
                    newest = self.lesions.get_own_finding(str(found.latest.number), by)
                    pairs[found.lesion.id] = tuple(
                        self._photo(picture.finding, by)
                        for picture in choose_pictures(newest, finding)
                    )
        if not pairs:
            return {}
        try:
            self.allowances.count_rendering(by.id, by.role)
            return self.inference.run_in_pool(partial(_fit_photos, pairs), caller=_caller(by))
        except (TooManyRequests, Unavailable):
            return {}

    def _find_pair(
        self, spot: Lesion, numbers: tuple[int, int], to: Subject
    ) -> list[StoredFinding]:
        found = [self._finding(spot, number, to) for number in numbers]
        return sorted(found, key=lambda finding: finding.id)

    def _finding(self, spot: Lesion, number: int, to: Subject) -> StoredFinding:
        finding, _ = self.findings.get(number=str(number), to=to)
        if finding.lesion != spot.id:
            raise NotFound(NOT_YOURS)
        return finding

    def _photo(self, finding: StoredFinding, to: Subject) -> bytes:
        if finding.photo_blob is None:
            raise _NoPhoto(NotComparable.NOT_KEPT)
        try:
            return self.findings.photos.read(finding=finding, to=to)
        except NotFound as error:
            raise _NoPhoto(NotComparable.LOST) from error


class _NoPhoto(Exception):
    def __init__(self, reason: NotComparable) -> None:
        super().__init__(reason)
        self.reason = reason


def _caller(subject: Subject) -> PoolCaller:
    return PoolCaller(subject.id, signed_in=True)


def compare_contents(first: bytes, second: bytes) -> tuple[Comparison, tuple[Size, Size]]:
    item, other = read_stored_photo(first), read_stored_photo(second)
    return compare(item, other), ((item.width, item.height), (other.width, other.height))


def _fit_photos(pairs: Mapping[str, tuple[bytes, ...]]) -> dict[str, float]:
    fits = {
        name: find_fit(*(read_stored_photo(content).pixels for content in pair))
        for name, pair in pairs.items()
    }
    return {name: fit.correlation for name, fit in fits.items() if refuse_fit(fit) is None}
