"""Password hashing with argon2id. A check takes the same time whether or not the account exists.

What a new password must be like is `NewPassword` here. Which guesses count: guess_limits.py.
"""

import secrets
import string
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from pydantic import StringConstraints

from skinapi.auth.passwords.hashing_places import PLACES, HashingPlaces
from skinapi.web.schemas.schema_types import Printable

# OWASP's second argon2id choice: 19 MiB, so that a host with 512 MB can compute two hashes at once.
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
T = TypeVar("T")
CONCURRENT_HASHES = 2
# Without I, O, l, 0 and 1, which look alike.
ALPHABET = string.ascii_letters.translate({ord(c): None for c in "IOl"}) + "23456789"

NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=256), Printable]
AnyPassword = Annotated[str, StringConstraints(max_length=1024)]


class Passwords:
    """Hashes and verifies passwords, at most CONCURRENT_HASHES at once; a few more may wait.

    Raises Unavailable, at once, if there is no place to wait.
    """

    def __init__(self, hasher: PasswordHasher = HASHER, *, places: int = PLACES) -> None:
        self._hasher = hasher
        self._executor = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="argon2")
        self._dummy_hash = _unmatched_hash(hasher)
        self._places = HashingPlaces(places)
        self._of_thread = threading.local()

    @contextmanager
    def place(self, address: str = "", *, signed: bool = False) -> Iterator[None]:
        """A place for all hashes that this thread makes within, for a client at this address that
        may be signed in. Raises Unavailable.

        With a place taken first, whoever gets none costs nothing else either: no query, no guess. A
        hash outside of it, as an admin's, takes a place for itself.
        """
        with self._places.taken(address, signed=signed):
            self._of_thread.placed = True
            try:
                yield
            finally:
                self._of_thread.placed = False

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
        """Run `work` on one of the hashing threads. Raises Unavailable.

        A thread that has hashed once keeps its 19 MiB. On the 32 serving threads instead, the
        process grew from 54 MB to 523 MB.
        """
        if not getattr(self._of_thread, "placed", False):
            with self.place(signed=True):
                return self._run_queued(work, *arguments)
        return self._executor.submit(work, *arguments).result()


def _unmatched_hash(hasher: PasswordHasher) -> str:
    """The hash of no password, at the same cost to check as a real one. Nothing is hashed for it.
    Format: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
    """
    salt, digest = (
        b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def one_time_password() -> str:
    """A random password of 100 bits, in three groups of six characters, easy to read aloud."""
    characters = "".join(secrets.choice(ALPHABET) for _ in range(18))
    return "-".join(characters[start : start + 6] for start in (0, 6, 12))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
