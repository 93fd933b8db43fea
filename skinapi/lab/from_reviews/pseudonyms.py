"""Names for patients and findings in data sets that do not lead back to the account.

They are keyed hashes (HMAC). The key is in the store, made when it is first needed, and does not
follow `JWT_SECRET_KEY`: after a change of the secret a patient would get another name, and could
then be in the training part of one version and in the test part of the next.
"""

import hashlib
import hmac
import secrets
from contextlib import suppress

from skinapi.errors import Duplicate
from skinapi.storage.ids import now
from skinapi.storage.ports import Document, Store

KEY = "datasets"
KEY_BYTES = 32
# 96 bits: of a million names, two are equal with a chance of one in 10^17.
DIGITS = 24


class Pseudonyms:
    """Gives each id of a kind the same name each time; nobody without the key can tell whose."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, identifier: str) -> str:
        named = f"{kind}:{identifier}".encode()
        return hmac.new(self._key, named, hashlib.sha256).hexdigest()[:DIGITS]


def open_pseudonyms(store: Store) -> Pseudonyms:
    """Read the key of this store; the first caller makes it."""
    keys = store.collection("pseudonym_keys")
    stored = keys.get(KEY)
    if stored is None:
        key = secrets.token_hex(KEY_BYTES)
        made: Document = {"id": KEY, "schema": 1, "created_at": now(), "key": key}
        with suppress(Duplicate):  # another process made it at this moment
            keys.insert(made)
        stored = keys.get(KEY) or made
    return Pseudonyms(bytes.fromhex(stored["key"]))
