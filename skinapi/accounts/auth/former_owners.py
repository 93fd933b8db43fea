"""Whose medical record is kept of a deleted account, told by a keyed hash of its address: who
registers anew, and is a doctor or an admin then, reads nothing of the own record.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.platform.storage.number_keys import NumberKeys
from skinapi.platform.storage.unreadable import leaving_out


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerOwners:
    accounts: Accounts
    numbers: NumberKeys

    def hash_identity(self, accounts: Iterable[Account]) -> tuple[str, ...]:
        """What a record keeps of the addresses and the numbers of these accounts of its owner."""
        every = [*accounts]
        hashed = [self._hashes_of(account.email)[0] for account in every]
        return (*hashed, *(account.external for account in every if account.external))

    def list_accounts(self, account: Account) -> list[Account]:
        """List the accounts of a person: this one, and those that were joined to it."""
        with leaving_out():
            return [account, *self.accounts.by_ids({*account.joined}).values()]

    def is_own(self, owner: Account, reader: Account) -> bool:
        """Whether it is the reader's account, or what is kept of a former one."""
        if owner.id == reader.id or not owner.former_identity:
            return owner.id == reader.id
        return any(
            hashed in owner.former_identity
            for account in self.list_accounts(reader)
            for spelling in spellings_of(account.email)
            for hashed in self._hashes_of(spelling)
        )

    def _hashes_of(self, email: str) -> list[str]:
        return self.numbers.hashes_of(f"address\n{email}".encode())
