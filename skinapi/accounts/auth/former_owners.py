"""Whose medical record is kept of a deleted account, told by a keyed hash of its address: who
registers anew, and is a doctor or an admin then, reads nothing of the own record.
"""

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

    def hash_addresses(self, account: Account) -> tuple[str, ...]:
        """What a record keeps of the addresses of this account."""
        emails = self.list_addresses(account)
        # While every key is lost, there is none.
        return tuple(hashed for email in emails for hashed in self._hashes_of(email)[:1])

    def list_addresses(self, account: Account) -> list[str]:
        """List the addresses of a person: also those of the accounts that were joined to it."""
        with leaving_out():
            joined = self.accounts.by_ids({*account.joined}).values()
        return [item.email for item in (account, *joined)]

    def is_own(self, owner: Account, reader: Account) -> bool:
        """Whether it is the reader's account, or what is kept of a former one."""
        if owner.id == reader.id or not owner.former_addresses:
            return owner.id == reader.id
        return any(
            hashed in owner.former_addresses
            for email in self.list_addresses(reader)
            for spelling in spellings_of(email)
            for hashed in self._hashes_of(spelling)
        )

    def require_known(self, owner: Account) -> None:
        """Raises Unavailable while a key is lost, so that nobody knows whose record it is."""
        if owner.former_addresses:
            self.numbers.require_all()

    def _hashes_of(self, email: str) -> list[str]:
        return self.numbers.hashes_of(f"address\n{email}".encode())
