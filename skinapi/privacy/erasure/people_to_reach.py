"""People whose account was erased while something waited for them, and how to reach them.

What their spots waited for goes with the account. So the erasure notes how to reach the person,
once. The entry ends when somebody has spoken to the person, and after 30 days at the latest. It
holds no photo, no diagnosis and no letter. `reach_service.py` notes and lists them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from skinapi.accounts.auth.events import PatientNumber
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band
from skinapi.platform.storage.records import Repository

KEPT_FOR = timedelta(days=30)


class SpotToSettle(StoredRecord):
    """What a spot waited for. `number` is that of the finding whose level was its instruction.
    Without a number and an urgency it is a message about no spot. Of a finding that a restored
    backup does not know, only the number is known.
    """

    number: int | None = None
    urgency: Band | None = None
    waits_for: tuple[WaitingKind, ...] = ()


class PersonToReach(StoredRecord):
    """`doctor` was in charge. `number`, `sent_by`: of a patient of another system, there."""

    id: str
    created_at: datetime
    account: str
    name: str
    email: str
    phone: str | None = None
    doctor: str | None = None
    number: PatientNumber | None = None
    sent_by: str | None = None
    spots: tuple[SpotToSettle, ...]
    expires_at: datetime


class PeopleToReach(Repository[PersonToReach]):
    collection, record = "people_to_reach", PersonToReach
    indexes = (("account", "id"), ("expires_at", "id"))

    def list_ids(self) -> Iterator[str]:
        return (item["id"] for item in self._documents.find(fields=()))

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})
