"""Says whose the records are that could not be read: for the doctor in charge, and for admins."""

from collections.abc import Iterator
from dataclasses import dataclass

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.values import Value
from skinapi.platform.storage.failed_items import RECORD, FailedItem, FailedItems
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Store

# What names a record's owner, in this order.
OWNERS = ("owner", "patient", "account")


class DamagedOwner(Value):
    """The names are null where they cannot be read either."""

    patient: str
    patient_name: str | None
    doctor: str | None
    doctor_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedRecords:
    """Reads stored documents as they are: their other fields may be damaged too, so that nothing is
    taken for granted of any.
    """

    store: Store
    accounts: Accounts
    failed: FailedItems

    def find_owner(self, item: str) -> DamagedOwner | None:
        """`item` is a collection and an id, as in FailedItem. None where no patient can be told."""
        collection, _, identifier = item.partition("/")
        patient = self._find_account(self._find_owner_id(collection, identifier))
        if patient is None or not (key := _text(patient, "id")):
            return None
        doctor = self._find_account(_text(patient, "doctor_id")) or {}
        return DamagedOwner(
            patient=key,
            patient_name=_text(patient, "name"),
            doctor=_text(doctor, "email"),
            doctor_name=_text(doctor, "name"),
        )

    def list_in_care(self, doctor: Subject) -> list[DamagedOwner]:
        """List each patient of this doctor who has one, once."""
        owners = {owner.patient: owner for owner in self._walk_owners()}
        stored = {item["id"]: item for item in self.accounts.find_stored({*owners})}
        return [
            owner
            for key, owner in owners.items()
            if _is_in_care(stored.get(key, {}), doctor) and doctor.role == "doctor"
        ]

    def _walk_owners(self) -> Iterator[DamagedOwner]:
        failed: FailedItem
        for failed in self.failed.find_all(RECORD).values():
            if owner := self.find_owner(failed.item):
                yield owner

    def _find_owner_id(self, collection: str, identifier: str) -> str | None:
        if collection == "accounts":
            return identifier
        document = self.store.collection(collection).get(identifier) or {}
        if finding := _text(document, FINDING):
            document = self.store.collection(FINDINGS).get(finding) or {}
        return next(filter(None, (_text(document, name) for name in OWNERS)), None)

    def _find_account(self, identifier: str | None) -> Document | None:
        return next(iter(self.accounts.find_stored({identifier})), None) if identifier else None


def _is_in_care(account: Document, doctor: Subject) -> bool:
    gone = account.get("status") == "deleting" or account.get("role") == "doctor"
    return not gone and account.get("doctor_id") == doctor.id


def _text(document: Document, name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None
