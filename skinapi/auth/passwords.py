"""Password hashing with argon2id. A check takes the same time whether or not the account exists."""

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

# OWASP's second argon2id choice: 19 MiB, so that a host with 512 MB can compute two hashes at once.
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
T = TypeVar("T")
CONCURRENT_HASHES = 2
LONGEST_WAIT_S = 10
# Without I, O, l, 0 and 1, which look alike.
ALPHABET = string.ascii_letters.translate({ord(c): None for c in "IOl"}) + "23456789"

NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=256), Printable]
AnyPassword = Annotated[str, StringConstraints(max_length=1024)]


class Passwords:
    """Hashes and verifies passwords, at most CONCURRENT_HASHES at once.

    Raises Unavailable if a hash has to wait longer than LONGEST_WAIT_S.
    """

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._executor = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="argon2")
        self._dummy_hash = hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        return self._run_queued(self._hasher.hash, _bytes(password))

    def matches(self, password: str, stored_hash: str | None) -> bool:
        """Whether the password is right. Takes the same time if there is no account, so no hash."""
        matches = self._run_queued(self._verify, stored_hash or self._dummy_hash, password)
        return matches and stored_hash is not None

    def outdated(self, stored_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored_hash)

    def _verify(self, stored_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def _run_queued(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run `work` on one of the hashing threads. Raises Unavailable after LONGEST_WAIT_S.

        A thread that has hashed once keeps its 19 MiB. On the 32 serving threads instead, the
        process grew from 54 MB to 523 MB.
        """
        future = self._executor.submit(work, *arguments)
        try:
            return future.result(LONGEST_WAIT_S)
        except TimeoutError as error:
            future.cancel()
            raise Unavailable from error


def one_time_password() -> str:
    """A random password of 100 bits, in three groups of six characters, easy to read aloud."""
    characters = "".join(secrets.choice(ALPHABET) for _ in range(18))
    return "-".join(characters[start : start + 6] for start in (0, 6, 12))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
