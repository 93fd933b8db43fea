"""What happens to accounts. Who listens: app/composition/subscriptions.py."""

from dataclasses import dataclass

from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import ErasureReason


@dataclass(frozen=True)
class AccountEvent:
    account: str


class AccountAdded(AccountEvent):
    """Somebody has registered, or was added."""


@dataclass(frozen=True, slots=True)
class DoctorChanged:
    patient: str
    doctor: str | None


@dataclass(frozen=True)
class DoctorReturned:
    """This doctor is active now, again or for the first time."""

    doctor: str


class ApprovalChanged(AccountEvent):
    """The account is approved from now on, or was until now: then it is suspended, or waits."""


@dataclass(frozen=True)
class ConsentWithdrawn(AccountEvent):
    """The account does not agree to this `purpose` any more, or has refused it."""

    purpose: str


class KeptPhotosUnwanted(AccountEvent):
    """The account wants all its kept photos to be deleted; its findings stay."""


class LogInReplaced(AccountEvent):
    """Somebody whom a provider names logs in to the account: whoever could before cannot."""


class PatientNumber(StoredRecord):
    system: str
    value: str


@dataclass(frozen=True)
class AccountClosed(AccountEvent):
    """`by` is the account's own id, an admin's, or "system"."""

    by: str
    reason: ErasureReason | None


class AccountErased(AccountEvent):
    """Everything that is stored of the account is deleted. Published once."""
