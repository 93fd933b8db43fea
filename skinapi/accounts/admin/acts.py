"""What admins did to accounts lately: whom it changed, from which state to which, so that it can be
taken back as it was before.
"""

from datetime import datetime, timedelta

from skinapi.accounts.auth.account import Account, Refusal, Status, WantedRole
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import Role
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.records import Repository

KEPT_FOR = timedelta(days=1)


class AccountState(StoredRecord):
    """What an act of an admin may change."""

    role: Role
    status: Status
    wanted_role: WantedRole | None = None
    refused: bool | None = None
    refused_at: datetime | None = None
    refusal: Refusal | None = None
    doctor_id: str | None = None
    patients_rest: bool | None = None


class ActStep(StoredRecord):
    """What the `act` of an admin (`by`) has changed of one account. `action` is as in the audit
    trail.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    act: str
    by: str
    account: str
    action: str
    before: AccountState
    after: AccountState
    undone_at: datetime | None = None


class Acts(Repository[ActStep]):
    collection, record = "account_acts", ActStep
    indexes = (("act", "id"), ("account", "undone_at", "id"))
    expiry = "expires_at"

    def note(
        self, action: str, *, by: str, before: Account, after: Account, act: str | None = None
    ) -> str | None:
        """Call it in the transaction of the change. The result is the act, a new one unless it is
        given; None where nothing has changed.
        """
        states = AccountState.from_record(before), AccountState.from_record(after)
        if states[0] == states[1]:
            return None
        moment = now()
        step = ActStep(
            id=new_id(),
            created_at=moment,
            expires_at=moment + KEPT_FOR,
            act=act or new_id(),
            by=by,
            account=before.id,
            action=action,
            before=states[0],
            after=states[1],
        )
        return self.insert(step).act

    def list_steps(self, act: str, *, by: str) -> list[ActStep]:
        """List the steps of an act; none of an act of another admin, nor of one that is over."""
        moment = now()
        steps = self._list({"act": act})
        return [step for step in steps if step.by == by and step.expires_at > moment]

    def is_newest(self, step: ActStep) -> bool:
        """Whether no later act, that still stands, has changed its account."""
        newest = self._first({"account": step.account, "undone_at": None}, sort="-id")
        return newest is not None and newest.id == step.id

    def mark_undone(self, step: ActStep) -> None:
        self._change({"id": step.id}, undone_at=now())

    def forget(self, account: str) -> None:
        self._documents.delete({"account": account})
