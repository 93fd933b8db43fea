"""What a store is: the version of its data, and the key of the servers that share it.

One document holds both. Whoever opens the store first writes it, before any other document; a store
of earlier code has none, and counts as version 1.
"""

import hmac
import json
from collections.abc import Sequence
from contextlib import suppress

from skinapi.errors import Duplicate, StoreTooNew, StoreTooOld, UnsafeSettings
from skinapi.logs import log
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store

# The keys that sign a hash chain of rows: without the server's secret nobody can write one.
#
# A signature is an HMAC-SHA256 (https://www.rfc-editor.org/rfc/rfc2104) of a whole document. The
# document names its key, so that rows written under a former secret can still be verified.


class SigningKeys:
    """Keys made from secrets, the newest first: it signs, the others only verify."""

    def __init__(self, secrets: Sequence[str], *, purpose: str) -> None:
        # One key for each purpose: a signature of one kind is worth nothing as another.
        made = [hmac.digest(each.encode(), purpose.encode(), "sha256") for each in secrets]
        self._keys = {hmac.digest(key, b"name", "sha256").hex()[:8]: key for key in made}
        self.names = list(self._keys)

    @property
    def current(self) -> str:
        """The name of the key that signs."""
        return self.names[0]

    def age(self, document: Document) -> int | None:
        """0 if the document names the newest key, 1 for the one before; None for an unknown key."""
        name = document.get("key")
        return self.names.index(name) if name in self.names else None

    def sign(self, document: Document) -> str:
        """The signature of a document that names a known key."""
        # A field that is None is not stored, so it must not change the signature.
        facts = {name: value for name, value in document.items() if value is not None}
        canonical = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
        message = canonical.encode("utf-8", "surrogatepass")
        return hmac.digest(self._keys[document["key"]], message, "sha256").hex()

    def signed(self, document: Document, *, field: str) -> bool:
        """Whether the signature in this field is that of the rest of the document."""
        if self.age(document) is None:
            return False
        rest = {name: value for name, value in document.items() if name != field}
        return hmac.compare_digest(self.sign(rest).encode(), str(document.get(field)).encode())


# Raise it where stored data changes, also by a field that is only added.
VERSION = 9
# The oldest version of the code that can work on a store of this version, and beside this code.
# That of 8 reads copies of decisions, which 9 does not write: beside it, what a doctor has decided
# would be missing.
COMPATIBLE_SINCE = 9
# The oldest version of a store that this code reads: that of release 1.0.0.
READS_SINCE = 6
STORE_COLLECTION = "store"
NUMBERS = ("version", "compatible_since")  # they only grow
PURPOSE = "skinapi store"
OTHER_KEY = (
    "JWT_SECRET_KEY is not the key of this store, which all its servers share. To change the key, "
    "stop all servers and start them with the old one first in FORMER_JWT_SECRET_KEYS. If it is "
    "lost: `python -m skinapi accept-key`"
)


def join_store(store: Store, *, secrets: Sequence[str], change: bool = True) -> None:
    """Make sure that this code and this key may work on the store, before anything is written.

    `secrets` are the server's, the newest first. A store with the key of a former one takes the
    newest; without `change`, nothing is written. Raises StoreTooNew, StoreTooOld,
    StoreUnavailable, and UnsafeSettings for another key.
    """
    documents = store.collection(STORE_COLLECTION)
    keys = SigningKeys(secrets, purpose=PURPOSE)
    ours = {"version": VERSION, "compatible_since": COMPATIBLE_SINCE, "key": keys.current}
    while True:
        stored = documents.get(STORE_COLLECTION)
        if stored is None:
            accounts = store.collection("accounts").find(limit=1, fields=())
            # Read again: another server may have written it, and then an account, in between.
            if accounts and documents.get(STORE_COLLECTION) is None:
                _refuse_other({"version": 1})
            if not change:
                return
            with suppress(Duplicate):
                documents.insert({**ours, "id": STORE_COLLECTION, "schema": 1, "created_at": now()})
                log.info("store", version=VERSION)
            continue
        _refuse_other(stored)
        if keys.age(stored) is None:
            raise UnsafeSettings(OTHER_KEY)
        wanted = {**ours, **{name: max(stored[name], ours[name]) for name in NUMBERS}}
        kept = {name: stored[name] for name in wanted}
        if kept == wanted or not change:
            return
        # Another process may have changed it meanwhile; then it is read again.
        if documents.update({"id": STORE_COLLECTION, **kept}, {"$set": wanted}):
            log.info("store", version=wanted["version"])


def accept_key(store: Store, *, secrets: Sequence[str]) -> None:
    """Make the newest secret the key of the store, whatever its key was. Raises StoreTooNew,
    StoreTooOld.
    """
    documents = store.collection(STORE_COLLECTION)
    keys = SigningKeys(secrets, purpose=PURPOSE)
    if stored := documents.get(STORE_COLLECTION):
        _refuse_other(stored)
        documents.update({"id": STORE_COLLECTION}, {"$set": {"key": keys.current}})


def _refuse_other(stored: Document) -> None:
    """A version that this code cannot work on."""
    if stored["version"] < READS_SINCE:
        raise StoreTooOld(
            f"The store has version {stored['version']}; this code reads version "
            f"{READS_SINCE} or newer. Run older code on it first: "
            "docs/operate/upgrade.md names it, and says for how long"
        )
    if stored["version"] <= VERSION:
        return
    if stored["compatible_since"] > VERSION:
        raise StoreTooNew(
            f"The store has version {stored['version']}, which code of version "
            f"{stored['compatible_since']} or newer can read; this code has version {VERSION}. "
            "Install the newer code again, or restore the backup from before the upgrade"
        )
    log.warning("store_newer", version=stored["version"], code=VERSION)
