"""Deletes an account for its owner, who gives the password again, and a code of a second factor."""

from dataclasses import dataclass

from skinapi.auth.account_deletion import Eraser
from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.errors import DoctorHasPatients, LastAdmin
from skinapi.auth.passwords import ClientInfo
from skinapi.auth.second_factor import SecondFactorService
from skinapi.storage.unit_of_work import Unit, UnitOfWork, atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDeletionService:
    """Deletes an account for its owner, as `Eraser` does for an admin."""

    work: UnitOfWork
    accounts: Accounts
    eraser: Eraser
    second_factor: SecondFactorService

    def delete_own(
        self,
        *,
        account_id: str,
        session_id: str,
        password: str,
        code: str | None,
        caller: ClientInfo,
    ) -> None:
        """Delete the account and all its data. `code` is of the second factor, where there is one.

        Raises the errors of `verify_owner`, CodeRequired, WrongCode, TooManyCodes; LastAdmin
        and DoctorHasPatients, before a code is used up.
        """
        account = self.accounts.get(account_id)
        self.second_factor.verify_owner(account, password, caller, session_id=session_id)
        self._refuse_needed(account)
        self.second_factor.verify(account, code, caller)
        self._begin(account_id)
        self.eraser.finish(account_id)

    @atomic
    def _begin(self, unit: Unit, account_id: str) -> None:
        account = self.accounts.get(account_id)
        self._refuse_needed(account)
        self.eraser.begin(unit, account, by=account_id, action="account.delete_own")

    def _refuse_needed(self, account: Account) -> None:
        """Raises LastAdmin, DoctorHasPatients."""
        if self.accounts.is_last_admin(account):
            raise LastAdmin
        if account.role == "doctor" and self.accounts.count_patients({account.id}):
            raise DoctorHasPatients
