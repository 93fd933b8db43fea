"""Passwords: argon2id, checked at one cost whether or not the account exists."""

import secrets
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import StringConstraints

from skinapi.errors import Unavailable
from skinapi.web.schema_types import Printable

# OWASP's second argon2id choice: 19 MiB, so that a 512 MB host can hash for two at a time.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
T = TypeVar("T")
AT_ONCE = 2
LONGEST_WAIT_S = 10
ALPHABET = string.ascii_letters.translate({ord(c): None for c in "IOl"}) + "23456789"

NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=256), Printable]
AnyPassword = Annotated[str, StringConstraints(max_length=1024)]


class Passwords:
    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._hashers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._nobodys = hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        return self._in_turn(self._hasher.hash, _bytes(password))

    def matches(self, password: str, kept_hash: str | None) -> bool:
        """Whether the password is right; an absent account costs the same time."""
        right = self._in_turn(self._verify, kept_hash or self._nobodys, password)
        return right and kept_hash is not None

    def outdated(self, kept_hash: str) -> bool:
        return self._hasher.check_needs_rehash(kept_hash)

    def _verify(self, kept_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def _in_turn(self, work: Callable[..., T], *arguments: Any) -> T:
        """On few threads of their own: a thread that has hashed keeps its 19 MiB from then on.

        Measured on the 32 serving threads instead: 54 MB became 523.
        """
        waiting = self._hashers.submit(work, *arguments)
        try:
            return waiting.result(LONGEST_WAIT_S)
        except TimeoutError as error:
            waiting.cancel()
            raise Unavailable from error


def one_time_password() -> str:
    """100 random bits without letters that look alike, in groups a person can read out."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(18))
    return "-".join(letters[start : start + 6] for start in (0, 6, 12))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
