"""Whether the owner of what is stored still has an account.

Apart from `accounts`, because the job worker asks too, and it imports nothing of the web.
"""

from skinapi.base.errors import InvalidToken
from skinapi.platform.jobs.job import DERMASCAN_LAB_OWNER, PERSON_FILE, Job
from skinapi.platform.storage.ports import Document, Store

RESEARCHERS = ("researcher", "admin")
# What DermaScan lab's client sends without a token belongs to no account, and stays.
NO_ACCOUNT: Document = {"status": "approved", "role": "researcher"}


class OwnerStatus:
    def __init__(self, store: Store) -> None:
        self._accounts = store.collection("accounts")
        self._counters = store.collection("counters")

    def stays(self, owner: str) -> bool:
        """Whether data of this owner may be kept: its account is there, not being deleted."""
        account = self._find(owner)
        return account is not None and account["status"] != "deleting"

    def may_research(self, owner: str) -> bool:
        """Whether jobs of the lab of this owner may go on: its account is approved, and has a role
        that starts such jobs.
        """
        account = self._find(owner)
        return (
            account is not None
            and account["status"] == "approved"
            and account["role"] in RESEARCHERS
        )

    def may_go_on(self, job: Job) -> bool:
        """Whether this job may. Every approved account may have its own file made."""
        if job.kind == PERSON_FILE:
            account = self._find(job.owner)
            return account is not None and account["status"] == "approved"
        return self.may_research(job.owner)

    def hold(self, owner: str) -> None:
        """For the transaction that stores data of an owner. Raises InvalidToken where the account
        is gone, or is being deleted.

        It changes the account, so that of this transaction and a deletion at the same time one runs
        again; and so do two that store data of one owner, as where both count what is kept.
        """
        held = {"$inc": {"holds": 1}}
        if owner == DERMASCAN_LAB_OWNER:
            self._counters.update({"id": DERMASCAN_LAB_OWNER}, held, upsert=True)
        elif self._accounts.update({"id": owner, "status": {"$ne": "deleting"}}, held) is None:
            raise InvalidToken

    def _find(self, owner: str) -> Document | None:
        return NO_ACCOUNT if owner == DERMASCAN_LAB_OWNER else self._accounts.get(owner)
