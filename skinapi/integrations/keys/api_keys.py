"""The stored keys and session keys with their use, and the reasons for refusing one.

A secret is 256 random bits, so its plain SHA-256 is stored; a slow hash would not protect it
better. It begins with the kind of the key, for leak scanners and people.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Literal

from skinapi.base.caller_addresses import parse_address
from skinapi.base.errors import Conflict, Forbidden, Unauthenticated
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.base.subject import Scope
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unreadable import read_others


class InvalidKey(Unauthenticated):
    code, sentence = "invalid_key", "This key is not known, or it has ended"


class ExpiredKey(Unauthenticated):
    code, sentence = "key_expired", "This key has expired. Make a new one"


class KeyFromElsewhere(Forbidden):
    code, sentence = "key_from_elsewhere", "This key may not be used from this address"


class TakesNoKey(Forbidden):
    code = "takes_no_key"
    sentence = "A program's key does not open this. A person must log in"


class KeyLacksScope(Forbidden):
    code, sentence = "key_lacks_scope", "This key lacks the scope that opens this"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"This needs a key with the scope {' or '.join(scopes)}")


class TestKeyStoresNothing(Forbidden):
    __test__ = False  # pytest would collect it as a test
    code = "test_key"
    sentence = "A test key changes nothing, and this would. Use a live key"


class TooManyKeys(Conflict):
    code, sentence = "too_many_keys", "Too many keys. Revoke one that is not used any more"


class MakesNoSessions(Forbidden):
    code = "makes_no_sessions"
    sentence = "This key makes no session keys. Make one that may, and does all that they do"


Kind = Literal["live", "test"]
BEGINNING = "sk_"
SECRET = re.compile(r"sk_(live|test|session)_[A-Za-z0-9_-]{43}")
# How long a revoked key is shown.
SHOWN_REVOKED = timedelta(days=30)


class ApiKey(StoredRecord):
    """It has the rights of `account` on the routes of its `scopes`. With `clinic_wide`, that is a
    program's own account, which may see the findings of every patient; otherwise it is the account
    of the person who made it. `hint` is the end of the secret. It may be used from `addresses`
    (CIDR; anywhere if empty), `quota` times a day, until `ends_at`. `doctor` is the account in
    charge of patients added by a clinic-wide key. With `sessions` it makes session keys. A
    clinic-wide key's program shows findings to the patients of the systems `shows_patients_of`.
    `uses` and `used_at` are delayed by seconds.
    """

    id: str
    created_at: datetime
    hash: str
    hint: str
    name: str
    kind: Kind
    scopes: tuple[Scope, ...]
    account: str
    made_by: str
    clinic_wide: bool = False
    sessions: bool = False
    shows_patients_of: tuple[str, ...] = optional(default=())
    doctor: str | None = None
    ends_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    quota: int | None = None
    uses: int = 0
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.revoked_at is not None or self.expired

    @property
    def expired(self) -> bool:
        return self.ends_at is not None and self.ends_at <= now()

    def takes(self, address: str) -> bool:
        if not self.addresses:
            return True
        caller = parse_address(address)
        return caller is not None and any(
            caller in ip_network(network) for network in self.addresses
        )


class SessionKey(StoredRecord):
    """A short-lived key with one scope, for the browser of the patient `account`. It ends with the
    `key` that made it.
    """

    id: str
    created_at: datetime
    hash: str
    key: str
    account: str
    scope: Scope
    expires_at: datetime


class SessionKeys(Repository[SessionKey]):
    collection, record = "session_keys", SessionKey
    unique = (("hash",),)
    indexes = (("account",),)
    expiry = "expires_at"

    def find_by_secret(self, secret: str) -> SessionKey | None:
        return self._first({"hash": hash_secret(secret)})

    def forget(self, account: str) -> int:
        return self._documents.delete({"account": account})


class ApiKeys(Repository[ApiKey]):
    collection, record = "keys", ApiKey
    unique = (("hash",),)
    indexes = (("account", "id"), ("clinic_wide", "id"))
    expiry = "expires_at"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.sessions = SessionKeys(store)

    def find_by_secret(self, secret: str) -> ApiKey | None:
        return self._first({"hash": hash_secret(secret)})

    def list_of(self, account: str) -> list[ApiKey]:
        return self._list({"account": account})

    def list_clinic_wide(self) -> list[ApiKey]:
        """A damaged key is omitted, so that it cannot disable the others."""
        found = self._documents.find({"clinic_wide": True})
        return [*read_others(self.collection, found, ApiKey.model_validate)]

    def page_all(self, paging: PageRequest) -> Page[ApiKey]:
        return self._page({}, paging)

    def names_of(self, identifiers: set[str]) -> dict[str, str]:
        found = self._list({"id": {"$in": sorted(identifiers)}}) if identifiers else []
        return {key.id: key.name for key in found}

    def revoke(self, key: ApiKey) -> ApiKey:
        moment = now()
        self._change({"id": key.id}, revoked_at=moment, expires_at=moment + SHOWN_REVOKED)
        return key.model_copy(update={"revoked_at": moment})

    def revoke_all(self, account: str) -> None:
        for key in self.list_of(account):
            if not key.revoked_at:
                self.revoke(key)

    def forget(self, account: str) -> int:
        return self._documents.delete({"account": account}) + self.sessions.forget(account)


def new_secret(kind: Literal["live", "test", "session"]) -> str:
    return f"{BEGINNING}{kind}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
