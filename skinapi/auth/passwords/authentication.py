"""Checks a password, within the limits of guesses, and whether its account may log in."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from skinapi.audit import AuditTrail
from skinapi.auth.accounts.accounts import Account, Accounts
from skinapi.auth.accounts.emails import normalise_email
from skinapi.auth.errors import (
    InitialPasswordExpired,
    InvalidCredentials,
    TooManyGuesses,
    WrongPassword,
)
from skinapi.auth.passwords.guess_limits import GuessAttempt, GuessLimits
from skinapi.auth.passwords.hashing import Passwords
from skinapi.errors import SkinAPIError
from skinapi.storage.ids import is_ahead, now


@dataclass(frozen=True)
class ClientInfo:
    """The client that asks for tokens: its IP address, its name if known, and whether it wants a
    refresh token (`renews`).
    """

    address: str
    client: str | None = None
    renews: bool = False

    @property
    def browser(self) -> str:
        """The same for all versions of a browser or program: a hash of its name without numbers."""
        name = re.sub(r"[\d._]+", "", self.client or "")
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Authentication:
    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        guess_limits: GuessLimits,
        trail: AuditTrail,
        initial_password_life: timedelta,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._guess_limits = guess_limits
        self._trail = trail
        self._initial_password_life = initial_password_life

    def authenticate(self, email: str, password: str, caller: ClientInfo) -> Account:
        """The account of this e-mail address and password. Its address becomes known where no
        second factor is still to be given.

        Raises InvalidCredentials if either is wrong, and TooManyGuesses after too many wrong ones;
        neither reveals whether the account exists. Raises AccountSuspended, AccountNotApproved or
        InitialPasswordExpired only after the right password.
        """
        address, account = self.find_account(email)
        try:
            guess = self._take_guess(address, caller, account)
            wrong: SkinAPIError = InvalidCredentials()
        except TooManyGuesses as too_many:
            guess = self._take_first_login(address, caller, account)
            wrong, account = too_many, account if account and account.must_change else None
        # Also without an account, so that the time of the answer does not reveal it.
        right = self._passwords.matches(password, account.password_hash if account else None)
        if not account or not right or account.status == "deleting":
            raise wrong
        self._guess_limits.give_back(guess)
        if not (guess.known or account.has_second_factor):
            self._guess_limits.remember(account, address=caller.address)
        account.refuse_inactive()
        self.refuse_expired(account)
        return account

    def verify_own_password(self, account: Account, password: str, caller: ClientInfo) -> None:
        """Check the password of an account that has logged in.

        Raises WrongPassword, TooManyGuesses, InitialPasswordExpired, AccountSuspended or
        AccountNotApproved.
        """
        account.refuse_inactive()  # since the request was admitted
        guess = self._take_guess(account.email, caller, account)
        if not self._passwords.matches(password, account.password_hash):
            raise WrongPassword
        self._guess_limits.give_back(guess)
        if not guess.known:
            self._guess_limits.remember(account, address=caller.address)
        self.refuse_expired(account)

    def refuse_expired(self, account: Account) -> None:
        """Raises InitialPasswordExpired if the account still has one and it has expired, or was
        made in the future.
        """
        expires = account.initial_password_expires_at
        if not account.must_change or expires is None:
            return
        if expires < now() or is_ahead(expires - self._initial_password_life):
            raise InitialPasswordExpired

    def find_account(self, email: str) -> tuple[str, Account | None]:
        """The address, as its account has it if there is one, and the account. Guesses are counted
        by this address.
        """
        try:
            address = normalise_email(email)
        except ValueError:
            return email, None
        account = self._accounts.find_by_email(address)
        return account.email if account else address, account

    def _take_guess(self, email: str, caller: ClientInfo, account: Account | None) -> GuessAttempt:
        guess = self._guess_limits.take(email=email, address=caller.address)
        if guess.last and account:
            self._trail.record("account.guessing", by="anonymous", target=account.id)
        return guess

    def _take_first_login(
        self, email: str, caller: ClientInfo, account: Account | None
    ) -> GuessAttempt:
        version = account.token_version if account else 0
        return self._guess_limits.take_first_login(
            email=email, address=caller.address, version=version
        )
