"""A change without effect writes nothing."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Literal, Unpack

from skinapi.accounts.admin.decisions import (
    NO_ACCOUNT,
    NO_DOCTOR,
    NO_USER,
    Assignments,
    get_by_email,
    refuse_doctor,
    require_doctor,
)
from skinapi.accounts.admin.waiting_work import (
    FindingNumbers,
    WaitingSpotCounts,
)
from skinapi.accounts.auth.account import Account, AccountFields, Status, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.closing import AccountClosing
from skinapi.accounts.auth.errors import EmailTaken, NoSecondFactor
from skinapi.accounts.auth.events import AccountAdded
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.passwords import Passwords, Proof, one_time_password
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict, Duplicate, NotFound
from skinapi.base.pages import Page, PageRequest
from skinapi.base.subject import ErasureReason, Role
from skinapi.platform.audit.trail import AuditTrail, TrailFilter
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

READ_AT_ONCE = 1000
# `unassigned` means a patient without an active doctor.
ListedStatus = Status | Literal["unassigned"]
OWN_FACTOR = "Remove your own second factor on the page of your account, with a code"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminService:
    work: UnitOfWork
    accounts: Accounts
    closing: AccountClosing
    passwords: Passwords
    second_factor: SecondFactorService
    guess_limits: GuessLimits
    assignments: Assignments
    trail: AuditTrail
    initial_password_life: timedelta
    numbers: FindingNumbers
    spots: WaitingSpotCounts

    def list_accounts(
        self,
        *,
        roles: Sequence[Role],
        status: ListedStatus | None,
        beginning: str | None,
        paging: PageRequest,
    ) -> Page[Account]:
        if status == "unassigned":
            page = self.accounts.page_unassigned(roles, beginning=beginning, paging=paging)
            return page.map_all(self._list_patients)
        return self.accounts.page_accounts(roles, status=status, beginning=beginning, paging=paging)

    def _list_patients(self, accounts: Sequence[Account]) -> list[Account]:
        waiting = self.spots.count_by("owner", [item.id for item in accounts])
        return [
            item
            for item in accounts
            if item.id in waiting or (item.role == "user" and item.approved)
        ]

    def accounts_of(self, identifiers: set[str]) -> dict[str, Account]:
        found: dict[str, Account] = {}
        wanted = sorted(identifiers)
        for start in range(0, len(wanted), READ_AT_ONCE):
            found |= self.accounts.by_ids({*wanted[start : start + READ_AT_ONCE]})
        return found

    @atomic
    def set_role(self, unit: Unit, *, email: str, role: Role, by: str) -> Account:
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if account.role == role:
            return account
        unit.audit(f"account.role_{role}", by=by, target=account.id)
        return self.accounts.change(unit, account, role=role)

    @atomic
    def suspend_account(self, unit: Unit, *, email: str, by: str) -> Account:
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if account.status == "suspended":
            return account
        unit.audit("account.suspend", by=by, target=account.id)
        # One of the known addresses may be a thief's.
        self.guess_limits.reset(account)
        return self.accounts.change(
            unit, account, status="suspended", token_version=account.token_version + 1
        )

    @atomic
    def set_keep(self, unit: Unit, *, email: str, reason: str | None, by: str) -> None:
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if account.keep != reason:
            action = "account.keep" if reason else "account.end_keep"
            unit.audit(action, by=by, target=account.id, owner=account.id)
            self.accounts.change(unit, account, keep=reason)

    def prove(self, admin: Subject, proof: Proof | None) -> None:
        """Accept a request without a proof, because older clients send none."""
        if proof:
            self.second_factor.reauthenticate(admin.account, proof, session_id=admin.session_id)

    @atomic
    def close_account(
        self,
        unit: Unit,
        *,
        email: str,
        of_doctor: bool,
        by: str,
        reason: ErasureReason | None = None,
    ) -> None:
        missing = NO_DOCTOR if of_doctor else NO_USER
        account = get_by_email(self.accounts, email, missing)
        if account.status == "closed":
            raise NotFound(missing)
        if of_doctor:
            require_doctor(account)
        else:
            refuse_doctor(account)  # doctors have their own route
        self.closing.close(unit, account, by=by, reason=reason)

    def add_doctor(self, *, name: str, email: str, password: str, by: str) -> Account:
        taken = self.accounts.find_by_email(email)
        if taken:
            raise EmailTaken("Doctor already exists" if taken.role == "doctor" else None)
        fields = self._initial_password_fields(password)
        fields |= AccountFields(name=name, email=email, role="doctor", status="approved")
        try:
            return self._add("doctor.add", by, **fields)
        except Duplicate as error:
            raise EmailTaken from error

    @atomic
    def reset_second_factor(self, unit: Unit, *, email: str, by: str) -> None:
        """This is only for another account: removing one's own factor requires a code."""
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if account.id == by:
            raise Conflict(OWN_FACTOR)
        unit.audit("account.second_factor_removed", by=by, target=account.id)
        if account.second_factor is None:
            raise NoSecondFactor
        self.accounts.change(
            unit, account, second_factor=None, token_version=account.token_version + 1
        )

    def follow_trail(self, *, after: str | None, limit: int) -> Iterator[Document]:
        rows = islice(self.trail.follow(after), limit)
        return ({**row, "signed": self.trail.is_signed(row)} for row in rows)

    def read_trail(self, wanted: TrailFilter, paging: PageRequest) -> Page[Document]:
        """`signed` is true if the signature of the row is valid."""
        page = self.trail.page(wanted, paging)
        numbers: dict[str, int] = {}
        about = sorted({row["target"] for row in page.items if row.get("owner")})
        for start in range(0, len(about), READ_AT_ONCE):
            numbers |= self.numbers.numbers_of(about[start : start + READ_AT_ONCE])
        return page.map(
            lambda row: {
                **row,
                "signed": self.trail.is_signed(row),
                "finding": numbers.get(row["target"]),
            }
        )

    def ensure_admin(
        self, *, email: str, password: str | None, only_first: bool = False
    ) -> tuple[Account, str | None]:
        """Create the account if necessary. With `only_first`, do nothing if there is any active
        admin.

        An account that was not an active admin gets a new password and loses its sessions, because
        anyone may have registered the address. Of concurrent processes, only one makes the
        password.
        """
        account = self.accounts.find_by_email(email)
        if account is None:
            with suppress(Duplicate):  # another process has added it
                one_time, fields = self._admin_fields(password)
                new = AccountFields(email=email, name="Admin")
                return self._add("account.role_admin", "system", **(new | fields)), one_time
            account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if account.active_admin and self._keeps_password(account, password):
            return account, None
        one_time, fields = self._admin_fields(password)
        made = self._make_admin(
            email=email, fields=fields, renewed=password is not None, only_first=only_first
        )
        # If another process created the admin, only its password is valid.
        return made, one_time if made.password_hash == fields["password_hash"] else None

    @atomic
    def _make_admin(
        self, unit: Unit, *, email: str, fields: AccountFields, renewed: bool, only_first: bool
    ) -> Account:
        """Change everything in one write, so that no token is valid for a part of it. With
        `renewed`, an active admin gets the new password too.
        """
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if account.active_admin and not renewed:  # made by another process
            return account
        if only_first and self.has_admin():
            return account
        unit.audit("account.role_admin", by="system", target=account.id)
        self.guess_limits.reset(account)
        # This lets the only admin in who has lost the app and the recovery codes.
        lost = AccountFields(second_factor=None, token_version=account.token_version + 1)
        return self.accounts.change(unit, account, **(fields | lost))

    def _admin_fields(self, password: str | None) -> tuple[str | None, AccountFields]:
        one_time = None if password else one_time_password()
        fields = AccountFields(role="admin", status="approved")
        if password:
            fields |= AccountFields(
                password_hash=self.passwords.hash(password), initial_password_expires_at=None
            )
        else:
            fields |= self._initial_password_fields(one_time or "")
        return one_time, fields

    def has_admin(self) -> bool:
        return bool(self.accounts.list_active_admins())

    @atomic
    def _add(self, unit: Unit, action: str, by: str, **fields: Unpack[AccountFields]) -> Account:
        added = self.accounts.add(**fields)
        unit.audit(action, by=by, target=added.id)
        unit.publish(AccountAdded(added.id))
        return added

    def _keeps_password(self, account: Account, password: str | None) -> bool:
        if password is None:
            return True
        return not account.must_change and self.passwords.matches(password, account.password_hash)

    def _initial_password_fields(self, password: str) -> AccountFields:
        return AccountFields(
            password_hash=self.passwords.hash(password),
            initial_password_expires_at=now() + self.initial_password_life,
        )
