"""What admins do to accounts. Each change writes two rows to the audit trail; where an account is
as it is wanted already, nothing is written.
"""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from typing import Any, get_args

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts, Role, Status
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.auth.deletion import Eraser
from skinapi.auth.emails import normalise_email
from skinapi.auth.errors import EmailTaken
from skinapi.auth.passwords import Passwords, one_time_password
from skinapi.errors import Conflict, NotFound
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Filter
from skinapi.web.pagination import Page

NO_USER = "User not found"
NO_ACCOUNT = "User/doctor not found"
NO_DOCTOR = "Doctor not found"
NOT_APPROVED = "This doctor's account is not approved; approve it first, or choose another doctor"
SUSPENDED = "This account is suspended, not approved; approving it lifts the suspension"
NON_DOCTOR_ROLES: tuple[Role, ...] = tuple(role for role in get_args(Role) if role != "doctor")
EXISTING_DOCTOR: Filter = {"role": "doctor", "status": {"$ne": "deleting"}}


class AdminService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        active_admins: ActiveAdmins,
        eraser: Eraser,
        passwords: Passwords,
        trail: AuditTrail,
        forget_addresses: Callable[[Account], None],
        initial_password_life: timedelta,
    ) -> None:
        """`forget_addresses(account)` makes the addresses strange that an account logged in
        from, because one of them may be a thief's, and gives strangers their guesses back.
        """
        self._accounts = accounts
        self._active_admins = active_admins
        self._eraser = eraser
        self._passwords = passwords
        self._trail = trail
        self._forget_addresses = forget_addresses
        self._initial_password_life = initial_password_life

    def list_users(
        self,
        *,
        role: Role | None,
        status: Status | None,
        containing: str | None,
        after: str | None,
        limit: int,
    ) -> Page[Account]:
        """A page of all accounts except doctors."""
        roles = (role,) if role else NON_DOCTOR_ROLES
        return self._accounts.page(
            roles, status=status, containing=containing, after=after, limit=limit
        )

    def list_doctors(
        self, *, status: Status | None, containing: str | None, after: str | None, limit: int
    ) -> Page[Account]:
        return self._accounts.page(
            ("doctor",), status=status, containing=containing, after=after, limit=limit
        )

    def count_patients(self, doctors: set[str]) -> dict[str, int]:
        return self._accounts.count_patients(doctors)

    def emails_of(self, identifiers: set[str]) -> dict[str, str]:
        return self._accounts.emails_of(identifiers)

    def approve_account(self, *, email: str, role: Role | None, by: str) -> tuple[Account, str]:
        """Approve an account; with role "doctor", also make a user a doctor. Never demotes.

        Returns the account and a message about what was done. Raises NotFound, ConcurrentChange.
        """
        account = self._account_by_email(email, NO_ACCOUNT)

        def decide(current: Account) -> dict[str, Any]:
            promoted = role == "doctor" and current.role == "user"
            return {"status": "approved", "role": "doctor" if promoted else current.role}

        changed = account
        if not _has(account, decide(account)):
            approved = self._trail.act("account.approve", by=by, target=account.id)
            becomes_doctor = role == "doctor" and account.role == "user"
            new_role = self._trail.act("account.role_doctor", by=by, target=account.id)
            with approved, new_role if becomes_doctor else nullcontext():
                changed = self._active_admins.change(account.id, decide)
        if changed.role == "doctor" and account.role != "doctor":
            return changed, f"User {changed.email} promoted to doctor and approved."
        if changed.role == "doctor":
            return changed, f"Doctor {changed.email} approved."
        return changed, f"User {changed.email} approved as {changed.role}."

    def unapprove_account(self, *, email: str, by: str) -> Account:
        """Undo an approval: the account waits again, and its tokens are revoked. Nothing changes
        where it waits already.

        Raises NotFound, LastAdmin, ConcurrentChange, and Conflict for a suspended account: another
        admin may have suspended it since the approval, and waiting would hide that.
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
        with self._trail.act("account.unapprove", by=by, target=account.id):
            return self._active_admins.change(account.id, decide)

    def set_role(self, *, email: str, role: Role, by: str) -> Account:
        """Set any role. Raises NotFound, LastAdmin, ConcurrentChange."""
        account = self._account_by_email(email, NO_ACCOUNT)
        if account.role == role:
            return account
        with self._trail.act(f"account.role_{role}", by=by, target=account.id):
            return self._active_admins.change(account.id, lambda _: {"role": role})

    def suspend_account(self, *, email: str, by: str) -> Account:
        """Suspend an account and revoke its tokens. Approving it again lifts the suspension.

        Raises NotFound, LastAdmin, ConcurrentChange.
        """
        account = self._account_by_email(email, NO_ACCOUNT)
        if account.status == "suspended":
            return account
        with self._trail.act("account.suspend", by=by, target=account.id):
            changed = self._active_admins.change(
                account.id,
                lambda current: {
                    "status": "suspended",
                    "token_version": current.token_version + 1,
                },
            )
            self._forget_addresses(account)
        return changed

    def delete_user(self, *, email: str, by: str) -> None:
        """Delete an account and all its data.

        Raises LastAdmin, ConcurrentChange, and NotFound if there is no account or it is a doctor's.
        """
        account = self._account_by_email(email, NO_USER)
        if account.role == "doctor":  # doctors have their own route
            raise NotFound(NO_USER)
        self._delete(account, by)

    def delete_doctor(self, *, email: str, by: str) -> None:
        self._delete(self._doctor_by_email(email), by)

    def add_doctor(self, *, name: str, email: str, password: str, by: str) -> Account:
        """Add an approved doctor, who must first replace this password. Raises EmailTaken."""
        taken = self._accounts.by_email(email)
        if taken:
            raise EmailTaken("Doctor already exists" if taken.role == "doctor" else None)
        identifier = new_id()  # made here: the intent in the audit trail comes before the account
        fields = self._initial_password_fields(password)
        with self._trail.act("doctor.add", by=by, target=identifier):
            return self._accounts.add(
                id=identifier, name=name, email=email, role="doctor", status="approved", **fields
            )

    def reset_password(self, *, email: str, by: str) -> tuple[str, datetime]:
        """Set a one-time password and revoke all tokens of the account.

        Returns the password and when it expires. Raises NotFound, ConcurrentChange.
        """
        account = self._account_by_email(email, NO_ACCOUNT)
        password = one_time_password()
        fields = self._initial_password_fields(password)
        with self._trail.act("account.reset_password", by=by, target=account.id):
            self._accounts.change(account, token_version=account.token_version + 1, **fields)
            self._forget_addresses(account)
        return password, fields["initial_password_expires_at"]

    def assign_doctor(self, *, email: str, doctor: str | None, by: str) -> None:
        """Put a patient in the care of an approved doctor, or end the care if `doctor` is None.

        Raises NotFound, ConcurrentChange, and Conflict if the doctor is not approved.
        """
        patient = self._account_by_email(email, NO_USER)
        if patient.role == "doctor" and doctor:
            raise NotFound(NO_USER)
        doctor_id = self._approved_doctor_by_email(doctor).id if doctor else None
        if patient.doctor_id == doctor_id:
            return
        assigned = self._trail.act("account.assign", by=by, target=patient.id)
        # A row names one account, so that the doctor has a second row, with the same request id.
        in_charge = self._trail.act("doctor.assign", by=by, target=doctor_id) if doctor_id else None
        with assigned, in_charge or nullcontext():
            self._accounts.change(patient, doctor_id=doctor_id)
            # The doctor may have been demoted or deleted in the meantime, before this patient was
            # among the patients to release.
            if doctor_id and not self._accounts.find({"id": doctor_id, **EXISTING_DOCTOR}):
                self._accounts.release_patients(doctor_id)
                raise NotFound(NO_DOCTOR)

    def read_trail(
        self, *, action: str | None, account: str | None, after: str | None, limit: int
    ) -> Page[Document]:
        """A page of rows, newest first; `signed` says of each whether its signature is right."""
        page = self._trail.page(action=action, account=account, after=after, limit=limit)
        return page.map(lambda row: {**row, "signed": self._trail.is_signed(row)})

    def ensure_admin(self, *, email: str, password: str | None) -> tuple[Account, str | None]:
        """Make the account with this address an active admin; create it if there is none.

        Returns the account, and a one-time password if one was made. An account that was not an
        active admin gets a new password and loses its sessions, because anybody may have registered
        the address before. An active admin keeps the password unless another one is given. If
        several processes call this at the same time, one of them makes the password.
        """
        account = self._accounts.by_email(email)
        if account is None:
            with suppress(EmailTaken):
                return self._add_admin(email, password)
            account = self._account_by_email(email, NO_ACCOUNT)
        if password and account.active_admin and self._is_own_password(account, password):
            password = None
        # After a crash an active admin can be missing on the list; `_make_admin` then adds it.
        if password is None and account.active_admin and account.id in self._active_admins.ids():
            return account, None
        return self._make_admin(account, password)

    def _add_admin(self, email: str, password: str | None) -> tuple[Account, str | None]:
        identifier = new_id()
        one_time = None if password else one_time_password()
        fields = (
            self._password_fields(password)
            if password
            else self._initial_password_fields(one_time or "")
        )
        with self._trail.act("account.role_admin", by="system", target=identifier):
            added = self._accounts.add(
                id=identifier, email=email, name="Admin", role="admin", status="approved", **fields
            )
            # Changes no field, but puts the account on the list of active admins.
            self._active_admins.change(added.id, lambda _: {})
        return added, one_time

    def _make_admin(self, account: Account, password: str | None) -> tuple[Account, str | None]:
        """Change role, status and password in one write, so that no token is ever valid for only
        some of them.
        """
        one_time = None if password else one_time_password()
        fields = (
            self._password_fields(password)
            if password
            else self._initial_password_fields(one_time or "")
        )

        def decide(current: Account) -> dict[str, Any]:
            if current.active_admin and not password:  # already one, or made by another process
                return {}
            return {
                "must_change": False,
                **fields,
                "role": "admin",
                "status": "approved",
                "token_version": current.token_version + 1,
            }

        with self._trail.act("account.role_admin", by="system", target=account.id):
            changed = self._active_admins.change(account.id, decide)
            self._forget_addresses(account)
        # If another process made the admin, its password is the valid one, not this one.
        return changed, one_time if changed.password_hash == fields["password_hash"] else None

    def has_admin(self) -> bool:
        return bool(self._active_admins.active_admins())

    def _delete(self, account: Account, by: str) -> None:
        with self._trail.act("account.delete", by=by, target=account.id):
            self._eraser.erase(account)

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
            account = self._accounts.by_email(normalise_email(email))
        except ValueError:
            account = None
        if account is None:
            raise NotFound(sentence)
        return account

    def _doctor_by_email(self, email: str) -> Account:
        account = self._account_by_email(email, NO_DOCTOR)
        if account.role != "doctor":
            raise NotFound(NO_DOCTOR)
        return account

    def _approved_doctor_by_email(self, email: str) -> Account:
        doctor = self._doctor_by_email(email)
        if not doctor.approved:
            raise Conflict(NOT_APPROVED)
        return doctor


def _has(account: Account, fields: dict[str, Any]) -> bool:
    return all(getattr(account, name) == value for name, value in fields.items())
