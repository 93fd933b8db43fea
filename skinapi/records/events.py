"""What happens to findings, for the packages above. Who listens: composition/subscriptions.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from skinapi.records.letters import Letter
from skinapi.records.reviews import Review
from skinapi.records.submission import Listed, Submission


@dataclass(frozen=True, slots=True)
class FindingFiled:
    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingReviewed:
    """Doctors have decided something else; `finding` is as it was before."""

    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingsChanged:
    """Patients and programs read something else of these findings from now on."""

    findings: Sequence[Listed]


@dataclass(frozen=True, slots=True)
class ReviewSigned:
    """Any review, also a second opinion; of one that is held back from the patient, when the hold
    has ended. `finding` is as it was before.
    """

    finding: Submission
    review: Review


@dataclass(frozen=True, slots=True)
class LetterIssued:
    """A doctor has signed a letter about the finding, and its patient may know."""

    finding: Submission
    letter: Letter


@dataclass(frozen=True, slots=True)
class OpinionWanted:
    """A doctor has asked a colleague about the finding."""

    finding: Submission


@dataclass(frozen=True, slots=True)
class LetterTakenBack:
    """A doctor has withdrawn a signed letter about the finding, of which its patient may know."""

    finding: Submission
    letter: Letter


@dataclass(frozen=True, slots=True)
class PhotosRemoved:
    """The kept photos of a finding go, and it stays; `finding` is as it was before."""

    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingDiscarded:
    """Its owner, who stays, deletes it; `finding` is as it was before."""

    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingVoided:
    """It was entered in error and stands for nothing; `finding` is as it was before."""

    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingDeleted:
    """What was stored about it goes with it."""

    finding: Submission
