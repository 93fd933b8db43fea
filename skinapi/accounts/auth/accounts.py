from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Unpack

from pydantic import ValidationError

from skinapi.accounts.auth.account import Account, AccountFields, Status
from skinapi.accounts.auth.account_search import find_by_beginning, find_patients, search_fields
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.errors import LastAdmin
from skinapi.accounts.auth.events import (
    ApprovalChanged,
    DoctorChanged,
    DoctorReturned,
)
from skinapi.accounts.auth.moved_accounts import MovedAccounts
from skinapi.base.errors import (
    BrokenStore,
    Conflict,
    Duplicate,
    NotFound,
    RecordDamaged,
    TooManyFound,
)
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.base.subject import Role
from skinapi.platform.storage.documents import merged, walk_by_id, walk_values
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.ports import Document, Filter, Ops, Store, set_or_remove
from skinapi.platform.storage.records import Repository, changes_between, in_transaction
from skinapi.platform.storage.unit_of_work import AuditRow, Unit

ERASED_AT_ONCE = 1_500
MOST_PATIENTS_FOUND = 1000
# The number of patients named in one audit row.
NAMED_AT_ONCE = 50
ACTIVE_ADMIN: Filter = {"role": "admin", "status": "approved"}
LOCAL_ADMIN: Filter = {**ACTIVE_ADMIN, "password_hash": {"$ne": ""}}
CLOSED = "This account is closed. Open it first"
NO_LOG_IN = "Nobody can log in to this account: it is a program's, or a patient's of another system"
TAKEN_TWICE = (
    "The accounts {} and {} share one e-mail address: restore a backup, or give one of them another"
    " address in the store"
)
# The fields of a closed account that can still be changed.
OF_CLOSED = frozenset({"doctor_id", "keep"})


class Accounts(Repository[Account]):
    """Raises BrokenStore when opened if stored accounts share an e-mail address."""

    collection, record = "accounts", Account
    indexes = (
        ("status", "id"),
        ("erase_at", "id"),
        ("doctor_id", "id"),
        ("doctor_id", "search", "id"),
        ("doctor_id", "family", "id"),
        ("doctor_id", "email", "id"),
        ("role", "id"),
        ("role", "status", "id"),
        ("role", "doctor_id", "id"),
        ("role", "search", "id"),
        ("role", "family", "id"),
        ("role", "email", "id"),
    )
    unique = (("email",), ("external",), ("identity",))

    def __init__(self, store: Store) -> None:
        try:
            super().__init__(store)
        except Duplicate as error:
            raise BrokenStore(TAKEN_TWICE.format(*_sharing_an_email(store))) from error
        self.moved = MovedAccounts(store)

    def add(self, **fields: Unpack[AccountFields]) -> Account:
        return self.insert(self.draft(**fields))

    @staticmethod
    def draft(**fields: Unpack[AccountFields]) -> Account:
        made = AccountFields(**{"id": new_id(), **fields})
        return Account(**made, created_at=now())

    @in_transaction
    def insert(self, account: Account, /, **more: Any) -> Account:
        if account.active_admin:
            self._keep_an_admin(account, stays=True)
        found_by = search_fields(account.name, account.email)
        return super().insert(account, **found_by, **more)

    def find_by_email(self, email: str) -> Account | None:
        """Expects a normalised `email`, and also finds other spellings of its domain."""
        accounts = (self._first({"email": spelling}) for spelling in spellings_of(email))
        return next(filter(None, accounts), None)

    def find_active_doctor(self, email: str) -> Account | None:
        """Return None also for a damaged account, because such a doctor cannot log in."""
        with suppress(RecordDamaged):
            found = self.find_by_email(email)
            return found if found and found.active_doctor else None
        return None

    def find_external(self, external: str) -> Account | None:
        """Return the account that has the spots now, if they were moved."""
        found = self._first({"external": external})
        if found and found.status != "closed":
            return found
        moved = self.moved.find_by_number(external)
        return (moved and self.find(moved.account)) or found

    def find_by_identity(self, identity: str) -> Account | None:
        return self._first({"identity": identity})

    def change(self, unit: Unit, account: Account, **fields: Unpack[AccountFields]) -> Account:
        """The account must have been read in this transaction. None removes a field. A doctor who
        loses the role or access stays the `doctor_id` of the patients (`list_inactive_doctors`).
        """
        changed = {name for name, value in fields.items() if value != getattr(account, name)}
        opens = fields.get("status") == "approved"
        if account.status == "closed" and not opens and changed - OF_CLOSED:
            raise Conflict(CLOSED)
        wanted = account.model_copy(update={**fields})
        if wanted.status != "refused":
            wanted = wanted.model_copy(update={"refusal": None})
        if opens:
            wanted = wanted.model_copy(update={"erase_at": None})
        if opens and account.status == "closed" and not account.can_log_in:
            # The consents ended with the closing, and nobody could give them again.
            wanted = wanted.model_copy(update={"consents": {}})
        if wanted == account:
            return account
        if not account.can_log_in and (
            wanted.role != account.role or wanted.password_hash != account.password_hash
        ):
            raise Conflict(NO_LOG_IN)
        if (wanted.active_admin, wanted.local_admin) != (account.active_admin, account.local_admin):
            self._keep_an_admin(account, stays=wanted.local_admin)
        self._write(account, wanted)
        self._publish(unit, account, wanted)
        return wanted

    def _publish(self, unit: Unit, account: Account, wanted: Account) -> None:
        if wanted.doctor_id != account.doctor_id:
            unit.publish(DoctorChanged(account.id, wanted.doctor_id))
        if account.active_doctor != wanted.active_doctor:
            self._note_patients(unit, wanted)
        if account.approved != wanted.approved:
            unit.publish(ApprovalChanged(account.id))

    def _write(self, account: Account, wanted: Account) -> None:
        changed = changes_between(account, wanted)
        if changed.keys() & {"name", "email"}:
            changed |= search_fields(wanted.name, wanted.email)
        self._documents.update({"id": account.id}, set_or_remove(changed))

    def list_active_admins(self) -> list[str]:
        return self._list_ids(ACTIVE_ADMIN)

    def is_last_admin(self, account: Account) -> bool:
        """Only accounts with a password count."""
        local = self._documents.find(LOCAL_ADMIN, fields=())
        return account.local_admin and not {found["id"] for found in local} - {account.id}

    def _keep_an_admin(self, account: Account, *, stays: bool) -> None:
        """Lock all active admins, so that concurrent changes of them conflict."""
        if not stays and self.is_last_admin(account):
            raise LastAdmin
        self._documents.update_all(ACTIVE_ADMIN, {"$inc": {"holds": 1}})

    def lock(self, account_id: str) -> Account:
        """Read the account and lock it: a concurrent change conflicts with this transaction."""
        if account := self.lock_all({account_id}).get(account_id):
            return account
        raise NotFound

    def lock_all(self, identifiers: set[str]) -> dict[str, Account]:
        """Leave out missing and damaged accounts."""
        locking: Ops = {"$inc": {"holds": 1}}
        held = (self._documents.update({"id": each}, locking) for each in sorted(identifiers))
        return {account.id: account for account in self._read_each(filter(None, held))}

    def page_of_doctor(self, doctor_id: str | None, paging: PageRequest) -> Page[Account]:
        wanted: Filter = {"doctor_id": doctor_id} if doctor_id else {"role": "user"}
        return self._page(wanted, paging)

    def search_patients(self, doctor_id: str, beginning: str) -> list[Account]:
        documents = find_patients(self._documents, doctor_id, beginning, most=MOST_PATIENTS_FOUND)
        if len(documents) > MOST_PATIENTS_FOUND:
            raise TooManyFound
        return self._read_each(documents)

    def by_ids(self, identifiers: set[str]) -> dict[str, Account]:
        if not identifiers:
            return {}
        accounts = self.list_where({"id": {"$in": sorted(identifiers)}})
        return {account.id: account for account in accounts}

    def find_by_id(self, identifier: str | None) -> Account | None:
        """In a request that only reads, a damaged account also returns None."""
        return self.by_ids({identifier}).get(identifier) if identifier else None

    def find_patient(self, identifier: str) -> Account | None:
        """Return the account that has the spots now, if they were moved."""
        found = self.find_by_id(identifier)
        if found and found.status != "closed":
            return found
        moved = self.moved.find(identifier)
        return (moved and self.find_by_id(moved.account)) or found

    def find_stored(self, identifiers: set[str]) -> list[Document]:
        wanted: Filter = {"id": {"$in": sorted(identifiers)}}
        return self._documents.find(wanted) if identifiers else []

    def count_patients(self, doctors: set[str]) -> dict[str, int]:
        if not doctors:
            return {}
        return self._documents.count_by("doctor_id", {"doctor_id": {"$in": sorted(doctors)}})

    def list_inactive_doctors(self) -> list[str]:
        active = {*self.list_active_doctors()}
        assigned = walk_values(self._documents, "doctor_id")
        return [doctor for doctor in assigned if doctor not in active]

    def list_patients(self, doctor_id: str) -> list[str]:
        return self._list_ids({"doctor_id": doctor_id})

    def has_active_doctor(self) -> bool:
        active = {"role": "doctor", "status": "approved"}
        return bool(self._documents.find(active, limit=1, fields=()))

    def list_active_doctors(self) -> list[str]:
        stored = self._documents.find({"role": "doctor", "status": "approved"})
        return [doctor["id"] for doctor in stored if _is_readable(doctor)]

    def _note_patients(self, unit: Unit, doctor: Account) -> None:
        ids = self.list_patients(doctor.id)
        back = doctor.active_doctor
        by = unit.named.by if unit.named else "system"
        count = f"{len(ids)} patient{'s' if len(ids) > 1 else ''}"
        for start in range(0, len(ids), NAMED_AT_ONCE):
            detail = f"{count}: {' '.join(ids[start : start + NAMED_AT_ONCE])}"
            action = "doctor.return" if back else "doctor.rest"
            unit.record(AuditRow(action, by=by, target=doctor.id, detail=detail))
        if back:
            unit.publish(DoctorReturned(doctor.id))

    def remove(self, unit: Unit, account: Account) -> None:
        """Start an erasure. From now on, nobody finds the account."""
        self._documents.delete({"id": account.id})
        if account.active_doctor:
            self._note_patients(unit, account.model_copy(update={"status": "closed"}))

    def list_due(self, *, at: datetime) -> list[str]:
        due = self._documents.find(
            {"erase_at": {"$lte": at}}, sort="erase_at", limit=ERASED_AT_ONCE, fields=()
        )
        return [document["id"] for document in due]

    def delay_erasures(self, until: datetime) -> int:
        """Return how many erasures were postponed."""
        return self._documents.update_all(
            {"erase_at": {"$lt": until}}, {"$set": {"erase_at": until}}
        )

    def set_erase_at(self, account_id: str, erase_at: datetime) -> None:
        self._change({"id": account_id, "status": "closed"}, erase_at=erase_at)

    def _list_ids(self, filter: Filter) -> list[str]:
        return [document["id"] for document in self._documents.find(filter, fields=())]

    def list_where(self, filter: Filter) -> list[Account]:
        return self._list(filter)

    def page_accounts(
        self,
        roles: Iterable[Role],
        *,
        status: Status | None,
        beginning: str | None,
        paging: PageRequest,
    ) -> Page[Account]:
        """Closed accounts are listed only by that status, and a system's account only after its key
        is revoked, so a page may be short.
        """
        wanted: Filter = {"status": status} if status else {}
        page = self._page_each([{"role": role, **wanted} for role in roles], beginning, paging)
        listed = [item for item in page.items if status or item.status != "closed"]
        return Page(listed, page.next_after)

    def page_unassigned(
        self, roles: Iterable[Role], *, beginning: str | None, paging: PageRequest
    ) -> Page[Account]:
        doctors: list[str | None] = [None, *self.list_inactive_doctors()]
        filters: list[Filter] = [
            {"role": role, "doctor_id": doctor} for role in roles for doctor in doctors
        ]
        return self._page_each(filters, beginning, paging)

    def _page_each(
        self, filters: Sequence[Filter], beginning: str | None, paging: PageRequest
    ) -> Page[Account]:
        if beginning:
            found = find_by_beginning(self._documents, filters, beginning, paging)
        else:
            # One query for each filter instead of $in: see `merging`.
            most = paging.limit + 1
            find = self._documents.find
            listings = [find(item, after=paging.after, limit=most) for item in filters]
            found = merged(listings, limit=most)
        page = page_of(found, paging)
        listed = self._read_each(page.items)
        shown = [item for item in listed if not (item.machine and item.approved)]
        return Page(shown, page.next_after)

    def count_waiting(self, *, most: int) -> int:
        return len(self._documents.find({"status": "waiting"}, limit=most, fields=()))

    def walk_unapproved(self, *, before: datetime) -> Iterator[Document]:
        for status in ("waiting", "refused"):
            for document in walk_by_id(self._documents, {"status": status}):
                yield document
                if made_at(document["id"]) >= before:
                    break


def _is_readable(stored: Document) -> bool:
    try:
        Account.model_validate(stored)
    except ValidationError:
        return False
    return True


def _sharing_an_email(store: Store) -> tuple[str, str]:
    first = dict[str, str]()
    for account in store.collection("accounts").find(fields=("email",)):
        email = str(account.get("email", account["id"]))
        if first.setdefault(email, account["id"]) != account["id"]:
            return first[email], account["id"]
    raise AssertionError("a unique index refused what is unique")
