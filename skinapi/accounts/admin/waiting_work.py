"""What admins see of findings and messages, whose packages are above."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
        """Count how many wait for a review, and how many are urgent, of each owner, or doctor."""

    def count_left_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """Count what is left of reviewed findings, by what of it."""


class FindingNumbers(Protocol):
    def numbers_of(self, ids: list[str]) -> dict[str, int]: ...


class DamagedOwners(Protocol):
    def find_owner(self, item: str) -> Any:
        """Find the owner of a damaged record: it has `patient_name`, `doctor` (the e-mail) and
        `doctor_name`; None where none is known of this damaged record.
        """


class MessageCounts(Protocol):
    def count_left(self) -> CountByDoctor: ...

    def count_waiting_by(
        self, field: Literal["owner", "doctor"], accounts: Collection[str]
    ) -> Mapping[str, int]:
        """Count how many messages wait for an answer, of each owner, or doctor."""


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """`left`: how much else is to be done, by what it is."""

    findings: int
    urgent: int
    left: Mapping[str, int]


def count_work(
    findings: FindingCounts,
    messages: MessageCounts,
    field: Literal["owner", "doctor"],
    accounts: Collection[str],
) -> dict[str, WaitingWork]:
    """Count what is to be done, if anything, of each of these owners, or by these doctors."""
    waiting = findings.count_waiting_by(field, accounts)
    left = findings.count_left_by(field, accounts)
    written = messages.count_waiting_by(field, accounts)
    return {
        item: WaitingWork(
            *waiting.get(item, (0, 0)),
            {**left.get(item, {}), **({"message": written[item]} if item in written else {})},
        )
        for item in {*waiting, *left, *written}
    }


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
        """Count `patients`, `findings` and what of these is `urgent`."""

    def count_of_staff(self) -> Sequence[tuple[Account, int, int]]:
        """List accounts of no patient, with how many findings wait, and how many are urgent."""

    def has_readers(self) -> bool: ...
