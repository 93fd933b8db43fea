"""The accounts: users, doctors, researchers and admins alike, one e-mail each."""

from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from skinapi.errors import Duplicate, EmailTaken, NotFound, Stale
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Filter, Store
from skinapi.storage.words import literal
from skinapi.web.pagination import Page, page_of

Role = Literal["user", "doctor", "researcher", "admin"]
Status = Literal["waiting", "approved", "suspended", "deleting"]


class Account(BaseModel):
    """A frozen copy of one account. `revision` counts its changes, `token_version` its keys."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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
    consents: dict[str, bool] = {}
    doctor_id: str | None = None

    @property
    def approved(self) -> bool:
        return self.status == "approved"

    @property
    def active_admin(self) -> bool:
        return self.role == "admin" and self.approved


class Accounts:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("accounts")
        self._documents.ensure_index("email", unique=True)
        self._documents.ensure_index("status")
        self._documents.ensure_index("doctor_id")

    def add(self, **fields: Any) -> Account:
        """Raises EmailTaken."""
        account = Account(**{"id": new_id(), "created_at": now(), **fields})
        try:
            self._documents.insert({**account.model_dump(), "schema": 1, **_search(account)})
        except Duplicate as error:
            raise EmailTaken from error
        return account

    def get(self, identifier: str) -> Account:
        """Raises NotFound."""
        found = self._documents.get(identifier)
        if found is None:
            raise NotFound
        return Account.model_validate(found)

    def by_email(self, email: str) -> Account | None:
        found = self._documents.find({"email": email}, limit=1)
        return Account.model_validate(found[0]) if found else None

    def change(self, account: Account, **fields: Any) -> Account:
        """Compare-and-set on the revision that was read. Raises Stale when it is another now."""
        gone = {name: True for name, value in fields.items() if value is None}
        kept = {name: value for name, value in fields.items() if value is not None}
        ops = {"$inc": {"revision": 1}, "$set": kept, "$unset": gone}
        changed = self._documents.update(
            {"id": account.id, "revision": account.revision},
            {word: changes for word, changes in ops.items() if changes},
        )
        if changed is None:
            raise Stale
        return Account.model_validate(changed)

    def release_patients(self, doctor_id: str) -> None:
        """Nobody is in this doctor's care then; another change of a patient stays."""
        while patients := self.find({"doctor_id": doctor_id}):
            for patient in patients:
                with suppress(Stale):
                    self.change(patient, doctor_id=None)

    def remove(self, account: Account) -> None:
        self._documents.delete({"id": account.id})

    def emails_of(self, identifiers: set[str]) -> dict[str, str]:
        if not identifiers:
            return {}
        found = self._documents.find({"id": {"$in": sorted(identifiers)}})
        return {document["id"]: document["email"] for document in found}

    def find(self, filter: Filter) -> list[Account]:
        return [Account.model_validate(document) for document in self._documents.find(filter)]

    def page(
        self, filter: Filter, *, containing: str | None, after: str | None, limit: int
    ) -> Page[Account]:
        """Accounts in the order they registered; `containing` looks in name and e-mail."""
        wanted = {**filter, "search": literal(containing.casefold())} if containing else filter
        found = self._documents.find(wanted, after=after, limit=limit + 1)
        return page_of(found, limit).map(Account.model_validate)


def _search(account: Account) -> dict[str, str]:
    return {"search": f"{account.name}\n{account.email}".casefold()}
