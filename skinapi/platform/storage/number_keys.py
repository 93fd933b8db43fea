"""The key that hashes the numbers by which other systems know patients and orders.

It is created once and never changes, so that a number always finds its patient. It is stored
encrypted (AES-GCM) with a key derived from JWT_SECRET_KEY; a change of that only encrypts it again.
"""

import base64
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from skinapi.platform.storage.ports import Document

KEY_BYTES, NONCE_BYTES = 32, 12  # https://csrc.nist.gov/pubs/sp/800/38/d/final
PURPOSE = b"skinapi number keys"


@dataclass(frozen=True, slots=True)
class NumberKey:
    name: str
    value: bytes

    def hash(self, message: bytes) -> str:
        made = hmac.digest(self.value, message, "sha256").hex()
        return f"{self.name}:{made}" if self.name else made


@dataclass(frozen=True, slots=True)
class NumberKeys:
    """The key of a store, followed by those of 2.0.0 and earlier. Their hashes cannot be computed
    again without the number.
    """

    known: Sequence[NumberKey]

    @classmethod
    def make(cls) -> "NumberKeys":
        return cls([NumberKey(secrets.token_hex(4), os.urandom(KEY_BYTES))])

    def hashes_of(self, message: bytes) -> list[str]:
        """All hashes under which a number may be stored. New ones are stored as the first."""
        return [key.hash(message) for key in self.known]


def wrap(numbers: NumberKeys, secret: str) -> list[Document]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (15 ms)

    cipher, wrapped = AESGCM(_encrypting(secret)), list[Document]()
    for key in numbers.known:
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + cipher.encrypt(nonce, key.value, key.name.encode())
        wrapped.append({"name": key.name, "wrapped": base64.b64encode(sealed).decode()})
    return wrapped


def unwrap(stored: Sequence[Document], secret: str) -> NumberKeys | None:
    """Decrypt the keys; None if this secret does not open each of them."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    cipher, opened = AESGCM(_encrypting(secret)), list[NumberKey]()
    for entry in stored:
        sealed, name = base64.b64decode(entry["wrapped"]), entry["name"]
        try:
            value = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except InvalidTag:
            return None
        opened.append(NumberKey(name, value))
    return NumberKeys(opened) if opened else None


def _encrypting(secret: str) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE, "sha256")
