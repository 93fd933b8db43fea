"""The use case: compare the photos of two findings of a spot. Nothing of it is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from skinapi.care.comparisons.errors import ComparedWithItself
from skinapi.care.comparisons.pictures import choose_pictures
from skinapi.care.lesions.lesions import Lesion
from skinapi.care.lesions.service import LesionsService
from skinapi.errors import NotFound
from skinapi.records.findings.submissions import Submission
from skinapi.records.service import NOT_YOURS, RecordsService
from skinapi.registry.service import RegistryService
from skinapi.registry.serving.prediction_pool import PoolCaller
from skinapi.vision.comparison.comparison import Comparison, NotComparable, compare
from skinapi.vision.decoding.photo import read_stored_photo
from skinapi.web.access import Subject

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ComparedFindings:
    """Two findings in the order of time, and the comparison of their photos. `second_size` is that
    of the second photo, `first_size` of the first; both (0, 0) where they were not read. `pictures`
    says which picture of each was compared, counted from 1; None of a finding on one picture.
    """

    before: Submission
    after: Submission
    comparison: Comparison
    pictures: tuple[int | None, int | None]
    first_size: Size = (0, 0)
    second_size: Size = (0, 0)


class ComparisonsService:
    def __init__(
        self,
        *,
        lesions: LesionsService,
        records: RecordsService,
        registry: RegistryService,
        count_rendering: Callable[[str, str | None], None],
    ) -> None:
        """`count_rendering(account, role)` counts a comparison as a report that is drawn."""
        self._lesions, self._records, self._registry = lesions, records, registry
        self._count_rendering = count_rendering

    def compare_findings(
        self, *, lesion: str, numbers: tuple[int, int], to: Subject
    ) -> ComparedFindings:
        """Compare the earlier with the later of two findings of a spot. Raises NotFound, also where
        one of them is not of this spot, ComparedWithItself, TooManyRequests, Unavailable.
        """
        spot, _ = self._lesions.get(lesion=lesion, to=to)
        found = [self._finding(spot, number, to) for number in numbers]
        before, after = sorted(found, key=lambda finding: finding.id)
        if before.id == after.id:
            raise ComparedWithItself
        chosen = choose_pictures(before, after)
        compared = partial(
            ComparedFindings, before, after, pictures=(chosen[0].number, chosen[1].number)
        )
        try:
            contents = [self._photo(picture.submission, to) for picture in chosen]
        except _NoPhoto as missing:
            return compared(Comparison(not_comparable=missing.reason))
        self._count_rendering(to.id, to.role)
        work = partial(_compare, *contents)
        comparison, sizes = self._registry.run_in_pool(work, caller=_caller(to))
        return compared(comparison, first_size=sizes[0], second_size=sizes[1])

    def _finding(self, spot: Lesion, number: int, to: Subject) -> Submission:
        finding, _ = self._records.get(number=str(number), to=to)
        if finding.lesion != spot.id:
            raise NotFound(NOT_YOURS)
        return finding

    def _photo(self, finding: Submission, to: Subject) -> bytes:
        if finding.photo_blob is None:
            raise _NoPhoto(NotComparable.NOT_KEPT)
        try:
            return self._records.photos.read(submission=finding, to=to)
        except NotFound as error:
            raise _NoPhoto(NotComparable.LOST) from error


class _NoPhoto(Exception):
    def __init__(self, reason: NotComparable) -> None:
        super().__init__(reason)
        self.reason = reason


def _caller(subject: Subject) -> PoolCaller:
    return PoolCaller(subject.id, signed_in=True)


def _compare(first: bytes, second: bytes) -> tuple[Comparison, tuple[Size, Size]]:
    """With the size of each photo. Decoded at the size of the network, which is more than is
    compared.
    """
    one, other = read_stored_photo(first), read_stored_photo(second)
    return compare(one, other), ((one.width, one.height), (other.width, other.height))
