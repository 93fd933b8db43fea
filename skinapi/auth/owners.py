"""Whether the owner of what is stored still has an account.

Apart from `accounts`, because the job worker asks too, and it imports nothing of the web.
"""

from collections.abc import Callable

from skinapi.jobs.job import OPEN_LAB
from skinapi.storage.ports import Store

OwnerStays = Callable[[str], bool]
RESEARCHERS = ("researcher", "admin")


def owner_stays(store: Store) -> OwnerStays:
    """A function that tells whether data of this owner may be kept: its account is there, and is
    not being deleted.

    Whoever stores data for an owner asks after the write, and takes it back where the answer is no:
    a deletion that began before could not see it. What DermaScan lab's client sends (OPEN_LAB)
    belongs to no account, and stays.
    """
    accounts = store.collection("accounts")

    def stays(owner: str) -> bool:
        if owner == OPEN_LAB:
            return True
        found = accounts.get(owner)
        return found is not None and found["status"] != "deleting"

    return stays


def may_research(store: Store) -> Callable[[str], bool]:
    """A function that tells whether jobs of this owner may go on: its account is approved, and has
    a role that starts jobs.
    """
    accounts = store.collection("accounts")

    def may(owner: str) -> bool:
        if owner == OPEN_LAB:
            return True
        found = accounts.get(owner)
        return found is not None and found["status"] == "approved" and found["role"] in RESEARCHERS

    return may
