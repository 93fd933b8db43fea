"""Events about accounts. The subscribers are in app/composition/subscriptions.py."""

from dataclasses import dataclass

from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import ErasureReason


@dataclass(frozen=True)
class AccountEvent:
    account: str


class AccountAdded(AccountEvent):
    pass


@dataclass(frozen=True, slots=True)
class DoctorChanged:
    patient: str
    doctor: str | None


@dataclass(frozen=True)
class DoctorReturned:
    doctor: str


class ApprovalChanged(AccountEvent):
    pass


@dataclass(frozen=True)
class ConsentWithdrawn(AccountEvent):
    """The owner has withdrawn or refused this consent."""

    purpose: str


class KeptPhotosUnwanted(AccountEvent):
    """The findings stay."""


class LogInReplaced(AccountEvent):
    """A provider's identity has taken over the account. Former logins are no longer valid."""


class PatientNumber(StoredRecord):
    system: str
    value: str


@dataclass(frozen=True)
class AccountClosed(AccountEvent):
    """`by` is the account's own id, an admin's, or "system"."""

    by: str
    reason: ErasureReason | None


class AccountErased(AccountEvent):
    """The event is published once, when all data is deleted."""
