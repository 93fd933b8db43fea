"""The account repository: users, doctors, researchers and admins. E-mail addresses are unique."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Literal

from pydantic import ValidationError

from skinapi.auth.account_search import AccountSearch
from skinapi.auth.emails import spellings_of
from skinapi.auth.errors import ConcurrentChange, EmailTaken
from skinapi.auth.ngrams import LENGTH, NgramIndex
from skinapi.errors import Duplicate, NotFound
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id, now
from skinapi.storage.merging import merged
from skinapi.storage.migration import Chunk
from skinapi.storage.ports import Document, Filter, Store
from skinapi.stored_record import StoredRecord
from skinapi.vision.conditions import LANGUAGES, Language, known_language
from skinapi.web.pagination import Page, page_of

Role = Literal["user", "doctor", "researcher", "admin"]
Status = Literal["waiting", "approved", "suspended", "deleting"]
# That kept photos may teach a model.
TEACHING_CONSENT = "training"
INDEXED_AT_ONCE = 100
EXPIRED_AT_ONCE = 100


class Account(StoredRecord):
    """A frozen copy of one account.

    `revision` is increased by each change, for optimistic concurrency. A new `token_version`
    revokes all tokens of the account. `queue_key` sorts a doctor's patients by how urgently their
    findings need a review. `findings` is how many the account has; None in an account of an earlier
    version until it files or deletes one.
    """

    id: str
    created_at: datetime
    email: str
    name: str
    role: Role = "user"
    status: Status = "waiting"
    password_hash: str
    must_change: bool = False
    initial_password_expires_at: datetime | None = None
    token_version: int = 1
    revision: int = 1
    locale: str = "en"
    consents: Mapping[str, bool] = {}
    doctor_id: str | None = None
    queue_key: str | None = None
    findings: int | None = None

    @property
    def approved(self) -> bool:
        return self.status == "approved"

    @property
    def language(self) -> Language:
        """The language of the account's reports where none is asked for."""
        return known_language(self.locale) or LANGUAGES[0]

    @property
    def may_teach(self) -> bool:
        """Whether the account's kept photos may be in data sets."""
        return self.consents.get(TEACHING_CONSENT, False) and self.status != "deleting"

    @property
    def active_admin(self) -> bool:
        return self.role == "admin" and self.approved


class Accounts:
    """Reads and writes accounts. Raises Duplicate if stored accounts share an e-mail address."""

    def __init__(self, store: Store) -> None:
        self._documents = store.collection("accounts")
        self._documents.ensure_index("email", unique=True)
        self._documents.ensure_index("status", "id")
        self._documents.ensure_index("doctor_id", "id")
        self._documents.ensure_index("doctor_id", "queue_key", "id")
        self._documents.ensure_index("role", "id")
        self._documents.ensure_index("role", "status", "id")
        self._ngrams = NgramIndex(store)
        self._search = AccountSearch(self._documents, self._ngrams)
        self._care_listeners: list[Callable[[str, str | None], None]] = []
        self._added_listeners: list[Callable[[], None]] = []

    def on_care_change(self, follow: Callable[[str, str | None], None]) -> None:
        """Have `follow(account_id, doctor_id)` called in the transaction of each change of an
        account's doctor.
        """
        self._care_listeners.append(follow)

    def on_added(self, listener: Callable[[], None]) -> None:
        """Have `listener()` called after each new account."""
        self._added_listeners.append(listener)

    def add(self, **fields: Any) -> Account:
        """Create an account. Raises EmailTaken."""
        account = Account(**{"id": new_id(), "created_at": now(), **fields})
        first = {"queue_key": key_without_findings(account.id), "findings": 0}
        account = account.model_copy(update=first)
        self._ngrams.add(account.id, search_text(account))
        try:
            self._documents.insert({**account.model_dump(), "schema": 1, **search_fields(account)})
        except Duplicate as error:
            self._ngrams.remove(account.id, search_text(account))
            raise EmailTaken from error
        for listener in self._added_listeners:
            listener()
        return account

    def get(self, identifier: str) -> Account:
        """The account with this id. Raises NotFound."""
        found = self._documents.get(identifier)
        if found is None:
            raise NotFound
        return Account.model_validate(found)

    def by_email(self, email: str) -> Account | None:
        """The account with this address in normal form, or with another spelling of its domain."""
        for spelling in spellings_of(email):
            if found := self._documents.find({"email": spelling}, limit=1):
                return Account.model_validate(found[0])
        return None

    def change(self, account: Account, **fields: Any) -> Account:
        """Set these fields; a field that is None is removed.

        Optimistic concurrency: raises ConcurrentChange if the stored account no longer has the
        revision of `account`.
        """
        removed = {name: True for name, value in fields.items() if value is None}
        updates = {name: value for name, value in fields.items() if value is not None}
        renamed = account.model_copy(update=fields)
        if fields.keys() & {"name", "email"}:
            self._ngrams.add(account.id, search_text(renamed))
            updates |= search_fields(renamed)
        ops = {"$inc": {"revision": 1}, "$set": updates, "$unset": removed}
        changed = self._documents.update(
            {"id": account.id, "revision": account.revision},
            {operator: changes for operator, changes in ops.items() if changes},
        )
        if changed is None:
            if "search" in updates:
                self._withdraw_ngrams(renamed)
            raise ConcurrentChange
        self._ngrams.remove(account.id, search_text(account), but=search_text(renamed))
        if "doctor_id" in fields:
            for follow in self._care_listeners:
                follow(account.id, fields["doctor_id"])
        return Account.model_validate(changed)

    def add_findings(self, account_id: str, more: int) -> Account | None:
        """Count findings that are stored or deleted in the same transaction, which so conflicts
        with others of this account.

        None where the account is deleted or being deleted, or was never counted.
        """
        counted = {
            "id": account_id,
            "status": {"$ne": "deleting"},
            "findings": {"$exists": True},
        }
        changed = self._documents.update(counted, {"$inc": {"findings": more}})
        return Account.model_validate(changed) if changed else None

    def set_queue(self, account_id: str, **fields: Any) -> None:
        """Set `queue_key` or `findings` without a new revision: only the records' package writes
        these fields, so other changes of the account need not fail because of it.
        """
        self._documents.update({"id": account_id}, {"$set": fields})

    def page_in_care(self, doctor_id: str, *, after: str | None, limit: int) -> Page[Account]:
        """This doctor's patients, the one with the most urgent unreviewed finding first.

        `after` is the queue key of the last patient on the previous page.
        """
        wanted: Filter = {"doctor_id": doctor_id}
        if after:
            wanted["queue_key"] = {"$gt": after}
        found = self._documents.find(wanted, sort="queue_key", limit=limit + 1)
        shown = [Account.model_validate(document) for document in found[:limit]]
        return Page(shown, shown[-1].queue_key if len(found) > limit else None)

    def by_ids(self, identifiers: set[str]) -> dict[str, Account]:
        if not identifiers:
            return {}
        found = self.find({"id": {"$in": sorted(identifiers)}})
        return {account.id: account for account in found}

    def count_patients(self, doctors: set[str]) -> dict[str, int]:
        """How many patients each of these doctors has; one who has none is left out."""
        if not doctors:
            return {}
        return self._documents.count_by("doctor_id", {"doctor_id": {"$in": sorted(doctors)}})

    def release_patients(self, doctor_id: str) -> None:
        """End this doctor's care for all patients.

        Concurrent changes of a patient's account are not lost: after a conflict it is read again.
        """
        while patients := self.find({"doctor_id": doctor_id}):
            for patient in patients:
                with suppress(ConcurrentChange):
                    self.change(patient, doctor_id=None)

    def remove(self, account: Account) -> None:
        self._ngrams.remove(account.id, search_text(account))
        self._documents.delete({"id": account.id})

    def emails_of(self, identifiers: set[str]) -> dict[str, str]:
        if not identifiers:
            return {}
        found = self._documents.find({"id": {"$in": sorted(identifiers)}})
        return {document["id"]: document["email"] for document in found}

    def find(self, filter: Filter) -> list[Account]:
        return [Account.model_validate(document) for document in self._documents.find(filter)]

    def page(
        self,
        roles: Iterable[Role],
        *,
        status: Status | None,
        containing: str | None,
        after: str | None,
        limit: int,
    ) -> Page[Account]:
        """Accounts in the order they registered; `containing` searches name and e-mail."""
        wanted: Filter = {"status": status} if status else {}
        filters = [{"role": role, **wanted} for role in roles]
        if containing:
            text = containing.casefold()
            found = self._search.find(filters, text, after=after, limit=limit + 1)
        else:
            # One listing for each role, not one with $in: see `merging`.
            listings = [self._documents.find(f, after=after, limit=limit + 1) for f in filters]
            found = merged(listings, limit=limit + 1)
        return page_of(found, limit).map(Account.model_validate)

    def never_approved(self, *, before: datetime) -> Iterator[Account]:
        """Those that have waited since they registered before this time. Of these an approval that
        was undone is none: that has made another token version.
        """
        after = None
        while found := self._documents.find(
            {"status": "waiting"}, after=after, limit=EXPIRED_AT_ONCE
        ):
            accounts = [Account.model_validate(document) for document in found]
            yield from (a for a in accounts if a.token_version == 1 and a.created_at < before)
            if accounts[-1].created_at >= before:  # ids are in the order of time
                return
            after = accounts[-1].id

    def index_next(self, after: str | None) -> Chunk | None:
        """Make the next accounts behind this id found by the index of names; None where there are
        none. Code before version 3 did not.
        """
        found = self._documents.find(after=after, limit=INDEXED_AT_ONCE)
        if not found:
            return None
        changed = 0
        for document in found:
            if document.get("ngrams") is None:
                with suppress(ValidationError):  # `check` names a damaged account
                    changed += self._index(Account.model_validate(document))
        return Chunk(found[-1]["id"], changed)

    def _index(self, account: Account) -> bool:
        """False where the account is being deleted, or was renamed meanwhile."""
        self._ngrams.add(account.id, search_text(account))
        unchanged = {
            "id": account.id,
            "name": account.name,
            "email": account.email,
            "status": {"$ne": "deleting"},
        }
        if self._documents.update(unchanged, {"$set": search_fields(account)}):
            return True
        self._withdraw_ngrams(account)
        return False

    def _withdraw_ngrams(self, account: Account) -> None:
        """Remove the n-grams added for a change that failed: another name came first, or a deletion
        that may not have seen them.
        """
        self._ngrams.remove(account.id, search_text(account), but=self._text_of(account.id) or "")

    def _text_of(self, account_id: str) -> str | None:
        """The text whose n-grams the account has; None where it is deleted, or is being deleted:
        it loses its n-grams first.
        """
        found = self._documents.get(account_id)
        if found is None or found["status"] == "deleting":
            return None
        return search_text(Account.model_validate(found))

    def faults(self) -> Iterator[Fault]:
        """Yield accounts with an outdated search text or n-grams that are not theirs, and patients
        whose doctor does not exist, is no doctor any more, or who are doctors themselves.
        """
        found = self._documents.find()
        # With those that are half deleted, which may still have theirs; `_text_of` says that they
        # lack none.
        indexed = [one for one in found if "ngrams" in one]
        texts = {one["id"]: search_text(Account.model_validate(one)) for one in indexed}
        doctors = {one["id"] for one in self._documents.find({"role": "doctor"})}
        for document in found:
            account = Account.model_validate(document)
            if document.get("search") != search_text(account):
                message = f"account {account.id} is not found by its name and e-mail"
                yield Fault(message, partial(self._repair, account, name=account.name))
            if account.doctor_id and (account.role == "doctor" or account.doctor_id not in doctors):
                message = f"account {account.id} has an invalid doctor assignment"
                yield Fault(message, partial(self._repair, account, doctor_id=None))
        yield from self._ngrams.faults(texts, self._text_of)

    def _repair(self, account: Account, **fields: Any) -> None:
        """Change the account, unless it has changed since the fault was found: that change may have
        repaired it.
        """
        with suppress(ConcurrentChange):
            self.change(account, **fields)


def key_without_findings(account_id: str) -> str:
    """The queue key of an account without a waiting finding. It sorts after all other keys, and is
    unique.
    """
    return f"9{account_id}"


def search_text(account: Account) -> str:
    """The text that `page` searches."""
    return f"{account.name}\n{account.email}".casefold()


def search_fields(account: Account) -> Document:
    """What each write of a name or an e-mail must write too, after the n-grams of the text."""
    return {"search": search_text(account), "ngrams": LENGTH}
