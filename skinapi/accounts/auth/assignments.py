"""Puts patients into the care of doctors."""

from collections.abc import Sequence
from dataclasses import dataclass

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.emails import normalise_email
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.field_types import ID
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

NO_DOCTOR = "Doctor not found"
NOT_APPROVED = "This doctor's account is not approved; approve it first, or choose another doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """`default` is the e-mail of the doctor of new patients for whom nobody names another."""

    work: UnitOfWork
    accounts: Accounts
    default: str | None

    def find_default(self) -> str | None:
        """The id of that doctor; None without one, or where it is no active doctor's e-mail."""
        if self.default is None:
            return None
        doctor = find_by_typed_email(self.accounts, self.default)
        return doctor.id if doctor and doctor.active_doctor else None

    def choose(self, *named: str | None) -> str | None:
        """The first of these accounts that is an active doctor's, else that of `find_default`."""
        accounts = self.accounts.by_ids({account for account in named if account})
        active = (
            account for account in named if account in accounts and accounts[account].active_doctor
        )
        return next(active, None) or self.find_default()

    def find_named(self, names: Sequence[str]) -> list[Account]:
        """The accounts of doctors, active or not, that have one of these ids or e-mails."""
        ids = self.accounts.by_ids({name for name in names if ID.fullmatch(name)})
        each = (ids.get(name) or find_by_typed_email(self.accounts, name) for name in names)
        return [
            account
            for account in each
            if account and (account.role == "doctor" or account.patients_rest)
        ]

    @atomic
    def put_in_care(self, unit: Unit, *, patient: str, doctor: str, by: str) -> Account:
        """Let this doctor be in charge of a patient without an active one. The result is who is
        then. Raises NotFound, and Conflict where the doctor's account is not approved.
        """
        owner = self.accounts.hold(patient)
        current = owner.doctor_id and self.accounts.by_ids({owner.doctor_id}).get(owner.doctor_id)
        if current and current.active_doctor:
            return current
        self.assign(unit, owner, doctor=doctor, by=by)
        return self.accounts.get(doctor)

    def has_wrong_default(self) -> bool:
        """Whether the default is the e-mail of no active doctor."""
        return self.default is not None and self.find_default() is None

    def find_doctor(self, email: str) -> Account:
        """Raises NotFound, and Conflict where the account of the doctor is not approved."""
        doctor = find_by_typed_email(self.accounts, email)
        if doctor is None:
            raise NotFound(NO_DOCTOR)
        require_approved_doctor(doctor)
        return doctor

    def assign(self, unit: Unit, patient: Account, *, doctor: str | None, by: str) -> None:
        """Put a patient, as this transaction has read it, into the care of the doctor with this
        id, or end the care. Raises as `find_doctor`.
        """
        if patient.doctor_id == doctor:
            return
        if unit.named:  # the assignment is a part of what this transaction does
            unit.record(AuditRow("account.assign", by=by, target=patient.id))
        else:
            unit.audit("account.assign", by=by, target=patient.id)
        if doctor:
            self.note(unit, patient.id, doctor=doctor, by=by)
        self.accounts.change(unit, patient, doctor_id=doctor)

    def note(self, unit: Unit, patient: str, *, doctor: str, by: str) -> None:
        """The doctor's own row: a row names one account."""
        # Who is suspended at the same time gets no patient.
        require_approved_doctor(self.accounts.hold(doctor))
        unit.record(AuditRow("doctor.assign", by=by, target=doctor, owner=patient))


def find_by_typed_email(accounts: Accounts, email: str) -> Account | None:
    """The account with the address that somebody has typed so."""
    try:
        return accounts.find_by_email(normalise_email(email))
    except ValueError:
        return None


def require_doctor(account: Account) -> None:
    """Raises NotFound."""
    if account.role != "doctor":
        raise NotFound(NO_DOCTOR)


def require_approved_doctor(account: Account) -> None:
    """Raises NotFound, Conflict."""
    require_doctor(account)
    if not account.approved:
        raise Conflict(NOT_APPROVED)
