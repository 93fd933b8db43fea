"""Protocols for data of findings, spots and messages, whose packages are above this one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from skinapi.base.languages import Language


class WaitingSpotCounts(Protocol):
    def count_overdue(self) -> Mapping[str, Mapping[str | None, int]]: ...

    def count_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]: ...

    def count_urgent_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> Mapping[str, int]: ...


class FindingNumbers(Protocol):
    def numbers_of(self, ids: list[str]) -> dict[str, int]: ...


class CheckerRecord(Protocol):
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
    def list_current(self) -> Sequence[CheckerRecord]: ...


class PatientsWithoutDoctor(Protocol):
    def count(self) -> Any: ...

    def list_readers(self) -> Sequence[str]: ...
