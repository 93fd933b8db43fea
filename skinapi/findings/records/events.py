"""Events about findings. The subscribers are in app/composition/subscriptions.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from skinapi.findings.records.letters import Letter
from skinapi.findings.records.stored_finding import StoredFinding, StoredFindingRow
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot_view import SpotView


@dataclass(frozen=True)
class FindingEvent:
    """`finding` is the state before the event."""

    finding: StoredFinding


class FindingFiled(FindingEvent):
    """`finding` is the new one."""

    @property
    def starts_spot(self) -> bool:
        return self.finding.lesion == self.finding.id


class AnswerChanged(FindingEvent):
    """`finding` is the state after the event."""


class PhotosRemoved(FindingEvent):
    pass


class PhotosErasedAgain(FindingEvent):
    """A backup has restored erased photos. They are deleted again, with their copies."""


class FindingSorted(FindingEvent):
    pass


class FindingVoided(FindingEvent):
    pass


class FindingDeleted(FindingEvent):
    pass


@dataclass(frozen=True)
class LesionDeleted:
    lesion: str
    owner: str


@dataclass(frozen=True)
class FindingsChanged:
    """`views` are the readable spots. If `alone`, no other event notifies external systems."""

    findings: Sequence[StoredFindingRow]
    lesions: Collection[str]
    views: Mapping[str, SpotView]
    alone: bool = False


@dataclass(frozen=True)
class ReviewSigned:
    """`finding` is the newest of the spot before the review; None if all were deleted."""

    finding: StoredFinding | None
    owner: str
    review: Review


@dataclass(frozen=True)
class LetterIssued(FindingEvent):
    letter: Letter
    withdrawn: bool = False
