"""The keys that sign a hash chain of rows: without the server's secret nobody can write one.

A signature is an HMAC-SHA256 (https://www.rfc-editor.org/rfc/rfc2104) of a whole document. The
document names its key, so that rows written under a former secret can still be verified.
"""

import hmac
import json
from collections.abc import Sequence

from skinapi.storage.ports import Document


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
