import hmac
import json
from collections.abc import Sequence
from contextlib import suppress

from skinapi.base.errors import (
    BrokenStore,
    Duplicate,
    StoreTooNew,
    StoreTooOld,
    StoreUnavailable,
    Unavailable,
    UnsafeSettings,
)
from skinapi.base.logs import log
from skinapi.base.settings.value_checks import ODD_KEY, is_odd_key
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.number_key import NumberKey, unwrap, wrap
from skinapi.platform.storage.ports import Document, Store, set_or_remove

# Raise it where the code before could not read what this one stores, or would store what this one
# cannot read. A field that is only added needs no new version: code leaves out what it does not
# know.
VERSION = 13
# Of a store of release 2.0.0, which the first server migrates: app/migration.
FORMER = 12
STORE_COLLECTION = "store"
PURPOSE = "skinapi store"
OTHER_KEY = (
    "JWT_SECRET_KEY is not the key of this store, which all its servers share. Start with the "
    "former one. To change it, stop all servers and put the former one first into "
    "FORMER_JWT_SECRET_KEYS. If it is lost: docs/operate/configure.md#change-jwt_secret_key"
)
CHANGED_KEY = (
    "Another server of this store has a newer JWT_SECRET_KEY. Start this one anew with that, and "
    "with its own first in FORMER_JWT_SECRET_KEYS"
)
DAMAGED_NUMBER_KEY = (
    "The key of the patients' numbers in this store is damaged, and without it each patient of "
    "another system would get a second account: restore a backup"
)
ONLY_FILES = (
    "The store has files (photos, PDFs, models) but no records: its database is missing, and no "
    "empty one takes its place. Put the database back, or restore a backup into another place: "
    "docs/operate/outages.md#a-lost-database"
)
NOT_READY = "Start this store with 2.0.0 again: its migration to 2.0.0 has not ended"
MIGRATING = (
    "The store is of an older version. A server of this version migrates it when it starts, and "
    "nothing else can use it until then: docs/operate/upgrade.md"
)


class SigningKeys:
    """Keys derived from secrets: the newest signs, the others only verify. A signature is an
    HMAC-SHA256 of a whole document, which names its key. https://www.rfc-editor.org/rfc/rfc2104
    """

    def __init__(self, secrets: Sequence[str], *, purpose: str) -> None:
        # One key for each purpose: a signature of one kind is worth nothing as another.
        made = [hmac.digest(each.encode(), purpose.encode(), "sha256") for each in secrets]
        named = [hmac.digest(key, b"name", "sha256").hex()[:8] for key in made]
        self._keys = dict(zip(named, made, strict=True))
        self.secrets = dict(zip(named, secrets, strict=True))
        self.names = list(self._keys)

        self.current = self.names[0]  # it signs

    def age(self, document: Document) -> int | None:
        name = document.get("key")
        return self.names.index(name) if name in self.names else None

    def sign(self, document: Document) -> str:
        # A field that is None is not stored, so it must not change the signature.
        facts = {name: value for name, value in document.items() if value is not None}
        canonical = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
        message = canonical.encode("utf-8", "surrogatepass")
        return hmac.digest(self._keys[document["key"]], message, "sha256").hex()

    def signed(self, document: Document, *, field: str) -> bool:
        if self.age(document) is None:
            return False
        rest = {name: value for name, value in document.items() if name != field}
        return hmac.compare_digest(self.sign(rest).encode(), str(document.get(field)).encode())


def join_store(store: Store, *, secrets: Sequence[str], change: bool = True) -> NumberKey:
    """Refuse a store of another version or key. Without `change`, nothing is written. The key of
    patients' numbers is read only once, so a server that still runs with an older secret finds the
    same patients.
    """
    documents = store.collection(STORE_COLLECTION)
    keys = SigningKeys(secrets, purpose=PURPOSE)
    while True:
        stored = documents.get(STORE_COLLECTION)
        if stored is None:
            accounts = store.collection("accounts").find(limit=1, fields=())
            # Read again: another server may have written it, and then an account, meanwhile.
            if accounts and documents.get(STORE_COLLECTION) is None:
                _refuse_other({"version": 1})
            if any(store.blobs.keys()):
                raise BrokenStore(ONLY_FILES)
            if change and is_odd_key(secrets[0]):
                raise UnsafeSettings(ODD_KEY)
            made = NumberKey.make()
            if not change:
                return made
            ours = {"version": VERSION, "key": keys.current, "number_key": wrap(made, secrets[0])}
            with suppress(Duplicate):
                documents.insert({**ours, "id": STORE_COLLECTION, "schema": 1, "created_at": now()})
                log.info("store", version=VERSION)
            continue
        _refuse_other(stored)
        if _is_older(stored):
            raise StoreUnavailable(MIGRATING)
        if keys.age(stored) is None:
            raise UnsafeSettings(OTHER_KEY)
        number_key = unwrap(stored["number_key"], keys.secrets[stored["key"]])
        if number_key is None:
            raise UnsafeSettings(DAMAGED_NUMBER_KEY)
        if stored["key"] == keys.current or not change:
            return number_key
        # Another process may have changed it meanwhile; then it is read again.
        former = {"id": STORE_COLLECTION, "key": stored["key"]}
        ours = {"key": keys.current, "number_key": wrap(number_key, secrets[0])}
        documents.update(former, {"$set": ours})


def refuse_former_key(store: Store, *, secrets: Sequence[str]) -> None:
    """Raise Unavailable once another server has begun to use a newer secret, because neither
    accepts the tokens and audit rows of the other.
    """
    stored = store.collection(STORE_COLLECTION).get(STORE_COLLECTION)
    if stored and stored["key"] != SigningKeys(secrets, purpose=PURPOSE).current:
        raise Unavailable(CHANGED_KEY)


def is_older(store: Store) -> bool:
    stored = store.collection(STORE_COLLECTION).get(STORE_COLLECTION)
    return stored is not None and _is_older(stored)


def _is_older(stored: Document) -> bool:
    return stored["version"] == FORMER or "migrating" in stored


def begin_migration(store: Store, *, secrets: Sequence[str], number_key: Document) -> None:
    """Keep all other processes from opening the store, including those of the previous release.
    Of its keys of patients' numbers, keep this one.
    """
    documents = store.collection(STORE_COLLECTION)
    stored = documents.get(STORE_COLLECTION) or {}
    if SigningKeys(secrets, purpose=PURPOSE).age(stored) is None:
        raise UnsafeSettings(OTHER_KEY)
    if stored["version"] == FORMER:
        if "migrating" in stored:
            raise UnsafeSettings(NOT_READY)
        begun = {"migrating": True, "number_key": number_key, "number_keys": None}
        change = set_or_remove({"version": VERSION, **begun})
        documents.update({"id": STORE_COLLECTION, "version": FORMER}, change)


def end_migration(store: Store) -> None:
    store.collection(STORE_COLLECTION).update(
        {"id": STORE_COLLECTION}, {"$unset": {"migrating": True}}
    )
    log.info("store", version=VERSION)


def accept_key(store: Store, *, secrets: Sequence[str]) -> None:
    """Make the newest secret the key of a store whose own is lost. No number of another system
    finds its patient any more: the key of the numbers is lost with the secret.
    """
    documents = store.collection(STORE_COLLECTION)
    keys = SigningKeys(secrets, purpose=PURPOSE)
    stored = documents.get(STORE_COLLECTION)
    if stored is None or keys.age(stored) is not None:  # nothing is lost
        return
    _refuse_other(stored)
    if _is_older(stored):
        raise UnsafeSettings(MIGRATING)
    change = {"key": keys.current, "number_key": wrap(NumberKey.make(), secrets[0])}
    documents.update({"id": STORE_COLLECTION}, {"$set": change})


def _refuse_other(stored: Document) -> None:
    if stored["version"] > VERSION:
        raise StoreTooNew(
            f"The store has version {stored['version']}; this code has version {VERSION}. "
            "Install the newer code again, or restore the backup from before the upgrade"
        )
    if stored["version"] < FORMER:
        raise StoreTooOld(
            f"The store has version {stored['version']}, and this code migrates version {FORMER} "
            "alone, that of release 2.0.0. Upgrade to 2.0.0 first: docs/operate/upgrade.md"
        )
