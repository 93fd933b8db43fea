"""What happens to findings, for the packages above. Who listens: composition/subscriptions.py."""

from dataclasses import dataclass

from skinapi.records.submission import Submission


@dataclass(frozen=True, slots=True)
class FindingFiled:
    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingReviewed:
    """It is marked with what its reviews say now; `finding` is as it was before."""

    finding: Submission


@dataclass(frozen=True, slots=True)
class FindingDeleted:
    """What was stored about it goes with it."""

    finding: Submission
