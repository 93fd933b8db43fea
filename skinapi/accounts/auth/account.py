"""An account: the person, how it logs in, its work, its deletion. And the caller of a use case."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypedDict

from skinapi.base.errors import AccountNotApproved, AccountRefused, AccountSuspended
from skinapi.base.languages import LANGUAGES, Language, known_language
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import Caller, RefusalReason, Role
from skinapi.model.context import Sex

WantedRole = Literal["doctor", "researcher"]
Status = Literal["waiting", "refused", "approved", "suspended", "closed"]
# That kept photos may teach a model.
TEACHING_CONSENT = "training"


class SecondFactor(StoredRecord):
    """Its secret is derived of `salt`, and it is in force once `confirmed`. `used_step` is the time
    step of the last code, `recovery` holds the hashes of the recovery codes that are left.
    """

    salt: str
    confirmed: bool = False
    used_step: int = 0
    recovery: tuple[str, ...] = ()


class Refusal(StoredRecord):
    """`note` is what the admin has added for the owner."""

    reason: RefusalReason
    note: str | None = None
    refused_at: datetime

    def same_as(self, other: "Refusal") -> bool:
        return (self.reason, self.note) == (other.reason, other.note)


class PersonFields(StoredRecord):
    """Who the owner is, and what the owner has chosen.

    - `birth_year`, `sex`: as its owner has told them for photos to come
    - `phone`: how a doctor can reach the person, as the owner or the sending system says
    - `notices`: whether mails are sent that are not of security
    """

    name: str
    email: str
    phone: str | None = None
    locale: str = "en"
    birth_year: int | None = None
    sex: Sex | None = None
    consents: Mapping[str, bool] = {}
    notices: bool = True

    @property
    def language(self) -> Language:
        """The language of reports where none is asked for."""
        return known_language(self.locale) or LANGUAGES[0]


class LogInFields(StoredRecord):
    """How the owner or a program logs in, and what revokes that.

    - `initial_password_expires_at`: of a password that the owner must replace
    - `token_version`: a new one revokes all tokens
    - `browsers`: hashes of those that have opened the account, the newest last
    - `provider`, `identity`: of the clinic's log-in, and a hash of who it is there; its password
      hash is empty, which no password has
    - `link_allowed`: the provider whose account it becomes at its next log-in there
    - `external`: keyed hash of the number that `number_system` gave to a patient, of the key
      `sent_by`
    - `machine`: a program's key acts through it; nobody logs in to it, nor to an `external` one
    """

    password_hash: str
    initial_password_expires_at: datetime | None = None
    second_factor: SecondFactor | None = None
    token_version: int = 1
    browsers: tuple[str, ...] = ()
    provider: str | None = None
    identity: str | None = None
    link_allowed: str | None = None
    external: str | None = None
    number_system: str | None = None
    sent_by: str | None = None
    machine: bool | None = None

    @property
    def can_log_in(self) -> bool:
        return self.external is None and not self.machine

    @property
    def must_change(self) -> bool:
        return self.initial_password_expires_at is not None

    @property
    def has_password(self) -> bool:
        return bool(self.password_hash)

    @property
    def has_second_factor(self) -> bool:
        return self.second_factor is not None and self.second_factor.confirmed

    @property
    def recovery_codes_left(self) -> int:
        return len(self.second_factor.recovery) if self.second_factor else 0


class WorkFields(StoredRecord):
    """What the account may do here, and its part in the care of patients.

    - `wanted_role`: asked for at the registration, until an admin approves the account
    - `group_role`: what a group at its provider has given it
    - `refusal`: why an admin did not approve it, while its status is `refused`
    """

    role: Role = "user"
    status: Status = "waiting"
    wanted_role: WantedRole | None = None
    group_role: Role | None = None
    refusal: Refusal | None = None
    doctor_id: str | None = None

    @property
    def approved(self) -> bool:
        return self.status == "approved"

    @property
    def active_admin(self) -> bool:
        return self.role == "admin" and self.approved

    @property
    def active_doctor(self) -> bool:
        return self.role == "doctor" and self.approved

    @property
    def barred(self) -> bool:
        return self.status in ("refused", "suspended", "closed")

    def refuse_inactive(self, *, even_waiting: bool = False) -> None:
        if self.refusal:
            raise AccountRefused(self.refusal.reason, self.refusal.note)
        if self.barred:
            raise AccountSuspended
        if self.status == "waiting" and not even_waiting:
            raise AccountNotApproved


class DeletionFields(StoredRecord):
    """What ends the account, or keeps it from ending.

    - `seen_at`, `warned_at`: when it was last used, to the day, and its owner was told that it goes
      unused; known only where unused ones go
    - `keep`: why an admin keeps it from being erased
    - `erase_at`: when a closed account is erased
    """

    seen_at: datetime | None = None
    warned_at: datetime | None = None
    keep: str | None = None
    erase_at: datetime | None = None


class Account(PersonFields, LogInFields, WorkFields, DeletionFields):
    """A frozen copy of one account. The store keeps its fields side by side."""

    id: str
    created_at: datetime

    def lacks_second_factor(self, required: Collection[str]) -> bool:
        return self.role in required and not self.has_second_factor and self.can_log_in

    @property
    def may_teach(self) -> bool:
        """Whether its kept photos may be in data sets."""
        return self.consents.get(TEACHING_CONSENT, False)

    @property
    def local_admin(self) -> bool:
        """Whether it can administer this server while no other server answers."""
        return self.active_admin and self.has_password

    def never_approved(self, *, before: datetime) -> bool:
        """Whether it has waited since it registered before this time, or was refused before it. An
        approval that has ended has made another token version.
        """
        if self.token_version > 1 or self.created_at >= before:
            return False
        if self.status == "waiting":
            return True
        return self.refusal is not None and self.refusal.refused_at < before


@dataclass(frozen=True)
class Subject(Caller):
    """`account` was usable when the request arrived, and is as it was read then, so that nothing
    reads it again for the same request; but what a change depends on is read in its transaction.
    """

    account: Account = field(repr=False)


class AccountFields(TypedDict, total=False):
    """What an account is added with, or what of it is changed."""

    id: str
    name: str
    email: str
    phone: str | None
    role: Role
    status: Status
    password_hash: str
    initial_password_expires_at: datetime | None
    token_version: int
    locale: str
    consents: Mapping[str, bool]
    notices: bool
    birth_year: int | None
    sex: Sex | None
    doctor_id: str | None
    second_factor: SecondFactor | None
    wanted_role: WantedRole | None
    browsers: tuple[str, ...]
    refusal: Refusal | None
    external: str | None
    number_system: str | None
    sent_by: str | None
    machine: bool | None
    provider: str | None
    identity: str | None
    group_role: Role | None
    link_allowed: str | None
    keep: str | None
    erase_at: datetime | None
