"""What admins see of findings, spots and messages, whose packages are above."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from skinapi.base.languages import Language


class WaitingSpotCounts(Protocol):
    """Counts spots by what they wait for, such as `review` or `telling`."""

    def count_overdue(self) -> Mapping[str, Mapping[str | None, int]]:
        """Count overdue spots by kind, then by the doctor in charge. None is nobody."""

    def count_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """Count the spots of each of these owners, or of each doctor's patients, by kind."""

    def count_urgent_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> Mapping[str, int]:
        """Count those that wait for a review and ask for a doctor this week."""


class FindingNumbers(Protocol):
    def numbers_of(self, ids: list[str]) -> dict[str, int]: ...


class CheckerRecord(Protocol):
    """`right` says of the last known pairs whether they were answered right; `passed_at` since when
    the model is believed, if it is; `due_at` when it is examined again.
    """

    @property
    def model(self) -> str: ...
    @property
    def language(self) -> Language: ...
    @property
    def right(self) -> Sequence[bool]: ...
    @property
    def passed_at(self) -> datetime | None: ...
    @property
    def due_at(self) -> datetime | None: ...


class Checkers(Protocol):
    def list_current(self) -> Sequence[CheckerRecord]:
        """List the records of the LLMs that compare sentences with passages."""


class PatientsWithoutDoctor(Protocol):
    def count(self) -> Any:
        """Count `patients`, `spots` and what of these is `urgent`."""

    def list_readers(self) -> Sequence[str]:
        """List the active doctors who see these spots."""
