"""What happens to accounts, for the packages above. Who listens:
app/composition/subscriptions.py.
"""

from dataclasses import dataclass
from datetime import datetime

from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import ErasureReason


@dataclass(frozen=True, slots=True)
class AccountAdded:
    account: str


@dataclass(frozen=True, slots=True)
class DoctorChanged:
    """A patient has another doctor, or none."""

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
    """This account is an active doctor's again, and so are its patients in care."""

    doctor: str


@dataclass(frozen=True, slots=True)
class AdminStopped:
    """This admin is suspended, being deleted, or none any more."""

    admin: str


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """The account does not agree to this `purpose` any more, or has refused it (`consents.py`)."""

    account: str
    purpose: str


@dataclass(frozen=True, slots=True)
class KeptPhotosUnwanted:
    """The account wants all its kept photos to be deleted; its findings stay."""

    account: str


@dataclass(frozen=True, slots=True)
class LogInReplaced:
    """Who logs in to the account is somebody whom a provider names: whoever could before cannot."""

    account: str


@dataclass(frozen=True, slots=True)
class AccountsJoined:
    """The account is about to give all that it has to `into`, another one of the same person, and
    nobody logs in to it any more.
    """

    account: str
    into: str


class PatientNumber(StoredRecord):
    """Under which another system, `system`, knows a patient."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class ErasureBegun:
    """The account is about to be deleted, in the same transaction. `by` is its own id, an admin's,
    or "system". `number` was named with it, of a patient of another system.
    """

    account: str
    by: str
    reason: ErasureReason | None
    number: PatientNumber | None = None


@dataclass(frozen=True, slots=True)
class AccountErased:
    """The account is being deleted: nobody sees its data any more, and each package deletes what it
    has. Announced again after an interruption, before the account itself is removed.
    """

    account: str


@dataclass(frozen=True, slots=True)
class AccountGone:
    """All packages have deleted what they had of the account, and so is the account itself; or it
    is kept until then as no more than the name of a medical record. Published once for each.
    """

    account: str
    record_kept_until: datetime | None
