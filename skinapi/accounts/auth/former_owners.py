"""Whose medical record is kept of a deleted account, told by a keyed hash of its address: who
registers anew, and is a doctor or an admin then, reads nothing of the own record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.platform.storage.number_keys import NumberKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerOwners:
    numbers: NumberKeys

    def hash_addresses(self, accounts: Iterable[Account]) -> tuple[str, ...]:
        """What a record keeps of the addresses of these accounts, which were one person's."""
        emails = [account.email for account in accounts if account.can_log_in]
        # While every key is lost, there is none.
        return tuple(hashed for email in emails for hashed in self._hashes_of(email)[:1])

    def is_own(self, owner: Account, reader: Account) -> bool:
        """Whether it is the reader's account, or what is kept of a former one."""
        if owner.id == reader.id or not owner.former_addresses:
            return owner.id == reader.id
        hashes = (self._hashes_of(spelling) for spelling in spellings_of(reader.email))
        return not frozenset(owner.former_addresses).isdisjoint(chain.from_iterable(hashes))

    def _hashes_of(self, email: str) -> list[str]:
        return self.numbers.hashes_of(f"address\n{email}".encode())
