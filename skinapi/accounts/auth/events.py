"""What happens to accounts. Who listens: app/composition/subscriptions.py."""

from dataclasses import dataclass
from datetime import datetime

from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import ErasureReason


@dataclass(frozen=True, slots=True)
class AccountAdded:
    account: str


@dataclass(frozen=True, slots=True)
class DoctorChanged:
    patient: str
    doctor: str | None


@dataclass(frozen=True, slots=True)
class PatientsReleased:
    """All patients leave the care of this doctor."""

    doctor: str


@dataclass(frozen=True, slots=True)
class DoctorStopped:
    """This doctor is suspended, or none any more."""

    doctor: str


@dataclass(frozen=True, slots=True)
class DoctorReturned:
    """This doctor is active now, again or for the first time."""

    doctor: str


@dataclass(frozen=True, slots=True)
class AdminStopped:
    admin: str


@dataclass(frozen=True, slots=True)
class ApprovalChanged:
    """The account is approved from now on, or was until now: then it is suspended, or waits."""

    account: str


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """The account does not agree to this `purpose` any more, or has refused it."""

    account: str
    purpose: str


@dataclass(frozen=True, slots=True)
class KeptPhotosUnwanted:
    """The account wants all its kept photos to be deleted; its findings stay."""

    account: str


@dataclass(frozen=True, slots=True)
class LogInReplaced:
    """Somebody whom a provider names logs in to the account: whoever could before cannot."""

    account: str


@dataclass(frozen=True, slots=True)
class AccountsJoined:
    """The account is about to give all that it has to `into`, another one of the same person."""

    account: str
    into: str


class PatientNumber(StoredRecord):
    system: str
    value: str


@dataclass(frozen=True, slots=True)
class ErasureBegun:
    """The deletion begins in the same transaction. `by` is the account's own id, an admin's, or
    "system". `number` was named with it, of a patient of another system.
    """

    account: str
    by: str
    reason: ErasureReason | None
    number: PatientNumber | None = None


@dataclass(frozen=True, slots=True)
class AccountErased:
    """Each package deletes what it has of the account. Announced again after an interruption."""

    account: str


@dataclass(frozen=True, slots=True)
class AccountGone:
    """The account and all its data are deleted, or all but its medical record. Published once."""

    account: str
    record_kept_until: datetime | None
