"""Signs a person's file with a key of the server, and checks such signatures.

Ed25519 (https://www.rfc-editor.org/rfc/rfc8032). The key is derived from the server's secret, so it
is nowhere stored, and a server restored with its secret signs as before. Whoever has the public key
can check a file without the server.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PURPOSE = b"skinapi person file"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`encoded` is the key's 32 bytes in base64."""

    encoded: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key, in hex."""
        return hashlib.sha256(base64.b64decode(self.encoded)).hexdigest()

    def verifies(self, content: bytes, signature: bytes) -> bool:
        """Whether this key has signed the content. `signature` is a line of base64, as in
        `manifest.sig`. False too where key or signature are none.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.encoded, validate=True))
            key.verify(base64.b64decode(signature.strip(), validate=True), content)
        except (ValueError, InvalidSignature):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """`secrets` are the server's, the newest first: it signs, the others only verify."""

    secrets: Sequence[str] = field(repr=False)

    @property
    def public_key(self) -> PublicKey:
        return self._public_key(self.secrets[0])

    @property
    def known_keys(self) -> list[PublicKey]:
        """The keys of this server: of today, and those of former secrets."""
        return [self._public_key(secret) for secret in self.secrets]

    def sign(self, content: bytes) -> bytes:
        """A line of base64."""
        return base64.b64encode(_private_key(self.secrets[0]).sign(content)) + b"\n"

    @staticmethod
    def _public_key(secret: str) -> PublicKey:
        raw = _private_key(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return PublicKey(base64.b64encode(raw).decode())


def _private_key(secret: str) -> Ed25519PrivateKey:
    # https://www.rfc-editor.org/rfc/rfc5869: a key of its own for this purpose.
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(derived.derive(secret.encode()))
