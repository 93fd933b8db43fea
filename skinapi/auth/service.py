"""Registration, login, token refresh, password changes, consents and sessions."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts, Decide
from skinapi.auth.emails import normalise_email
from skinapi.auth.errors import (
    EmailTaken,
    InitialPasswordExpired,
    InvalidCredentials,
    InvalidRefreshToken,
    TooManyGuesses,
    WrongPassword,
)
from skinapi.auth.guess_limits import GuessAttempt, GuessLimits
from skinapi.auth.passwords import Passwords
from skinapi.auth.sessions import Session, Sessions
from skinapi.auth.tokens import Tokens
from skinapi.errors import (
    AccountNotApproved,
    AccountSuspended,
    BadRequest,
    Duplicate,
    NotFound,
    PasswordChangeRequired,
    SkinAPIError,
)
from skinapi.storage.ids import is_ahead, new_id, now
from skinapi.vision.conditions import Language
from skinapi.web.access import Subject
from skinapi.web.pagination import Page

NO_SESSION = "There is no such session"
Withdraw = Callable[[str], Callable[[], None]]


@dataclass(frozen=True)
class ClientInfo:
    """The client that asks for tokens: its IP address, its name if known, and whether it wants a
    refresh token (`renews`).
    """

    address: str
    client: str | None = None
    renews: bool = False


@dataclass(frozen=True)
class IssuedTokens:
    """An access token, when it expires, and a refresh token if the client asked for one."""

    access_token: str
    expires_at: datetime
    refresh_token: str | None = None


class AuthService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        tokens: Tokens,
        guess_limits: GuessLimits,
        trail: AuditTrail,
        password_page: str,
        initial_password_life: timedelta,
        count_account: Callable[[], None],
        on_withdrawal: Mapping[str, Withdraw],
    ) -> None:
        """`count_account()` counts a registration. `on_withdrawal`: by consent, what deletes that
        which it allowed, called with the account's id in the transaction of the withdrawal; what it
        returns is called after that.
        """
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._tokens = tokens
        self._guess_limits = guess_limits
        self._trail = trail
        self._password_page = password_page
        self._initial_password_life = initial_password_life
        self._count_account = count_account
        self._on_withdrawal = on_withdrawal

    def register_user(
        self, *, name: str, email: str, password: str, caller: ClientInfo
    ) -> IssuedTokens:
        """Create an account that waits for approval, and return its tokens. Raises EmailTaken."""
        # Before the expensive hash. If two register at once, the unique index decides.
        if self._accounts.by_email(email):
            raise EmailTaken
        with self._passwords.place(caller.address):
            fields = {"name": name, "email": email, "password_hash": self._passwords.hash(password)}
        identifier = new_id()

        def register() -> IssuedTokens:
            return self._open_session(self._accounts.add(id=identifier, **fields), caller)

        try:
            issued = self._trail.change(
                register, "account.register", by=identifier, target=identifier
            )
        except Duplicate as error:
            raise EmailTaken from error
        self._count_account()
        return issued

    def log_in(
        self, *, email: str, password: str, caller: ClientInfo
    ) -> tuple[Account, IssuedTokens]:
        """The account and new tokens.

        Raises InvalidCredentials, TooManyGuesses, AccountSuspended, AccountNotApproved or
        InitialPasswordExpired. For an initial password, raises PasswordChangeRequired, which names
        the page where it is replaced.
        """
        with self._passwords.place(caller.address):
            account = self._authenticate(email, password, caller)
            if account.must_change:
                raise PasswordChangeRequired(self._password_page)
            if self._passwords.outdated(account.password_hash):
                self._rehash(account, password)
        return account, self._open_session(account, caller)

    def refresh(self, *, token: str) -> IssuedTokens:
        """Token rotation: new tokens for a refresh token, which can be used once.

        Raises InvalidRefreshToken. A refresh token that was used before also ends its session. Also
        raises InitialPasswordExpired.
        """
        session = self._sessions.by_refresh_token(token)
        if session is None:
            raise InvalidRefreshToken
        account = self._account_of_session(session)
        self._refuse_expired(account)
        renewed = self._sessions.renew(session, token)
        if renewed is None:  # the token was used before: it may be stolen
            self._trail.change(
                partial(self._sessions.end, session.id, account_id=account.id),
                "session.reuse",
                by=account.id,
                target=session.id,
            )
            raise InvalidRefreshToken
        return self._issue_tokens(account, *renewed)

    def find_doctor(self, account: Account) -> str | None:
        """The e-mail address of the account's doctor, if it has one."""
        if account.doctor_id is None:
            return None
        return self._accounts.emails_of({account.doctor_id}).get(account.doctor_id)

    def change_password(
        self, *, account_id: str, current: str, new: str, caller: ClientInfo
    ) -> IssuedTokens:
        """Replace the password, revoke all tokens and return new ones.

        Raises WrongPassword, TooManyGuesses, InitialPasswordExpired, BadRequest, AccountSuspended
        or AccountNotApproved.
        """
        account = self._accounts.get(account_id)
        _refuse_inactive(account)  # since the request was admitted
        with self._passwords.place(caller.address, signed=True):
            guess = self._take_guess(account.email, caller, account)
            if not self._passwords.matches(current, account.password_hash):
                raise WrongPassword
            self._guess_limits.give_back(guess, account_id=account.id)
            self._refuse_expired(account)
            return self._replace_password(
                account, current=current, new=new, caller=caller, wrong=WrongPassword
            )

    def replace_password(
        self, *, email: str, current: str, new: str, caller: ClientInfo
    ) -> IssuedTokens:
        """As `change_password`, but without a token: e-mail and current password identify the
        account. Raises the errors of a login, and BadRequest.
        """
        with self._passwords.place(caller.address):
            account = self._authenticate(email, current, caller)
            return self._replace_password(
                account, current=current, new=new, caller=caller, wrong=InvalidCredentials
            )

    def set_consents(self, *, account_id: str, consents: dict[str, bool]) -> None:
        """Change the given consents, and keep the others. What one allowed that is not given any
        more is erased.
        """
        stored = self._accounts.get(account_id).consents
        if consents.items() <= stored.items():
            return

        def change() -> list[Callable[[], None]]:
            self._accounts.change(
                account_id, lambda own: {"consents": {**own.consents, **consents}}
            )
            erasures = self._on_withdrawal.items()
            return [begin(account_id) for name, begin in erasures if consents.get(name) is False]

        for finish in self._trail.change(
            change, "account.consents", by=account_id, target=account_id
        ):
            finish()

    def change_locale(self, *, account_id: str, locale: Language) -> None:
        """Choose the language of the account's reports."""
        if self._accounts.get(account_id).locale != locale:
            self._change_own(account_id, "account.locale", lambda _: {"locale": locale})

    def _change_own(self, account_id: str, action: str, decide: Decide) -> None:
        change = partial(self._accounts.change, account_id, decide)
        self._trail.change(change, action, by=account_id, target=account_id)

    def list_sessions(self, *, account: Account, after: str | None, limit: int) -> Page[Session]:
        return self._sessions.page(account, after=after, limit=limit)

    def end_session(self, *, session_id: str, by: str) -> None:
        """End a session of the account `by`. Raises NotFound if it has no such session."""

        def end() -> None:
            if not self._sessions.end(session_id, account_id=by):
                raise NotFound(NO_SESSION)

        self._trail.change(end, "session.end", by=by, target=by)

    def log_out(self, *, subject: Subject) -> None:
        end = partial(self._sessions.end, subject.session_id, account_id=subject.id)
        self._trail.change(end, "account.logout", by=subject.id, target=subject.id)

    def _authenticate(self, email: str, password: str, caller: ClientInfo) -> Account:
        """The account of this e-mail address and password.

        Raises InvalidCredentials if either is wrong, and TooManyGuesses after too many wrong ones;
        neither reveals whether the account exists. Raises AccountSuspended, AccountNotApproved or
        InitialPasswordExpired only after the right password.
        """
        address, account = self._find_account(email)
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
        self._guess_limits.give_back(guess, account_id=account.id)
        _refuse_inactive(account)
        self._refuse_expired(account)
        return account

    def _replace_password(
        self,
        account: Account,
        *,
        current: str,
        new: str,
        caller: ClientInfo,
        wrong: type[SkinAPIError],
    ) -> IssuedTokens:
        """Raises `wrong` where the current password was replaced since it was checked, or the
        account suspended.
        """
        if new == current:
            raise BadRequest("The new password must differ from the current one")
        new_hash = self._passwords.hash(new)

        def decide(stored: Account) -> dict[str, Any]:
            if stored.token_version != account.token_version:
                raise wrong
            return {
                "password_hash": new_hash,
                "must_change": False,
                "initial_password_expires_at": None,
                "token_version": account.token_version + 1,
            }

        def replace() -> IssuedTokens:
            changed = self._accounts.change(account.id, decide)
            self._sessions.forget(account.id)
            # Who knew the old password may have logged in from elsewhere.
            self._guess_limits.forget_others(
                account.id, email=account.email, address=caller.address
            )
            return self._open_session(changed, caller)

        return self._trail.change(replace, "account.password", by=account.id, target=account.id)

    def _refuse_expired(self, account: Account) -> None:
        """Raises InitialPasswordExpired if the account still has one and it has expired, or was
        made in the future.
        """
        expires = account.initial_password_expires_at
        if not account.must_change or expires is None:
            return
        if expires < now() or is_ahead(expires - self._initial_password_life):
            raise InitialPasswordExpired

    def _find_account(self, email: str) -> tuple[str, Account | None]:
        """The address, as its account has it if there is one, and the account. Guesses are counted
        by this address.
        """
        try:
            address = normalise_email(email)
        except ValueError:
            return email, None
        account = self._accounts.by_email(address)
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

    def _account_of_session(self, session: Session) -> Account:
        """The account that may still use this session. Raises InvalidRefreshToken."""
        try:
            account = self._accounts.get(session.account)
        except NotFound as error:
            raise InvalidRefreshToken from error
        if account.status in ("deleting", "suspended"):
            raise InvalidRefreshToken
        if account.token_version != session.token_version:
            raise InvalidRefreshToken
        return account

    def _rehash(self, account: Account, password: str) -> None:
        """Hash the password with today's parameters, unless it was changed meanwhile."""
        new_hash = self._passwords.hash(password)

        def decide(stored: Account) -> dict[str, Any]:
            unchanged = stored.password_hash == account.password_hash
            return {"password_hash": new_hash} if unchanged else {}

        with suppress(NotFound):  # deleted meanwhile: its session opens nothing
            self._accounts.change(account.id, decide)

    def _open_session(self, account: Account, caller: ClientInfo) -> IssuedTokens:
        session_and_token = self._sessions.open(account, client=caller.client, renews=caller.renews)
        return self._issue_tokens(account, *session_and_token)

    def _issue_tokens(
        self, account: Account, session: Session, refresh_token: str | None
    ) -> IssuedTokens:
        expires_at = self._sessions.access_until(session)
        token = self._tokens.sign(
            account_id=account.id,
            token_version=account.token_version,
            session_id=session.id,
            # Not now(): a new second may have begun, and the token's life would be too short by it.
            issued_at=session.used_at,
            expires_at=expires_at,
        )
        return IssuedTokens(token, expires_at, refresh_token)


def _refuse_inactive(account: Account) -> None:
    if account.status == "suspended":
        raise AccountSuspended
    if account.status == "waiting":
        raise AccountNotApproved
