import hashlib
import re
import secrets
import string
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from pydantic import StringConstraints

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.email_addresses import normalise_email
from skinapi.accounts.auth.errors import (
    InitialPasswordExpired,
    InvalidCredentials,
    TooManyGuesses,
    WrongPassword,
)
from skinapi.accounts.auth.guess_limits import GuessAttempt, GuessLimits
from skinapi.base.caller_addresses import site_key
from skinapi.base.errors import SkinAPIError, Unavailable
from skinapi.base.field_types import Printable
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow

# Limits how many requests hash or wait, in all and from one address. A hashing request blocks a
# serving thread. Without a limit, a few addresses with 60 logins each would block all of them,
# including GET /healthz.


# Together with the prediction pool (18) fewer than the 32 threads of a process. A hash takes about
# 50 ms and two run at once, so the last one waits 0.3 s.
PLACES = 12
# A sixth is reserved for signed-in callers, so that an admin can act during a flood of logins.
KEPT_FOR_SIGNED = 6
RETRY_AFTER_S = 2


class HashingSlots:
    """An address may take a place while it holds fewer than are free, so one address gets at most
    half of them and a new one still finds a place.
    """

    def __init__(self, places: int) -> None:
        self._kept = places // KEPT_FOR_SIGNED
        self._free = places
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, address: str, *, signed: bool) -> Iterator[None]:
        site = site_key(address)
        with self._lock:
            free = self._free if signed else self._free - self._kept
            if self._held[site] >= free:
                raise Unavailable(retry_after=RETRY_AFTER_S)
            self._free -= 1
            self._held[site] += 1
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._held -= Counter({site: 1})  # keeps no address with nothing


# Hashes with argon2id. A check takes equally long without an account.


# OWASP's second choice for argon2id, 19 MiB, so that a host with 512 MB can compute two hashes at
# once. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
T = TypeVar("T")
CONCURRENT_HASHES = 2
# Excludes I, O, l, 0 and 1, which look alike.
ALPHABET = string.ascii_letters.translate({ord(c): None for c in "IOl"}) + "23456789"

NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=256), Printable]
AnyPassword = Annotated[str, StringConstraints(max_length=1024)]


class Passwords:
    """At most CONCURRENT_HASHES run and a few more wait; others get Unavailable at once."""

    def __init__(self, hasher: PasswordHasher = HASHER, *, places: int = PLACES) -> None:
        self._hasher = hasher
        self._executor = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="argon2")
        self._dummy_hash = _unmatched_hash(hasher)
        self._places = HashingSlots(places)
        self._of_thread = threading.local()

    @contextmanager
    def place(self, address: str = "", *, signed: bool = False) -> Iterator[None]:
        """Reserve a place for all hashes of this thread. Without one, a caller costs neither a
        query nor a guess.
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
        """Take equally long if there is no account, and therefore no hash."""
        matches = self._run_queued(self._verify, stored_hash or self._dummy_hash, password)
        return matches and stored_hash is not None

    def outdated(self, stored_hash: str) -> bool:
        return self._hasher.check_needs_rehash(stored_hash)

    def _verify(self, stored_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def _run_queued(self, work: Callable[..., T], *arguments: Any) -> T:
        """Each thread keeps its 19 MiB: on 32 threads, the process grew from 54 MB to 523 MB."""
        if not getattr(self._of_thread, "placed", False):
            with self.place(signed=True):
                return self._run_queued(work, *arguments)
        return self._executor.submit(work, *arguments).result()


def _unmatched_hash(hasher: PasswordHasher) -> str:
    """Return a hash that takes as long to check as a real one, in the format of
    https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md.
    """
    salt, digest = (
        b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def one_time_password() -> str:
    """Return 100 random bits in three groups of six characters that are easy to read aloud."""
    characters = "".join(secrets.choice(ALPHABET) for _ in range(18))
    return "-".join(characters[start : start + 6] for start in (0, 6, 12))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class ClientInfo:
    """`renews` asks for a refresh token."""

    address: str
    client: str | None = None
    renews: bool = False

    @property
    def browser(self) -> str:
        """A hash of the client's name without numbers: equal for all versions of a browser."""
        name = re.sub(r"[\d._]+", "", self.client or "")
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    password: str
    code: str | None
    caller: ClientInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    accounts: Accounts
    passwords: Passwords
    guess_limits: GuessLimits
    trail: AuditTrail

    def authenticate(self, email: str, password: str, caller: ClientInfo) -> Account:
        """The address becomes known unless a second factor is still required. Neither a wrong
        password nor too many guesses reveal if the account exists.
        """
        address, account = self.find_account(email)
        try:
            guess = self._take_guess(address, caller, account)
            wrong: SkinAPIError = InvalidCredentials()
        except TooManyGuesses as too_many:
            guess = self._take_first_login(address, caller, account)
            wrong, account = too_many, account if account and account.must_change else None
        # Check even without an account, so that the response time does not reveal it.
        right = self.passwords.matches(password, account.password_hash if account else None)
        if not account or not right or account.status == "closed":
            raise wrong
        self.guess_limits.give_back(guess)
        if not (guess.known or account.has_second_factor):
            self.guess_limits.remember(account, address=caller.address)
        account.refuse_inactive()
        self.refuse_expired(account)
        return account

    def verify_own_password(self, account: Account, password: str, caller: ClientInfo) -> None:
        account.refuse_inactive()  # since the request was admitted
        guess = self._take_guess(account.email, caller, account)
        if not self.passwords.matches(password, account.password_hash):
            raise WrongPassword
        self.guess_limits.give_back(guess)
        if not guess.known:
            self.guess_limits.remember(account, address=caller.address)
        self.refuse_expired(account)

    def refuse_expired(self, account: Account) -> None:
        expires = account.initial_password_expires_at
        if expires and expires < now():
            raise InitialPasswordExpired

    def find_account(self, email: str) -> tuple[str, Account | None]:
        """Return the stored spelling, under which guesses are counted, and the account."""
        try:
            address = normalise_email(email)
        except ValueError:
            return email, None
        account = self.accounts.find_by_email(address)
        return account.email if account else address, account

    def _take_guess(self, email: str, caller: ClientInfo, account: Account | None) -> GuessAttempt:
        guess = self.guess_limits.take(email=email, address=caller.address)
        if guess.last and account:
            self.trail.record(AuditRow("account.guessing", by="anonymous", target=account.id))
        return guess

    def _take_first_login(
        self, email: str, caller: ClientInfo, account: Account | None
    ) -> GuessAttempt:
        version = account.token_version if account else 0
        return self.guess_limits.take_first_login(
            email=email, address=caller.address, version=version
        )
