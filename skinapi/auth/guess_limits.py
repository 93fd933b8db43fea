"""Wrong passwords, slowed by account and by address, and nobody shut out by somebody else's.

An address from which an account was opened before has a budget of its own for it; all other
addresses of the world share one. So a crowd of strangers gets no further than one of them, and
what they waste is not the owner's. Accounts that do not exist have budgets too. What is kept is
keyed hashes: no address and no e-mail can be read from them.
"""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from skinapi.auth.errors import TooManyGuesses
from skinapi.errors import Duplicate
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

WINDOW = timedelta(hours=1)
REMEMBERED = timedelta(days=90)


@dataclass(frozen=True)
class GuessAttempt:
    """One place in a budget; `last` where it was the last one."""

    budget: str
    address: str
    known: bool
    last: bool


class GuessLimits:
    def __init__(self, store: Store, *, key: str, most: int) -> None:
        self._key = key.encode()
        self._most = most
        self._budgets = store.collection("guesses")
        self._budgets.expire_by("expires_at")
        self._known = store.collection("known_addresses")
        self._known.ensure_index("account")
        self._known.expire_by("expires_at")

    def take(self, *, email: str, address: str) -> GuessAttempt:
        """Before the password is looked at, so that no crowd gets more. Raises TooManyGuesses."""
        place = self._hash("address", email, address)
        known = self._known.get(place) is not None
        budget = self._hash("budget", email, address if known else "")
        return GuessAttempt(budget, place, known, last=self._spend(budget) == self._most)

    def give_back(self, guess: GuessAttempt, *, account_id: str) -> None:
        """The password was right: nothing is spent, and the address is known from now on."""
        self._budgets.update({"id": guess.budget, "wrong": {"$gt": 0}}, {"$inc": {"wrong": -1}})
        if not guess.known:
            self._remember(guess.address, account_id)

    def forget(self, account_id: str) -> None:
        self._known.delete({"account": account_id})

    def _spend(self, budget: str) -> int:
        for _ in range(2):
            left = {"id": budget, "wrong": {"$lt": self._most}}
            spent = self._budgets.update(left, {"$inc": {"wrong": 1}})
            if spent:
                return int(spent["wrong"])
            try:
                self._budgets.insert(
                    {
                        "id": budget,
                        "schema": 1,
                        "created_at": now(),
                        "expires_at": now() + WINDOW,
                        "wrong": 1,
                    }
                )
            except Duplicate:
                continue
            return 1
        raise TooManyGuesses(retry_after=self._wait(budget))

    def _wait(self, budget: str) -> int:
        found = self._budgets.get(budget)
        return max(1, round((found["expires_at"] - now()).total_seconds())) if found else 1

    def _remember(self, place: str, account_id: str) -> None:
        row = {"id": place, "schema": 1, "created_at": now(), "account": account_id}
        with suppress(Duplicate):  # another login from there was faster
            self._known.insert({**row, "expires_at": now() + REMEMBERED})

    def _hash(self, *parts: str) -> str:
        said = "\n".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, said, "sha256").hex()
