"""Each account is one transaction with its audit rows. In a bulk request, accounts that cannot be
changed are reported, and all others are changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal

from skinapi.accounts.auth.account import Account, AccountFields, Refusal
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import normalise_email
from skinapi.base.errors import Conflict, NotFound, SkinAPIError
from skinapi.base.field_types import ID
from skinapi.base.subject import RefusalReason, Role
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

NO_DOCTOR = "Doctor not found"
NOT_APPROVED = "This doctor's account is not approved; approve it first, or choose another doctor"
ONESELF = "Nobody is their own doctor; choose another doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """`default` is the e-mail of the doctor for new patients without another one."""

    work: UnitOfWork
    accounts: Accounts
    outbox: Outbox
    default: str | None

    def find_default(self) -> str | None:
        """Return None if the setting names no active doctor."""
        if self.default is None:
            return None
        try:
            email = normalise_email(self.default)
        except ValueError:
            return None
        doctor = self.accounts.find_active_doctor(email)
        return doctor.id if doctor else None

    def choose(self, *named: str | None) -> str | None:
        accounts = self.accounts.by_ids({account for account in named if account})
        active = (
            account for account in named if account in accounts and accounts[account].active_doctor
        )
        return next(active, None) or self.find_default()

    def find_named(self, names: Sequence[str]) -> list[Account]:
        ids = self.accounts.by_ids({name for name in names if ID.fullmatch(name)})
        each = (ids.get(name) or find_by_typed_email(self.accounts, name) for name in names)
        return [
            account
            for account in each
            if account and (account.role == "doctor" or self.accounts.count_patients({account.id}))
        ]

    @atomic
    def put_in_care(self, unit: Unit, *, patient: str, doctor: str, by: str) -> Account:
        """Keep a doctor who is active. Return the doctor in charge."""
        owner = self.accounts.lock(patient)
        current = owner.doctor_id and self.accounts.find_by_id(owner.doctor_id)
        if current and current.active_doctor:
            return current
        self.assign(unit, owner, doctor=doctor, by=by)
        return self.accounts.get(doctor)

    def has_wrong_default(self) -> bool:
        return self.default is not None and self.find_default() is None

    def find_doctor(self, email: str) -> Account:
        doctor = find_by_typed_email(self.accounts, email)
        if doctor is None:
            raise NotFound(NO_DOCTOR)
        require_approved_doctor(doctor)
        return doctor

    def assign(self, unit: Unit, patient: Account, *, doctor: str | None, by: str) -> Account:
        """`patient` must have been read in this transaction. A `doctor` of None ends the care."""
        if patient.doctor_id == doctor:
            return patient
        if patient.id == doctor:
            raise Conflict(ONESELF)
        if unit.named:  # the assignment is a part of what this transaction does
            unit.record(AuditRow("account.assign", by=by, target=patient.id))
        else:
            unit.audit("account.assign", by=by, target=patient.id)
        if doctor:
            self.note(unit, patient.id, doctor=doctor, by=by)
        if doctor and patient.doctor_id:
            self.outbox.add(Kind.OTHER_DOCTOR, to=patient.id, about="my-data")
        return self.accounts.change(unit, patient, doctor_id=doctor)

    def note(self, unit: Unit, patient: str, *, doctor: str, by: str) -> None:
        """Write the doctor's own audit row, because a row names one account."""
        # The lock keeps a doctor who is being suspended from getting a patient.
        require_approved_doctor(self.accounts.lock(doctor))
        unit.record(AuditRow("doctor.assign", by=by, target=doctor, owner=patient))


def find_by_typed_email(accounts: Accounts, email: str) -> Account | None:
    try:
        return accounts.find_by_email(normalise_email(email))
    except ValueError:
        return None


def require_doctor(account: Account) -> None:
    if account.role != "doctor":
        raise NotFound(NO_DOCTOR)


def require_approved_doctor(account: Account) -> None:
    require_doctor(account)
    if not account.approved:
        raise Conflict(NOT_APPROVED)


# `wanted` is the role requested at registration.
ApprovedRole = Literal["wanted", "user", "doctor", "researcher"]
MOST_COUNTED = 1000
# Used in place of a doctor's e-mail.
DEFAULT = "default"
# A refusal that is undone at once sends no mail.
REFUSAL_DELAY = timedelta(minutes=1)
NO_USER = "User not found"
NO_ACCOUNT = "User/doctor not found"
LIFTS = "This account is suspended, closed or was refused; approve it by itself"
NOT_WAITING = "This account does not wait for approval; suspend it instead"


class OtherRole(Conflict):
    code = "other_role"
    sentence = "This account has another role now, so it stays as it is"


@dataclass(frozen=True, slots=True)
class Decided:
    done: list[str]
    left: dict[str, SkinAPIError]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsService:
    work: UnitOfWork
    accounts: Accounts
    outbox: Outbox
    assignments: Assignments

    def approve_accounts(
        self,
        *,
        ids: Sequence[str],
        role: ApprovedRole,
        doctor: str | None = DEFAULT,
        by: str,
    ) -> Decided:
        """By DEFAULT, new patients without a doctor get the configured one. Suspended, closed and
        refused accounts are left out.
        """
        if doctor and doctor != DEFAULT:
            self.assignments.find_doctor(doctor)
        approve = partial(self._approve_by_id, role=role, doctor=doctor, by=by)
        return _each(ids, approve)

    def refuse_accounts(
        self, *, ids: Sequence[str], reason: RefusalReason, note: str | None, by: str
    ) -> Decided:
        refusal = Refusal(reason=reason, note=note, refused_at=now())
        return _each(ids, partial(self._refuse, refusal=refusal, by=by))

    @atomic
    def approve_account(
        self, unit: Unit, *, email: str, role: Role | None, doctor: str | None = DEFAULT, by: str
    ) -> str:
        """Approve an account without demoting it. Return what was done."""
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        changed = self._approve_into_care(unit, account, role=role, doctor=doctor, by=by)
        if changed.role == "doctor":
            if account.role == "user":
                return f"User {account.email} promoted to doctor and approved."
            return f"Doctor {account.email} approved."
        return f"User {account.email} approved as {changed.role}."

    @atomic
    def assign_doctor(self, unit: Unit, *, email: str, doctor: str | None, by: str) -> None:
        patient = get_by_email(self.accounts, email, NO_USER)
        chosen = self.assignments.find_doctor(doctor).id if doctor else None
        self.assignments.assign(unit, patient, doctor=chosen, by=by)

    @atomic
    def _approve_by_id(
        self,
        unit: Unit,
        account_id: str,
        *,
        role: ApprovedRole,
        doctor: str | None,
        by: str,
    ) -> None:
        account = self.accounts.get(account_id)
        if account.barred:
            raise Conflict(LIFTS)
        given = account.wanted_role if role == "wanted" else role
        changed = self._approve_into_care(unit, account, role=given, doctor=doctor, by=by)
        cared_for = doctor not in (None, DEFAULT)
        kept = given not in (None, account.role) or (cared_for and account.role != "user")
        if changed == account and kept:
            raise OtherRole

    def _approve_into_care(
        self, unit: Unit, account: Account, *, role: Role | None, doctor: str | None, by: str
    ) -> Account:
        changed = self._approve(unit, account, role=role, by=by)
        if changed.role != "user":
            return changed
        if doctor != DEFAULT:
            chosen = self.assignments.find_doctor(doctor).id if doctor else None
        elif account.status == "waiting" and account.doctor_id is None:
            chosen = self.assignments.find_default()
        else:
            return changed
        return self.assignments.assign(unit, changed, doctor=chosen, by=by)

    def _approve(self, unit: Unit, account: Account, *, role: Role | None, by: str) -> Account:
        fields = AccountFields(status="approved", wanted_role=None)
        promoted = account.role == "user" and role in ("doctor", "researcher")
        if account.approved and not promoted:
            return account
        action = "account.open" if account.status == "closed" else "account.approve"
        unit.audit(action, by=by, target=account.id)
        self.outbox.withdraw(Kind.REFUSED, to=account.id, about="")
        if account.status == "waiting":
            self.outbox.add(Kind.APPROVED, to=account.id)
        if promoted and role:
            unit.record(AuditRow(f"account.role_{role}", by=by, target=account.id))
            fields["role"] = role
        return self.accounts.change(unit, account, **fields)

    @atomic
    def _refuse(self, unit: Unit, account_id: str, *, refusal: Refusal, by: str) -> None:
        account = self.accounts.get(account_id)
        if account.refusal and account.refusal.same_as(refusal):
            return
        unit.audit("account.refuse", by=by, target=account.id, detail=refusal.reason)
        if account.status != "waiting":
            raise Conflict(NOT_WAITING)
        self.outbox.add(Kind.REFUSED, to=account.id, delay=REFUSAL_DELAY)
        self.accounts.change(unit, account, status="refused", refusal=refusal)


def _each(ids: Sequence[str], decide: Callable[[str], None]) -> Decided:
    decided = Decided([], {})
    for account_id in dict.fromkeys(ids):
        try:
            decide(account_id)
            decided.done.append(account_id)
        except (NotFound, Conflict) as error:
            decided.left[account_id] = error
    return decided


def get_by_email(accounts: Accounts, email: str, sentence: str) -> Account:
    account = find_by_typed_email(accounts, email)
    if account is None:
        raise NotFound(sentence)
    return account


def refuse_doctor(account: Account) -> None:
    if account.role == "doctor":
        raise NotFound(NO_USER)
