"""Registration, login, token refresh, password changes, consents and sessions."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts, Decide, WantedRole
from skinapi.auth.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidRefreshToken,
    WrongPassword,
)
from skinapi.auth.guess_limits import GuessLimits
from skinapi.auth.passwords import Authentication, ClientInfo, Passwords
from skinapi.auth.second_factor import SecondFactorService
from skinapi.auth.sessions import Session, Sessions
from skinapi.auth.tokens import Tokens
from skinapi.errors import (
    BadRequest,
    Duplicate,
    NotFound,
    PasswordChangeRequired,
    SkinAPIError,
)
from skinapi.languages import Language
from skinapi.notices.outbox import Kind, Outbox
from skinapi.storage.ids import new_id
from skinapi.web.access import Subject
from skinapi.web.schemas import Page

NO_SESSION = "There is no such session"
Withdraw = Callable[[str], Callable[[], None]]
MOST_BROWSERS = 20  # remembered for each account


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
        authentication: Authentication,
        second_factor: SecondFactorService,
        count_account: Callable[[], None],
        outbox: Outbox,
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
        self._authentication = authentication
        self._second_factor = second_factor
        self._count_account = count_account
        self._outbox = outbox
        self._on_withdrawal = on_withdrawal

    def register_user(
        self,
        *,
        name: str,
        email: str,
        password: str,
        caller: ClientInfo,
        wanted_role: WantedRole | None = None,
    ) -> IssuedTokens:
        """Create an account that waits for approval, and return its tokens. Raises EmailTaken."""
        # Before the expensive hash. If two register at once, the unique index decides.
        if self._accounts.find_by_email(email):
            raise EmailTaken
        with self._passwords.place(caller.address):
            password_hash = self._passwords.hash(password)
        fields = {
            "name": name,
            "email": email,
            "password_hash": password_hash,
            "wanted_role": wanted_role,
        }
        identifier = new_id()

        def register() -> IssuedTokens:
            account = self._accounts.add(id=identifier, **fields)
            return self._open_session(account, caller, factor_given=False)

        try:
            issued = self._trail.change(
                register, "account.register", by=identifier, target=identifier
            )
        except Duplicate as error:
            raise EmailTaken from error
        self._count_account()
        return issued

    def log_in(
        self, *, email: str, password: str, caller: ClientInfo, code: str | None = None
    ) -> tuple[Account, IssuedTokens]:
        """The account and new tokens. `code` is of the second factor, where there is one.

        Raises InvalidCredentials, TooManyGuesses, AccountSuspended, AccountNotApproved,
        InitialPasswordExpired, CodeRequired or WrongCode. For an initial password, raises
        PasswordChangeRequired, which names the page where it is replaced.
        """
        with self._passwords.place(caller.address):
            account = self._authentication.authenticate(email, password, caller)
            if account.must_change:
                raise PasswordChangeRequired(self._password_page)
            if self._passwords.outdated(account.password_hash):
                self._rehash(account, password)
        given = self._second_factor.verify(account, code, caller)
        return account, self._open_session(account, caller, factor_given=given)

    def refresh(self, *, token: str) -> IssuedTokens:
        """Token rotation: new tokens for a refresh token, which can be used once.

        Raises InvalidRefreshToken. A refresh token that was used before also ends its session. Also
        raises InitialPasswordExpired.
        """
        session = self._sessions.by_refresh_token(token)
        if session is None:
            raise InvalidRefreshToken
        account = self._account_of_session(session)
        self._authentication.refuse_expired(account)
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

    def find_doctor_email(self, account: Account) -> str | None:
        """The e-mail address of the account's doctor, if it has one."""
        identifiers = {account.doctor_id} if account.doctor_id else set[str]()
        return next((one.email for one in self._accounts.by_ids(identifiers).values()), None)

    def change_password(
        self, *, subject: Subject, current: str, new: str, caller: ClientInfo
    ) -> IssuedTokens:
        """Replace one's own password, revoke all tokens and return new ones.

        Raises WrongPassword, TooManyGuesses, InitialPasswordExpired, BadRequest, AccountSuspended
        or AccountNotApproved.
        """
        account = self._accounts.get(subject.id)
        with self._passwords.place(caller.address, signed=True):
            self._authentication.verify_own_password(account, current, caller)
            return self._replace_password(
                account,
                current=current,
                new=new,
                caller=caller,
                factor_given=subject.factor_given,
                wrong=WrongPassword,
            )

    def replace_password(
        self, *, email: str, current: str, new: str, caller: ClientInfo, code: str | None = None
    ) -> IssuedTokens:
        """As `change_password`, but without a token: e-mail, current password and the code of a
        second factor identify the account. Raises the errors of a login, and BadRequest.
        """
        with self._passwords.place(caller.address):
            account = self._authentication.authenticate(email, current, caller)
            given = self._second_factor.verify(account, code, caller)
            return self._replace_password(
                account,
                current=current,
                new=new,
                caller=caller,
                factor_given=given,
                wrong=InvalidCredentials,
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

    def set_notices(self, *, account_id: str, mail: bool) -> None:
        """Whether mails are sent to the account that are not of security."""
        if self._accounts.get(account_id).notices != mail:
            self._change_own(account_id, "account.notices", lambda _: {"notices": mail})

    def wants_notices(self, account: Account) -> bool | None:
        """None where this server sends no mail."""
        return account.notices if self._outbox.enabled else None

    def lacks_second_factor(self, account: Account) -> bool:
        """Whether the operator requires a second factor of this account, and it has none."""
        return self._second_factor.is_missing(account)

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

    def _replace_password(
        self,
        account: Account,
        *,
        current: str,
        new: str,
        caller: ClientInfo,
        factor_given: bool,
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
            self._guess_limits.forget_other_addresses(
                account.id, email=account.email, address=caller.address
            )
            self._outbox.add(Kind.PASSWORD_CHANGED, to=account.id, about="forgotten")
            return self._open_session(changed, caller, factor_given=factor_given)

        return self._trail.change(replace, "account.password", by=account.id, target=account.id)

    def _account_of_session(self, session: Session) -> Account:
        """The account that may still use this session. Raises InvalidRefreshToken."""
        try:
            account = self._accounts.get(session.account)
        except NotFound as error:
            raise InvalidRefreshToken from error
        if account.status in ("deleting", "suspended"):
            raise InvalidRefreshToken
        if account.token_version != session.token_version or not session.opens(account):
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

    def _open_session(
        self, account: Account, caller: ClientInfo, *, factor_given: bool
    ) -> IssuedTokens:
        self._tell_of_new_browser(account, caller.browser)
        session_and_token = self._sessions.open(
            account, client=caller.client, renews=caller.renews, factor_given=factor_given
        )
        return self._issue_tokens(account, *session_and_token)

    def _tell_of_new_browser(self, account: Account, browser: str) -> None:
        """By mail, where only others have opened the account before."""
        if not self._outbox.enabled or browser in account.browsers:
            return

        def decide(stored: Account) -> dict[str, Any]:
            if browser in stored.browsers:
                return {}
            if stored.browsers:
                self._outbox.add(Kind.NEW_BROWSER, to=account.id, about="forgotten")
            return {"browsers": (*stored.browsers, browser)[-MOST_BROWSERS:]}

        with suppress(NotFound):  # deleted meanwhile: its session opens nothing
            self._accounts.change(account.id, decide)

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
