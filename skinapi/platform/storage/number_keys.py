"""The keys that hash the numbers by which other systems know patients and orders.

Each is made once and never changes, so that a number leads to its patient for good. The store has
it encrypted (AES-GCM) with a key made of JWT_SECRET_KEY: a change of that encrypts it again, and
touches no number.
"""

import base64
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skinapi.base.errors import Unavailable
from skinapi.platform.storage.ports import Document

KEY_BYTES, NONCE_BYTES = 32, 12  # https://csrc.nist.gov/pubs/sp/800/38/d/final
PURPOSE = b"skinapi number keys"
GIVEN_UP = "given_up"
LOST = (
    "A key of patients' numbers is lost: a number that finds nobody makes no patient, who may be "
    "here already, and nobody knows whose a kept record was. Put the former JWT_SECRET_KEY into "
    "FORMER_JWT_SECRET_KEYS and start again, or give the numbers up: `python -m skinapi accept-key "
    "--give-up-numbers`"
)


@dataclass(frozen=True, slots=True)
class NumberKey:
    name: str
    value: bytes

    @classmethod
    def make(cls) -> "NumberKey":
        return cls(secrets.token_hex(4), os.urandom(KEY_BYTES))

    def hash(self, message: bytes) -> str:
        """The hash of a number, with the name of its key, which is empty for a former secret."""
        made = hmac.digest(self.value, message, "sha256").hex()
        return f"{self.name}:{made}" if self.name else made


@dataclass(frozen=True, slots=True)
class NumberKeys:
    """The keys of a store that this server can read, the newest first, and the names of those that
    it cannot: the `lost` ones, for which a number that finds nobody is refused, and those that were
    given up, for which it is taken for a new patient's.
    """

    known: Sequence[NumberKey]
    lost: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()

    def hashes_of(self, message: bytes) -> list[str]:
        """List what a number may be stored as; a new one is stored as the first."""
        return [key.hash(message) for key in self.known]

    def require_all(self) -> None:
        """Raises Unavailable where a number that is not found may be one of a lost key."""
        if self.lost:
            raise Unavailable(LOST)


def wrap(key: NumberKey, name: str, secret: str) -> Document:
    """Encrypt a number key, as it is stored, with a key made of the secret of this name."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (15 ms)

    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(_encrypting(secret)).encrypt(nonce, key.value, key.name.encode())
    return {"name": key.name, "key": name, "wrapped": base64.b64encode(sealed).decode()}


def wrap_again(
    entries: Sequence[Document], name: str, secrets: Mapping[str, str]
) -> list[Document]:
    """The same keys, each that one of the secrets opens encrypted with the one of this name."""
    opened = [(entry, _unwrap(entry, secrets)) for entry in entries]
    return [
        entry if key is None or _is_current(entry, name) else wrap(key, name, secrets[name])
        for entry, key in opened
    ]


def unwrap_all(entries: Sequence[Document], secrets: Mapping[str, str]) -> NumberKeys:
    opened = [_unwrap(entry, secrets) for entry in entries]
    unopened = [entry for entry, key in zip(entries, opened, strict=True) if key is None]
    given_up = {entry["name"] for entry in unopened if entry.get(GIVEN_UP)}
    lost = {entry["name"] for entry in unopened} - given_up
    return NumberKeys([key for key in opened if key], frozenset(lost), frozenset(given_up))


def give_up(entries: Sequence[Document], name: str, secrets: Mapping[str, str]) -> list[Document]:
    """The same keys, those that no secret opens marked as given up. A secret that is found later
    opens them again.
    """
    again = wrap_again(entries, name, secrets)
    return [entry if _unwrap(entry, secrets) else {**entry, GIVEN_UP: True} for entry in again]


def _is_current(entry: Document, name: str) -> bool:
    return entry["key"] == name and "wrapped" in entry and GIVEN_UP not in entry


def _unwrap(entry: Document, secrets: Mapping[str, str]) -> NumberKey | None:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    secret = secrets.get(entry["key"])
    if secret is None:
        return None
    if "wrapped" not in entry:
        return NumberKey(entry["name"], secret.encode())
    sealed = base64.b64decode(entry["wrapped"])
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        value = AESGCM(_encrypting(secret)).decrypt(nonce, rest, entry["name"].encode())
    except InvalidTag:
        return None
    return NumberKey(entry["name"], value)


def _encrypting(secret: str) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE, "sha256")
