"""What is stored of keys, and of the session keys that a server makes for its browsers with one.

A secret is 256 random bits, so nobody guesses it, and its plain SHA-256 is stored; a slow hash, as
of passwords, would protect nothing more. It begins with the kind of the key, which leak scanners
and people recognise.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Literal

from skinapi.base.caller_addresses import parse_address
from skinapi.base.pages import Page
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import Scope
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Ops, Store
from skinapi.platform.storage.records import Records

Kind = Literal["live", "test"]
BEGINNING = "sk_"
SECRET = re.compile(r"sk_(live|test|session)_[A-Za-z0-9_-]{43}")
HINT_SIGNS = 4
# A revoked key is shown for so long.
SHOWN_REVOKED = timedelta(days=30)


class ApiKey(StoredRecord):
    """A frozen copy of one key.

    It has the rights of `account`, on the routes of its `scopes`: of the person who made it, or
    with `clinic_wide` of a program's own account, and then it may see the findings of every
    patient. `hint` is the end of the secret, by which its owner knows it again. It may be used from
    `addresses` (networks in CIDR form; anywhere without), `quota` times in a day, until
    `ends_at`. `doctor` is the account in charge of the patients whom a clinic-wide key adds. With
    `sessions` a server makes session keys with it. `uses` and `used_at` are
    written once a minute.
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
    doctor: str | None = None
    ends_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    quota: int | None = None
    uses: int = 0
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether it opens nothing any more."""
        return self.revoked_at is not None or self.expired

    @property
    def expired(self) -> bool:
        return self.ends_at is not None and self.ends_at <= now()

    def takes(self, address: str) -> bool:
        """Whether it may be used from this address."""
        if not self.addresses:
            return True
        caller = parse_address(address)
        return caller is not None and any(caller in ip_network(one) for one in self.addresses)


class SessionKey(StoredRecord):
    """A key for the browser of one patient, `account`: with one scope, for minutes. It ends with
    the `key` that made it.
    """

    id: str
    created_at: datetime
    hash: str
    key: str
    account: str
    scope: Scope
    expires_at: datetime


class SessionKeys(Records[SessionKey]):
    collection, record = "session_keys", SessionKey
    unique = (("hash",),)
    indexes = (("account",),)
    expiry = "expires_at"

    def find_by_secret(self, secret: str) -> SessionKey | None:
        return self._first({"hash": hash_secret(secret)})

    def forget(self, account: str) -> None:
        self._documents.delete({"account": account})


class ApiKeys(Records[ApiKey]):
    """The repository of keys. Whether one opens anything is decided by `KeyAuthorizer`."""

    collection, record = "keys", ApiKey
    unique = (("hash",),)
    indexes = (("account", "id"),)
    expiry = "expires_at"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.sessions = SessionKeys(store)

    def find_by_secret(self, secret: str) -> ApiKey | None:
        return self._first({"hash": hash_secret(secret)})

    def list_of(self, account: str) -> list[ApiKey]:
        """The keys of this account, the oldest first."""
        return self._list({"account": account})

    def page_all(self, *, after: str | None, limit: int) -> Page[ApiKey]:
        return self._page({}, after=after, limit=limit)

    def revoke(self, key: ApiKey) -> ApiKey:
        """As the caller's transaction has read it."""
        moment = now()
        self._change({"id": key.id}, revoked_at=moment, expires_at=moment + SHOWN_REVOKED)
        return key.model_copy(update={"revoked_at": moment})

    def revoke_all(self, account: str) -> None:
        """Those of an account, and with them the session keys that they have made."""
        for key in self.list_of(account):
            if not key.revoked_at:
                self.revoke(key)

    def add_uses(self, identifier: str, count: int, used_at: datetime) -> None:
        """Of a key that is still there."""
        used: Ops = {"$inc": {"uses": count}, "$set": {"used_at": used_at}}
        self._documents.update({"id": identifier}, used)

    def forget(self, account: str) -> None:
        """Delete all keys of an account, and those for its browsers. Idempotent."""
        self._documents.delete({"account": account})
        self.sessions.forget(account)


def new_secret(kind: Literal["live", "test", "session"]) -> str:
    return f"{BEGINNING}{kind}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def hint_of(secret: str) -> str:
    return secret[-HINT_SIGNS:]


def count_live(keys: Sequence[ApiKey]) -> int:
    return sum(not key.ended for key in keys)
