"""What admins see of findings and messages, whose packages are above."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from skinapi.accounts.auth.account import Account
from skinapi.base.languages import Language

CountByDoctor = Mapping[str | None, int]


class FindingCounts(Protocol):
    def count_overdue(self) -> CountByDoctor: ...

    def count_late_results(self) -> CountByDoctor: ...

    def count_waiting_by(
        self, field: Literal["owner", "doctor"], accounts: Collection[str]
    ) -> Mapping[str, tuple[int, int]]:
        """How many wait for a review, and how many are urgent, of each owner, or doctor."""


class FindingNumbers(Protocol):
    def numbers_of(self, ids: list[str]) -> dict[str, int]: ...


class DamagedOwners(Protocol):
    def find_owner(self, item: str) -> Any:
        """It has `patient_name`, `doctor` (the e-mail) and `doctor_name`; None where none is known
        of this damaged record.
        """


class MessageCounts(Protocol):
    def count_left(self) -> CountByDoctor: ...


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
        """Of the LLMs that compare sentences with passages."""


class PatientsWithoutDoctor(Protocol):
    def count(self) -> Any:
        """It has `patients`, `findings` and `urgent`."""

    def count_of_staff(self) -> Sequence[tuple[Account, int, int]]:
        """Accounts that are no patient's, with how many findings wait, and how many are urgent."""

    def has_readers(self) -> bool: ...
