"""Limits wrong passwords without letting an attacker lock the owner out.

Each IP address that has logged in before has its own budget for the account. All others share one,
so many attackers get no more guesses than one. After it, each address has a few guesses for an
initial password only, because a new owner has no known address. Addresses without an account have
budgets too, so the limits do not reveal which accounts exist. Only keyed hashes of addresses are
stored.

Codes of a second factor share one budget for each account, because six digits can be guessed. Each
address has its own budget of recovery codes, so that an attacker with the password cannot block
them.
"""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.errors import TooManyCodes, TooManyGuesses, TooManyRegistrations
from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

WINDOW = timedelta(hours=1)
GUESSES_PER_HOUR = 60
KNOWN_FOR = timedelta(days=90)
FIRST_LOGINS = 5
LINKS_PER_HOUR = 3
TAKEN_PER_HOUR = 20
CODES_PER_HOUR = 10
WARNED_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class GuessAttempt:
    budget: str
    count: int
    most: int
    known: bool = True

    @property
    def last(self) -> bool:
        return self.count == self.most


class GuessLimits:
    def __init__(self, store: Store, *, key: str) -> None:
        self._key = key.encode()
        self._budgets = store.collection("guesses")
        self._budgets.expire_by("expires_at")
        self._known_addresses = store.collection("known_addresses")
        self._known_addresses.ensure_index("account")
        self._known_addresses.expire_by("expires_at")

    def take(self, *, email: str, address: str) -> GuessAttempt:
        """Call it before checking the password: parallel requests would pass a later count."""
        known = self._is_known(email, address)
        budget = self._budget(email, address if known else "")
        count = self._spend(budget, GUESSES_PER_HOUR)
        return GuessAttempt(budget, count, GUESSES_PER_HOUR, known)

    def take_first_login(self, *, email: str, address: str, version: int) -> GuessAttempt:
        """Take a guess at an initial password. A reset changes `version` and so the budget."""
        budget = self._hash("first login", email, address, str(version))
        # A `most` of 0 keeps these out of the audit trail, since strangers have unlimited
        # addresses.
        return GuessAttempt(budget, self._spend(budget, FIRST_LOGINS), 0, known=False)

    def take_link(self, *, email: str, address: str) -> None:
        """Known addresses have a separate budget for password mails."""
        known = self._is_known(email, address)
        self._spend(self._hash("link", email, address if known else ""), LINKS_PER_HOUR)

    def take_registration(self, *, address: str) -> GuessAttempt:
        """Take an answer that reveals an account; return it if there is none. Over the limit, all
        registrations from this address wait, so the limit reveals nothing.
        """
        budget = self._hash("registration", address)
        try:
            return GuessAttempt(budget, self._spend(budget, TAKEN_PER_HOUR), TAKEN_PER_HOUR)
        except TooManyGuesses as error:
            raise TooManyRegistrations(retry_after=error.retry_after) from error

    def take_code(self, account: Account, *, address: str, recovery: bool) -> GuessAttempt:
        """Only a caller with the password gets here."""
        kind = ("recovery", address) if recovery else ("code",)
        budget = self._hash(*kind, account.id, str(account.token_version))
        try:
            return GuessAttempt(budget, self._spend(budget, CODES_PER_HOUR), CODES_PER_HOUR)
        except TooManyGuesses as error:
            raise TooManyCodes(retry_after=error.retry_after) from error

    def take_warning(self, account: Account, *, of: str = "warning") -> bool:
        budget = self._hash(of, account.id, str(account.token_version))
        try:
            return self._spend(budget, 1, window=WARNED_EVERY) == 1
        except TooManyGuesses:
            return False

    def give_back(self, guess: GuessAttempt) -> None:
        self._budgets.update({"id": guess.budget, "wrong": {"$gt": 0}}, {"$inc": {"wrong": -1}})

    def remember(self, account: Account, *, address: str) -> None:
        if not self._is_known(account.email, address):
            key = self._hash("address", account.email, address)
            row = {"id": key, "schema": 1, "created_at": now(), "account": account.id}
            with suppress(Duplicate):  # a concurrent login from this address has stored it
                self._known_addresses.insert({**row, "expires_at": now() + KNOWN_FOR})

    def forget(self, account_id: str) -> int:
        return self._known_addresses.delete({"account": account_id})

    def reset(self, account: Account) -> None:
        self.forget(account.id)
        self._budgets.delete({"id": self._budget(account.email, "")})

    def forget_other_addresses(self, account_id: str, *, email: str, address: str) -> None:
        kept = self._hash("address", email, address)
        self._known_addresses.delete({"account": account_id, "id": {"$ne": kept}})

    def _is_known(self, email: str, address: str) -> bool:
        return self._known_addresses.get(self._hash("address", email, address)) is not None

    def _budget(self, email: str, address: str) -> str:
        return self._hash("budget", email, address)

    def _spend(self, budget: str, most: int, *, window: timedelta = WINDOW) -> int:
        # Try twice: another request may create the budget between the update and the insert.
        for _ in range(2):
            left = {"id": budget, "wrong": {"$lt": most}}
            if spent := self._budgets.update(left, {"$inc": {"wrong": 1}}):
                return int(spent["wrong"])
            first = {"id": budget, "schema": 1, "created_at": now(), "expires_at": now() + window}
            with suppress(Duplicate):
                self._budgets.insert({**first, "wrong": 1})
                return 1
        found = self._budgets.get(budget)
        wait = round((found["expires_at"] - now()).total_seconds()) if found else 1
        raise TooManyGuesses(retry_after=max(1, wait))

    def _hash(self, *parts: str) -> str:
        # A plain hash could be reversed by trying all IPv4 addresses.
        message = "\n".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()
