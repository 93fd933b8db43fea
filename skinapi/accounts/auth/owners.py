"""The job worker uses this module, so it imports nothing of the web. Use is stored only with
RETAIN_ACCOUNTS_DAYS, with the precision of a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.errors import InvalidToken
from skinapi.base.values import Value
from skinapi.platform.jobs.job import PERSON_FILE, Job
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Filter, Ops, Store

RESEARCHERS = ("researcher", "admin")
# The owner of data that a client of the lab sends without a token. Such data is kept.
NOBODY = "open-lab"
NO_ACCOUNT: Document = {"status": "approved", "role": "researcher"}


def owner_of(sender: Subject | None) -> str:
    return sender.id if sender else NOBODY


class OwnerStatus:
    def __init__(self, store: Store) -> None:
        self._accounts = store.collection("accounts")
        self._counters = store.collection("counters")

    def stays(self, owner: str) -> bool:
        return self._find(owner) is not None

    def may_research(self, owner: str) -> bool:
        account = self._find(owner)
        return (
            account is not None
            and account["status"] == "approved"
            and account["role"] in RESEARCHERS
        )

    def may_go_on(self, job: Job) -> bool:
        """Approved accounts may also run the job that makes their own file."""
        if job.kind == PERSON_FILE:
            account = self._find(job.owner)
            return account is not None and account["status"] == "approved"
        return self.may_research(job.owner)

    def lock(self, owner: str) -> None:
        """Conflict with a deletion of the account, and with others that count its data."""
        held = {"$inc": {"holds": 1}}
        if owner == NOBODY:
            self._counters.update({"id": NOBODY}, held, upsert=True)
        elif self._accounts.update({"id": owner, "status": {"$ne": "closed"}}, held) is None:
            raise InvalidToken

    def _find(self, owner: str) -> Document | None:
        return NO_ACCOUNT if owner == NOBODY else self._accounts.get(owner)


FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
PATIENTS: Filter = {
    "role": "user",
    "status": {"$in": ["approved", "suspended"]},
    "keep": None,
}


@dataclass(frozen=True, slots=True)
class Unused:
    id: str
    seen_at: datetime
    warned_at: datetime | None


class KeptAccount(Value):
    """An account that an admin keeps, and why."""

    id: str
    email: str
    reason: str = Field(validation_alias="keep")


class AccountUses:
    def __init__(self, store: Store, *, stored: bool) -> None:
        self.stored = stored
        self._documents = store.collection("accounts")
        self._documents.ensure_index("role", "seen_at", "id")
        self._documents.ensure_index("keep", "id")

    def note(self, account_id: str) -> None:
        if not self.stored:
            return
        used: Filter = {"id": account_id, "role": "user"}
        midnight = _midnight()
        for earlier in ({"seen_at": None}, {"seen_at": {"$lt": midnight}}):
            seen: Ops = {"$set": {"seen_at": midnight}, "$unset": {"warned_at": True}}
            if self._documents.update({**used, **earlier}, seen):
                return

    def on_finding(self, event: Any) -> None:
        self.note(event.finding.owner)

    def note_seen(self, account: Account) -> None:
        if self.stored and account.role == "user":
            seen = account.seen_at
            if seen is None or not timedelta() <= now() - seen < timedelta(days=1):
                self.note(account.id)

    def begin_for_new(self) -> None:
        """Start the period today for accounts without a date."""
        seen: Ops = {"$set": {"seen_at": _midnight()}}
        self._documents.update_all({"role": "user", "seen_at": None}, seen)

    def forget(self) -> None:
        known: Filter = {"role": "user", "seen_at": {"$gt": FIRST_TIME}}
        gone: Ops = {"$unset": {"seen_at": True, "warned_at": True}}
        self._documents.update_all(known, gone)

    def set_warned(self, account_id: str, *, at: datetime) -> None:
        self._documents.update({"id": account_id}, {"$set": {"warned_at": at}})

    def walk_unused(self, *, before: datetime) -> Iterator[Unused]:
        """The caller may delete them."""
        within: Filter = {"$gt": FIRST_TIME, "$lt": before}
        while day := self._documents.find(
            {"role": "user", "seen_at": within}, sort="seen_at", limit=1, fields=("seen_at",)
        ):
            seen_at = day[0]["seen_at"]
            of_day: Filter = {**PATIENTS, "seen_at": seen_at}
            for found in walk_by_id(self._documents, of_day, fields=("warned_at",)):
                yield Unused(found["id"], seen_at, found.get("warned_at"))
            within = {"$gt": seen_at, "$lt": before}

    def list_kept(self) -> list[KeptAccount]:
        kept = self._documents.find({"keep": {"$gt": ""}}, sort="keep", fields=("email", "keep"))
        return [KeptAccount.model_validate(account) for account in kept]


def _midnight() -> datetime:
    return now().replace(hour=0, minute=0, second=0, microsecond=0)
