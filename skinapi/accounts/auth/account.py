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
# Allows the use of kept photos for training.
TEACHING_CONSENT = "training"


class SecondFactor(StoredRecord):
    """The secret is derived from `salt`. `recovery` holds the hashes of unused codes."""

    salt: str
    confirmed: bool = False
    used_step: int = 0
    recovery: tuple[str, ...] = ()


class Refusal(StoredRecord):
    reason: RefusalReason
    note: str | None = None
    refused_at: datetime

    def same_as(self, other: "Refusal") -> bool:
        return (self.reason, self.note) == (other.reason, other.note)


class PersonFields(StoredRecord):
    """`notices` allows mails other than those about security."""

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
        """The language of reports if none is requested."""
        return known_language(self.locale) or LANGUAGES[0]


class LogInFields(StoredRecord):
    """How an owner or a system logs in.

    - `initial_password_expires_at`: only set for a password that must be replaced
    - `token_version`: changing it revokes all tokens
    - `browsers`: hashes of known browsers, the newest last
    - `identity`: hash of the account at the `provider`; such an account has no password hash
    - `link_allowed`: the provider that may claim the account at the next login
    - `external`: keyed hash of a patient's number from `number_system`, sent with the key `sent_by`
    - `machine`: the account of a system's key; neither it nor an `external` one can log in
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
    """`seen_at` has the precision of a day. It and `warned_at` are stored only if unused accounts
    are deleted. `keep` is an admin's reason against erasure.
    """

    seen_at: datetime | None = None
    warned_at: datetime | None = None
    keep: str | None = None
    erase_at: datetime | None = None


class Account(PersonFields, LogInFields, WorkFields, DeletionFields):
    id: str
    created_at: datetime

    def lacks_second_factor(self, required: Collection[str]) -> bool:
        return self.role in required and not self.has_second_factor and self.can_log_in

    @property
    def may_teach(self) -> bool:
        return self.consents.get(TEACHING_CONSENT, False)

    @property
    def local_admin(self) -> bool:
        """The account can log in even if no other server responds."""
        return self.active_admin and self.has_password

    def never_approved(self, *, before: datetime) -> bool:
        """Leave out revoked approvals, which have changed the token version."""
        if self.token_version > 1 or self.created_at >= before:
            return False
        if self.status == "waiting":
            return True
        return self.refusal is not None and self.refusal.refused_at < before


@dataclass(frozen=True)
class Subject(Caller):
    """`account` is as it was when the request arrived. A change reads it again."""

    account: Account = field(repr=False)


class AccountFields(TypedDict, total=False):
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
