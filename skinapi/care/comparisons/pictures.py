"""Which pictures of two findings are compared, where a finding is on several."""

from typing import NamedTuple

from skinapi.records.findings.submissions import Submission
from skinapi.vision.calibration.modality import KNOWN
from skinapi.vision.context import Modality


class ComparedPicture(NamedTuple):
    """The submission as this picture alone would have made it. `number` is its place among the
    pictures, counted from 1; None where the finding is on one.
    """

    submission: Submission
    number: int | None

    @property
    def kind(self) -> Modality:
        """As the model recognised it, else as the sender told."""
        modality = self.submission.finding.modality
        if modality is None:
            return self.submission.context.modality
        return modality.told if modality.recognised is Modality.UNKNOWN else modality.recognised


def choose_pictures(
    before: Submission, after: Submission
) -> tuple[ComparedPicture, ComparedPicture]:
    """Two pictures of one kind, where both findings have kept one: dermoscope pictures, with which
    the comparison was measured, rather than close-ups. Else the pictures that are shown.
    """
    first, second = _shown_first(before), _shown_first(after)
    for kind in KNOWN:
        pair = [_kept_of(kind, each) for each in (first, second)]
        if pair[0] and pair[1]:
            return pair[0], pair[1]
    return first[0], second[0]


def _shown_first(finding: Submission) -> list[ComparedPicture]:
    if not finding.finding.pictures:
        return [ComparedPicture(finding, None)]
    each = [ComparedPicture(one, place) for place, one in enumerate(finding.pictures, start=1)]
    return sorted(each, key=lambda one: one.number != finding.finding.shown_picture + 1)


def _kept_of(kind: Modality, pictures: list[ComparedPicture]) -> ComparedPicture | None:
    return next((one for one in pictures if one.submission.photo_blob and one.kind is kind), None)
