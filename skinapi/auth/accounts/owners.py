"""Whether the owner of what is stored still has an account.

Apart from `accounts`, because the job worker asks too, and it imports nothing of the web.
"""

from collections.abc import Callable

from skinapi.errors import InvalidToken
from skinapi.jobs.job import DERMASCAN_LAB_OWNER
from skinapi.storage.ports import Store

OwnerStays = Callable[[str], bool]
HoldOwner = Callable[[str], None]
RESEARCHERS = ("researcher", "admin")


def owner_stays(store: Store) -> OwnerStays:
    """A function that tells whether data of this owner may be kept: its account is there, and is
    not being deleted. What DermaScan lab's client sends without a token belongs to no account, and
    stays.
    """
    accounts = store.collection("accounts")

    def stays(owner: str) -> bool:
        if owner == DERMASCAN_LAB_OWNER:
            return True
        found = accounts.get(owner)
        return found is not None and found["status"] != "deleting"

    return stays


def hold_owner(store: Store) -> HoldOwner:
    """A function for the transaction that stores data of an owner. It raises InvalidToken where the
    account is gone, or is being deleted.

    It changes the account, so that of this transaction and a deletion at the same time one runs
    again; and so do two that store data of one owner, as where both count what is kept.
    """
    accounts, counters = store.collection("accounts"), store.collection("counters")

    def hold(owner: str) -> None:
        held = {"$inc": {"holds": 1}}
        if owner == DERMASCAN_LAB_OWNER:
            counters.update({"id": DERMASCAN_LAB_OWNER}, held, upsert=True)
        elif accounts.update({"id": owner, "status": {"$ne": "deleting"}}, held) is None:
            raise InvalidToken

    return hold


def may_research(store: Store) -> Callable[[str], bool]:
    """A function that tells whether jobs of this owner may go on: its account is approved, and has
    a role that starts jobs.
    """
    accounts = store.collection("accounts")

    def may(owner: str) -> bool:
        if owner == DERMASCAN_LAB_OWNER:
            return True
        found = accounts.get(owner)
        return found is not None and found["status"] == "approved" and found["role"] in RESEARCHERS

    return may
