"""What admins do to accounts. Each change is one transaction with its row of the audit trail; where
an account is as it is wanted already, nothing is written.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.account_deletion import Eraser
from skinapi.auth.accounts import Account, Accounts, Decide, Status
from skinapi.auth.emails import normalise_email
from skinapi.auth.errors import EmailTaken, NoSecondFactor
from skinapi.auth.passwords import Passwords, one_time_password
from skinapi.errors import Conflict, Duplicate, NotFound
from skinapi.notices.outbox import Kind, Outbox
from skinapi.settings.value_checks import Role
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document
from skinapi.web.schemas import Page

NO_USER = "User not found"
NO_ACCOUNT = "User/doctor not found"
NO_DOCTOR = "Doctor not found"
NOT_APPROVED = "This doctor's account is not approved; approve it first, or choose another doctor"
SUSPENDED = "This account is suspended, not approved; approving it lifts the suspension"
OWN_FACTOR = "Remove your own second factor on the page of your account, with a code"


class AdminService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        eraser: Eraser,
        passwords: Passwords,
        trail: AuditTrail,
        reset_guesses: Callable[[Account], None],
        initial_password_life: timedelta,
        count_account: Callable[[], None],
        outbox: Outbox,
    ) -> None:
        """`reset_guesses(account)` makes the addresses strange that an account logged in
        from, because one of them may be a thief's, and gives strangers their guesses back.
        `count_account()` counts a new account.
        """
        self._accounts = accounts
        self._eraser = eraser
        self._passwords = passwords
        self._trail = trail
        self._reset_guesses = reset_guesses
        self._initial_password_life = initial_password_life
        self._count_account = count_account
        self._outbox = outbox

    def list_accounts(
        self,
        *,
        roles: Sequence[Role],
        status: Status | None,
        beginning: str | None,
        after: str | None,
        limit: int,
    ) -> Page[Account]:
        """A page of the accounts with these roles, in the order they registered."""
        return self._accounts.page_accounts(
            roles, status=status, beginning=beginning, after=after, limit=limit
        )

    def count_patients(self, doctors: set[str]) -> dict[str, int]:
        return self._accounts.count_patients(doctors)

    def emails_of(self, identifiers: set[str]) -> dict[str, str]:
        found = self._accounts.by_ids(identifiers)
        return {identifier: account.email for identifier, account in found.items()}

    def approve_account(self, *, email: str, role: Role | None, by: str) -> tuple[Account, str]:
        """Approve an account; with role "doctor" or "researcher", also make a user one. Never
        demotes.

        Returns the account and a message about what was done. Raises NotFound.
        """
        account = self._account_by_email(email, NO_ACCOUNT)
        promotes = role in ("doctor", "researcher")

        def decide(current: Account) -> dict[str, Any]:
            if current.status == "waiting":
                self._outbox.add(Kind.APPROVED, to=account.id)
            done: dict[str, Any] = {"status": "approved", "wanted_role": None}
            if promotes and current.role == "user":
                self._trail.record(f"account.role_{role}", by=by, target=account.id)
                done["role"] = role
            return done

        changed = account
        if not account.approved or (promotes and account.role == "user"):
            changed = self._change(account, "account.approve", decide, by=by)
        if changed.role == "doctor" and account.role != "doctor":
            return changed, f"User {changed.email} promoted to doctor and approved."
        if changed.role == "doctor":
            return changed, f"Doctor {changed.email} approved."
        return changed, f"User {changed.email} approved as {changed.role}."

    def unapprove_account(self, *, email: str, by: str) -> Account:
        """Undo an approval: the account waits again, and its tokens are revoked. Nothing changes
        where it waits already.

        Raises NotFound, LastAdmin, and Conflict for a suspended account: another admin may have
        suspended it since the approval, and waiting would hide that.
        """
        account = self._account_by_email(email, NO_ACCOUNT)

        def decide(current: Account) -> dict[str, Any]:
            if current.status == "suspended":
                raise Conflict(SUSPENDED)
            if current.status == "waiting":
                return {}
            return {"status": "waiting", "token_version": current.token_version + 1}

        if account.status == "waiting":
            return account
        return self._change(account, "account.unapprove", decide, by=by)

    def set_role(self, *, email: str, role: Role, by: str) -> Account:
        """Set any role. Raises NotFound, LastAdmin."""
        account = self._account_by_email(email, NO_ACCOUNT)
        if account.role == role:
            return account
        return self._change(account, f"account.role_{role}", lambda _: {"role": role}, by=by)

    def suspend_account(self, *, email: str, by: str) -> Account:
        """Suspend an account and revoke its tokens. Approving it again lifts the suspension.

        Raises NotFound, LastAdmin.
        """
        account = self._account_by_email(email, NO_ACCOUNT)

        def decide(current: Account) -> dict[str, Any]:
            self._reset_guesses(current)
            return {"status": "suspended", "token_version": current.token_version + 1}

        if account.status == "suspended":
            return account
        return self._change(account, "account.suspend", decide, by=by)

    def delete_user(self, *, email: str, by: str) -> None:
        """Delete an account and all its data.

        Raises LastAdmin, and NotFound if there is no account or it is a doctor's.
        """
        account = self._account_by_email(email, NO_USER)
        _refuse_doctor(account)  # doctors have their own route
        self._eraser.erase(account, by=by, refuse=_refuse_doctor)

    def delete_doctor(self, *, email: str, by: str) -> None:
        account = self._account_by_email(email, NO_DOCTOR)
        _require_doctor(account)
        self._eraser.erase(account, by=by, refuse=_require_doctor)

    def add_doctor(self, *, name: str, email: str, password: str, by: str) -> Account:
        """Add an approved doctor, who must first replace this password. Raises EmailTaken."""
        taken = self._accounts.find_by_email(email)
        if taken:
            raise EmailTaken("Doctor already exists" if taken.role == "doctor" else None)
        fields = self._initial_password_fields(password)
        try:
            return self._add(
                "doctor.add", by, name=name, email=email, role="doctor", status="approved", **fields
            )
        except Duplicate as error:
            raise EmailTaken from error

    def reset_password(self, *, email: str, by: str) -> tuple[str, datetime]:
        """Set a one-time password and revoke all tokens of the account.

        Returns the password and when it expires. Raises NotFound.
        """
        account = self._account_by_email(email, NO_ACCOUNT)
        password = one_time_password()
        fields = self._initial_password_fields(password)

        def decide(current: Account) -> dict[str, Any]:
            self._reset_guesses(current)
            return {**fields, "token_version": current.token_version + 1}

        self._change(account, "account.reset_password", decide, by=by)
        return password, fields["initial_password_expires_at"]

    def reset_second_factor(self, *, email: str, by: str) -> None:
        """Take the second factor of an account away, and revoke its tokens: for somebody who has
        lost the app and the recovery codes. Raises NotFound, NoSecondFactor, and Conflict for one's
        own, which takes a code.
        """
        account = self._account_by_email(email, NO_ACCOUNT)
        if account.id == by:
            raise Conflict(OWN_FACTOR)

        def decide(current: Account) -> dict[str, Any]:
            if current.second_factor is None:
                raise NoSecondFactor
            return {"second_factor": None, "token_version": current.token_version + 1}

        self._change(account, "account.second_factor_removed", decide, by=by)

    def assign_doctor(self, *, email: str, doctor: str | None, by: str) -> None:
        """Put a patient in the care of an approved doctor, or end the care if `doctor` is None.

        Raises NotFound, and Conflict if the doctor is not approved.
        """
        patient = self._account_by_email(email, NO_USER)
        doctor_id = self._approved_doctor_by_email(doctor).id if doctor else None
        if doctor_id:
            _refuse_doctor(patient)

        def decide(current: Account) -> dict[str, Any]:
            if doctor_id:
                _refuse_doctor(current)
                _require_approved_doctor(self._accounts.hold(doctor_id))
                # A row names one account, so the doctor has a second one, with the same request id.
                self._trail.record("doctor.assign", by=by, target=doctor_id)
            return {"doctor_id": doctor_id}

        if patient.doctor_id != doctor_id:
            self._change(patient, "account.assign", decide, by=by)

    def read_trail(
        self, *, action: str | None, account: str | None, after: str | None, limit: int
    ) -> Page[Document]:
        """A page of rows, newest first; `signed` says of each whether its signature is right."""
        page = self._trail.page(action=action, account=account, after=after, limit=limit)
        return page.map(lambda row: {**row, "signed": self._trail.is_signed(row)})

    def ensure_admin(
        self, *, email: str, password: str | None, only_first: bool = False
    ) -> tuple[Account, str | None]:
        """Make the account with this address an active admin; create it if there is none. With
        `only_first` an account that is there stays as it is where anybody is an active admin.

        Returns the account, and a one-time password if one was made. An account that was not an
        active admin gets a new password and loses its sessions, because anybody may have registered
        the address before. An active admin keeps the password unless another one is given. If
        several processes call this at the same time, one of them makes the password.
        """
        account = self._accounts.find_by_email(email)
        if account is None:
            with suppress(Duplicate):  # another process has added it
                return self._add_admin(email, password)
            account = self._account_by_email(email, NO_ACCOUNT)
        if password and account.active_admin and self._is_own_password(account, password):
            password = None
        if password is None and account.active_admin:
            return account, None
        return self._make_admin(account, password, only_first)

    def _add_admin(self, email: str, password: str | None) -> tuple[Account, str | None]:
        one_time, fields = self._admin_fields(password)
        added = self._add("account.role_admin", "system", email=email, name="Admin", **fields)
        return added, one_time

    def _make_admin(
        self, account: Account, password: str | None, only_first: bool
    ) -> tuple[Account, str | None]:
        """Change role, status and password in one write, so that no token is ever valid for only
        some of them.
        """
        one_time, fields = self._admin_fields(password)

        def decide(current: Account) -> dict[str, Any]:
            if current.active_admin and not password:  # already one, or made by another process
                return {}
            if only_first and self.has_admin():
                return {}
            self._reset_guesses(current)
            # The way back for an only admin who has lost the app and the recovery codes.
            update = {"second_factor": None, "token_version": current.token_version + 1}
            return {**fields, **update}

        changed = self._change(account, "account.role_admin", decide, by="system")
        # If another process made the admin, its password is the valid one, not this one.
        return changed, one_time if changed.password_hash == fields["password_hash"] else None

    def _admin_fields(self, password: str | None) -> tuple[str | None, dict[str, Any]]:
        """The fields of an active admin, and the one-time password if none is given."""
        one_time = None if password else one_time_password()
        fields = (
            {**self._password_fields(password), "must_change": False}
            if password
            else self._initial_password_fields(one_time or "")
        )
        return one_time, {**fields, "role": "admin", "status": "approved"}

    def has_admin(self) -> bool:
        return bool(self._accounts.list_active_admins())

    def _add(self, action: str, by: str, **fields: Any) -> Account:
        """Add an account, and this row to the audit trail. Raises Duplicate."""
        identifier = new_id()
        add = partial(self._accounts.add, id=identifier, **fields)
        added = self._trail.change(add, action, by=by, target=identifier)
        self._count_account()
        return added

    def _change(self, account: Account, action: str, decide: Decide, *, by: str) -> Account:
        """Change an account, and add this row to the audit trail."""
        change = partial(self._accounts.change, account.id, decide)
        return self._trail.change(change, action, by=by, target=account.id)

    def _is_own_password(self, account: Account, password: str) -> bool:
        """Whether the password is right and not an initial one, which must be replaced."""
        return not account.must_change and self._passwords.matches(password, account.password_hash)

    def _password_fields(self, password: str) -> dict[str, Any]:
        return {"password_hash": self._passwords.hash(password)}

    def _initial_password_fields(self, password: str) -> dict[str, Any]:
        return {
            **self._password_fields(password),
            "must_change": True,
            "initial_password_expires_at": now() + self._initial_password_life,
        }

    def _account_by_email(self, email: str, sentence: str) -> Account:
        try:
            account = self._accounts.find_by_email(normalise_email(email))
        except ValueError:
            account = None
        if account is None:
            raise NotFound(sentence)
        return account

    def _approved_doctor_by_email(self, email: str) -> Account:
        doctor = self._account_by_email(email, NO_DOCTOR)
        _require_approved_doctor(doctor)
        return doctor


def _refuse_doctor(account: Account) -> None:
    if account.role == "doctor":
        raise NotFound(NO_USER)


def _require_doctor(account: Account) -> None:
    if account.role != "doctor":
        raise NotFound(NO_DOCTOR)


def _require_approved_doctor(account: Account) -> None:
    _require_doctor(account)
    if not account.approved:
        raise Conflict(NOT_APPROVED)
