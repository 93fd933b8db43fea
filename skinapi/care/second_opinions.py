"""Second opinions, shown only to doctors on the case page."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.numbers import FINDING
from skinapi.platform.storage.records import Repository


class SecondOpinion(StoredRecord):
    id: str
    created_at: datetime
    submission: str
    doctor: str
    signature: str
    question: str | None = None
    label: str | None = None
    comment: str
    idempotency_key: str | None = None
    request_hash: str | None = None


class SecondOpinions(Repository[SecondOpinion]):
    collection, record = "second_opinions", SecondOpinion
    indexes = ((FINDING, "id"),)
    unique = (("doctor", "idempotency_key"),)

    def list_of(self, findings: Iterable[str]) -> list[SecondOpinion]:
        found = self._list({FINDING: {"$in": [*findings]}}, sort=FINDING)
        return sorted(found, key=lambda item: item.id)

    def find_by_key(self, doctor: str, key: str | None, request_hash: str) -> SecondOpinion | None:
        return self._by_key(key, request_hash, doctor=doctor)

    def forget(self, finding: str) -> None:
        self._documents.delete({FINDING: finding})

    def check_integrity(self, has_finding: Callable[[str], bool]) -> Iterator[Fault]:
        for finding in self._gone(FINDING, has_finding):
            text = f"second opinions on submission {finding}, which is gone"
            yield Fault(text, partial(self.forget, finding), gone=finding)
