"""What a store is: the version of its data, and the key of the servers that share it."""

import hmac
import json
from collections.abc import Sequence
from contextlib import suppress

from skinapi.base.errors import (
    Duplicate,
    StoreTooNew,
    StoreTooOld,
    StoreUnavailable,
    UnsafeSettings,
)
from skinapi.base.logs import log
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store

# Raise it where the code before could not read what this one stores, or would store what this one
# cannot read. A field that is only added needs no new version: code leaves out what it does not
# know.
VERSION = 11
# Of a store of release 1.0.0, and of one of the commits before version 11. The first server makes
# them stores of this version: app/composition/migration.py.
RELEASED, BEFORE = 6, 10
STORE_COLLECTION = "store"
# Release 1.0.0 reads `compatible_since`, and refuses a store that is not compatible with it.
CURRENT = {"version": VERSION, "compatible_since": VERSION}
PURPOSE = "skinapi store"
OTHER_KEY = (
    "JWT_SECRET_KEY is not the key of this store, which all its servers share. To change the key, "
    "stop all servers and start them with the old one first in FORMER_JWT_SECRET_KEYS. If it is "
    "lost: `python -m skinapi accept-key`"
)
MIGRATING = (
    "The store is of an older version. A server of this version migrates it when it starts, and "
    "nothing else can use it until then: docs/operate/upgrade.md"
)


class SigningKeys:
    """Keys made from secrets, the newest first: it signs, the others only verify. A signature is an
    HMAC-SHA256 of a whole document, which names its key. https://www.rfc-editor.org/rfc/rfc2104
    """

    def __init__(self, secrets: Sequence[str], *, purpose: str) -> None:
        # One key for each purpose: a signature of one kind is worth nothing as another.
        made = [hmac.digest(each.encode(), purpose.encode(), "sha256") for each in secrets]
        self._keys = {hmac.digest(key, b"name", "sha256").hex()[:8]: key for key in made}
        self.names = list(self._keys)

        self.current = self.names[0]  # it signs

    def age(self, document: Document) -> int | None:
        """0 for the newest key, 1 for the one before; None for an unknown one."""
        name = document.get("key")
        return self.names.index(name) if name in self.names else None

    def sign(self, document: Document) -> str:
        # A field that is None is not stored, so it must not change the signature.
        facts = {name: value for name, value in document.items() if value is not None}
        canonical = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
        message = canonical.encode("utf-8", "surrogatepass")
        return hmac.digest(self._keys[document["key"]], message, "sha256").hex()

    def signed(self, document: Document, *, field: str) -> bool:
        """Whether this field holds the signature of the rest of the document."""
        if self.age(document) is None:
            return False
        rest = {name: value for name, value in document.items() if name != field}
        return hmac.compare_digest(self.sign(rest).encode(), str(document.get(field)).encode())


def join_store(store: Store, *, secrets: Sequence[str], change: bool = True) -> None:
    """Refuse another version or key first; without `change`, write nothing."""
    documents = store.collection(STORE_COLLECTION)
    keys = SigningKeys(secrets, purpose=PURPOSE)
    while True:
        stored = documents.get(STORE_COLLECTION)
        if stored is None:
            accounts = store.collection("accounts").find(limit=1, fields=())
            # Read again: another server may have written it, and then an account, in between.
            if accounts and documents.get(STORE_COLLECTION) is None:
                _refuse_other({"version": 1})
            if not change:
                return
            ours = {**CURRENT, "key": keys.current}
            with suppress(Duplicate):
                documents.insert({**ours, "id": STORE_COLLECTION, "schema": 1, "created_at": now()})
                log.info("store", version=VERSION)
            continue
        _refuse_other(stored)
        if _is_older(stored):
            raise StoreUnavailable(MIGRATING)
        if keys.age(stored) is None:
            raise UnsafeSettings(OTHER_KEY)
        if stored["key"] == keys.current or not change:
            return
        # Another process may have changed it meanwhile; then it is read again.
        former = {"id": STORE_COLLECTION, "key": stored["key"]}
        documents.update(former, {"$set": {"key": keys.current}})


def is_older(store: Store) -> bool:
    """Whether it is a store to be migrated, also one whose migration has not come to its end."""
    stored = store.collection(STORE_COLLECTION).get(STORE_COLLECTION)
    return stored is not None and _is_older(stored)


def _is_older(stored: Document) -> bool:
    return stored["version"] in (RELEASED, BEFORE) or "migrating" in stored


def begin_migration(store: Store, *, secrets: Sequence[str]) -> int:
    """Keep everybody else from opening the store. Return the version that it had."""
    documents = store.collection(STORE_COLLECTION)
    stored = documents.get(STORE_COLLECTION) or {}
    if SigningKeys(secrets, purpose=PURPOSE).age(stored) is None:
        raise UnsafeSettings(OTHER_KEY)
    former: int = stored["migrating"] if "migrating" in stored else stored["version"]
    documents.update({"id": STORE_COLLECTION}, {"$set": {**CURRENT, "migrating": former}})
    return former


def end_migration(store: Store) -> None:
    store.collection(STORE_COLLECTION).update(
        {"id": STORE_COLLECTION}, {"$unset": {"migrating": True}}
    )
    log.info("store", version=VERSION)


def accept_key(store: Store, *, secrets: Sequence[str]) -> None:
    """Make the newest secret the key of the store, whatever its key was."""
    documents = store.collection(STORE_COLLECTION)
    keys = SigningKeys(secrets, purpose=PURPOSE)
    if stored := documents.get(STORE_COLLECTION):
        _refuse_other(stored)
        documents.update({"id": STORE_COLLECTION}, {"$set": {"key": keys.current}})


def _refuse_other(stored: Document) -> None:
    if stored["version"] > VERSION:
        raise StoreTooNew(
            f"The store has version {stored['version']}; this code has version {VERSION}. "
            "Install the newer code again, or restore the backup from before the upgrade"
        )
    if stored["version"] not in (RELEASED, BEFORE, VERSION):
        raise StoreTooOld(
            f"The store has version {stored['version']}; this code reads version {VERSION}, and "
            f"migrates versions {BEFORE} and {RELEASED}, that of release 1.0.0. Run older code on "
            "it first: docs/operate/upgrade.md names it, and says for how long"
        )
