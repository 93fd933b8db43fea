"""Passwords: argon2id, checked at one cost whether or not the account exists."""

import secrets
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import StringConstraints

from skinapi.errors import Unavailable
from skinapi.web.fields import Printable

# OWASP's second argon2id choice: 19 MiB, so that a 512 MB host can hash for two at a time.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
AT_ONCE = 2
LONGEST_WAIT_S = 10
ALPHABET = string.ascii_letters.translate({ord(c): None for c in "IOl"}) + "23456789"

NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=256), Printable]
AnyPassword = Annotated[str, StringConstraints(max_length=1024)]


class Passwords:
    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._nobodys = hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(_bytes(password))

    def matches(self, password: str, kept_hash: str | None) -> bool:
        """Whether the password is right; an absent account costs the same time."""
        with self._turn():
            try:
                right = self._hasher.verify(kept_hash or self._nobodys, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return right and kept_hash is not None

    def outdated(self, kept_hash: str) -> bool:
        return self._hasher.check_needs_rehash(kept_hash)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=LONGEST_WAIT_S):
            raise Unavailable
        try:
            yield
        finally:
            self._turns.release()


def one_time_password() -> str:
    """100 random bits without letters that look alike, in groups a person can read out."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(18))
    return "-".join(letters[start : start + 6] for start in (0, 6, 12))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
