"""What happens to findings, for the packages above. Who listens:
app/composition/subscriptions.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from skinapi.findings.records.letters import Letter
from skinapi.findings.records.stored_finding import StoredFinding, StoredFindingRow
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot_view import SpotView


@dataclass(frozen=True)
class FindingEvent:
    """`finding` is as it was before."""

    finding: StoredFinding


class FindingFiled(FindingEvent):
    """`finding` is the new one."""

    @property
    def starts_spot(self) -> bool:
        return self.finding.lesion == self.finding.id


class AnswerChanged(FindingEvent):
    """Its photo was judged again, an entered fact was corrected, or a comparison with an earlier
    photo has found a change. `finding` is as it is now.
    """


class PhotosRemoved(FindingEvent):
    pass


class PhotosErasedAgain(FindingEvent):
    """A backup has brought photos back that were erased; they go, and so do copies of them."""


class FindingSorted(FindingEvent):
    pass


class FindingVoided(FindingEvent):
    """It was entered in error and stands for nothing."""


class FindingDeleted(FindingEvent):
    """What was stored about it goes with it."""


@dataclass(frozen=True)
class LesionDeleted:
    """A spot of an account that stays is deleted, or the last of its findings."""

    lesion: str
    owner: str


@dataclass(frozen=True)
class FindingsChanged:
    """Patients and programs read something else of these findings from now on, which are all of the
    spots `lesions`. `views` are those of the spots that can be read. `alone`: no other event tells
    programs of it.
    """

    findings: Sequence[StoredFindingRow]
    lesions: Collection[str]
    views: Mapping[str, SpotView]
    alone: bool = False


@dataclass(frozen=True)
class ReviewSigned:
    """`finding` is the newest of the spot, as it was before; None if all were deleted."""

    finding: StoredFinding | None
    owner: str
    review: Review


@dataclass(frozen=True)
class LetterIssued(FindingEvent):
    """A doctor has signed a letter about the finding, or has `withdrawn` it."""

    letter: Letter
    withdrawn: bool = False
