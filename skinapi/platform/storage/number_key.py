"""The key that hashes the numbers by which other systems know patients and orders.

It is created once and never changes, so that a number always finds its patient. It is stored
encrypted (AES-GCM) with a key derived from JWT_SECRET_KEY; a change of that only encrypts it again.
"""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass

from skinapi.platform.storage.ports import Document

KEY_BYTES, NONCE_BYTES = 32, 12  # https://csrc.nist.gov/pubs/sp/800/38/d/final
PURPOSE = b"skinapi number keys"


@dataclass(frozen=True, slots=True)
class NumberKey:
    name: str
    value: bytes

    @classmethod
    def make(cls) -> "NumberKey":
        return cls(secrets.token_hex(4), os.urandom(KEY_BYTES))

    def hash(self, message: bytes) -> str:
        return f"{self.name}:{hmac.digest(self.value, message, 'sha256').hex()}"


def wrap(key: NumberKey, secret: str) -> Document:
    """Encrypt the key, as it is stored, with a key derived from this secret."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (15 ms)

    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(_encrypting(secret)).encrypt(nonce, key.value, key.name.encode())
    return {"name": key.name, "wrapped": base64.b64encode(sealed).decode()}


def unwrap(stored: Document, secret: str) -> NumberKey | None:
    """Decrypt the key; None if this secret does not open it."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    name, cipher = stored["name"], AESGCM(_encrypting(secret))
    try:
        sealed = base64.b64decode(stored["wrapped"])
        value = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):  # ValueError: it was damaged
        return None
    return NumberKey(name, value)


def _encrypting(secret: str) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE, "sha256")
