from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from skinapi.accounts.auth.account import Account, AccountFields, Subject, WantedRole
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.authorizer import Tokens
from skinapi.accounts.auth.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidRefreshToken,
    WrongPassword,
)
from skinapi.accounts.auth.events import AccountAdded
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.passwords import Authentication, ClientInfo, Passwords
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.sessions import ProviderSession, Session, Sessions
from skinapi.base.errors import (
    BadRequest,
    Duplicate,
    NotFound,
    PasswordChangeRequired,
    SkinAPIError,
)
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

NO_SESSION = "There is no such session"
MOST_BROWSERS = 20  # remembered for each account


@dataclass(frozen=True)
class IssuedTokens:
    access_token: str
    expires_at: datetime
    refresh_token: str | None = None

    def fields(self) -> dict[str, Any]:
        """Leave out the refresh token unless the client asked for one."""
        if self.refresh_token is None:
            return {"access_token": self.access_token}
        return vars(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthService:
    work: UnitOfWork
    accounts: Accounts
    passwords: Passwords
    sessions: Sessions
    tokens: Tokens
    guess_limits: GuessLimits
    password_page: str
    authentication: Authentication
    second_factor: SecondFactorService
    outbox: Outbox

    def register_user(
        self,
        *,
        name: str,
        email: str,
        password: str,
        caller: ClientInfo,
        wanted_role: WantedRole | None = None,
    ) -> IssuedTokens:
        # Before the expensive hash. The unique index decides between concurrent registrations.
        guess = self.guess_limits.take_registration(address=caller.address)
        if taken := self.accounts.find_by_email(email):
            told = taken.can_log_in and taken.status in ("approved", "waiting")
            if told and self.guess_limits.take_warning(taken, of="registered again"):
                self._tell_owner(account=taken)
            raise EmailTaken
        self.guess_limits.give_back(guess)
        with self.passwords.place(caller.address):
            password_hash = self.passwords.hash(password)
        fields = AccountFields(
            name=name, email=email, password_hash=password_hash, wanted_role=wanted_role
        )
        try:
            return self._register(caller, fields)
        except Duplicate as error:
            raise EmailTaken from error

    @atomic
    def _tell_owner(self, _: Unit, *, account: Account) -> None:
        """The owner may have forgotten the account, or somebody else has tried the address."""
        self.outbox.add(Kind.REGISTERED_AGAIN, to=account.id, about="forgotten")

    @atomic
    def _register(self, unit: Unit, caller: ClientInfo, fields: AccountFields) -> IssuedTokens:
        account = self.accounts.add(**fields)
        unit.audit("account.register", by=account.id, target=account.id)
        unit.publish(AccountAdded(account.id))
        return self.open_session(unit, account, caller, factor_given=False)

    def log_in(
        self, *, email: str, password: str, caller: ClientInfo, code: str | None = None
    ) -> tuple[Account, IssuedTokens]:
        with self.passwords.place(caller.address):
            account = self.authentication.authenticate(email, password, caller)
            if account.must_change:
                raise PasswordChangeRequired(self.password_page)
            if self.passwords.outdated(account.password_hash):
                self._rehash(account, self.passwords.hash(password))
        given = self.second_factor.verify(account, code, caller)
        open_session = partial(self.open_session, factor_given=given)
        return account, self.work.run(lambda unit: open_session(unit, account, caller))

    def refresh(self, *, token: str) -> IssuedTokens:
        """Use a refresh token. Using it a second time ends its session."""
        session = self.sessions.by_refresh_token(token)
        if session is None:
            raise InvalidRefreshToken
        account = self._account_of_session(session)
        self.authentication.refuse_expired(account)
        renewed = self.sessions.renew(session, token)
        if renewed is None:  # the token was used before: it may be stolen
            self._end_reused(session)
            raise InvalidRefreshToken
        return self._issue_tokens(account, *renewed)

    @atomic
    def _end_reused(self, unit: Unit, session: Session) -> None:
        unit.audit("session.reuse", by=session.account, target=session.id)
        self.sessions.end(session.id, account_id=session.account)

    def find_doctor(self, account: Account) -> Account | None:
        identifiers = {account.doctor_id} if account.doctor_id else set[str]()
        doctor = next(iter(self.accounts.by_ids(identifiers).values()), None)
        return doctor if doctor and doctor.active_doctor else None

    def change_password(
        self, *, subject: Subject, current: str, new: str, caller: ClientInfo
    ) -> IssuedTokens:
        account = self.accounts.get(subject.id)
        with self.passwords.place(caller.address, signed=True):
            self.authentication.verify_own_password(account, current, caller)
            new_hash = self._hash_another(new, current)
            return self._set_password(
                account,
                new_hash,
                caller=caller,
                factor_given=subject.factor_given,
                wrong=WrongPassword,
            )

    def replace_password(
        self, *, email: str, current: str, new: str, caller: ClientInfo, code: str | None = None
    ) -> IssuedTokens:
        with self.passwords.place(caller.address):
            account = self.authentication.authenticate(email, current, caller)
            given = self.second_factor.verify(account, code, caller)
            new_hash = self._hash_another(new, current)
            return self._set_password(
                account, new_hash, caller=caller, factor_given=given, wrong=InvalidCredentials
            )

    @atomic
    def change_own_account(self, unit: Unit, *, account_id: str, wanted: AccountFields) -> None:
        account = self.accounts.get(account_id)
        changed = sorted(name for name, value in wanted.items() if value != getattr(account, name))
        if changed:
            detail = " ".join(changed)
            unit.audit("account.change", by=account_id, target=account_id, detail=detail)
            self.accounts.change(unit, account, **wanted)

    def lacks_second_factor(self, account: Account, session_id: str) -> bool:
        if not account.lacks_second_factor(self.second_factor.required_roles):
            return False
        session = self.sessions.find_valid(session_id, account=account)
        return session is None or not session.factor_there

    @atomic
    def end_session(self, unit: Unit, *, session_id: str, by: str) -> None:
        unit.audit("session.end", by=by, target=by)
        if not self.sessions.end(session_id, account_id=by):
            raise NotFound(NO_SESSION)

    @atomic
    def log_out(self, unit: Unit, *, subject: Subject) -> None:
        unit.audit("account.logout", by=subject.id, target=subject.id)
        self.sessions.end(subject.session_id, account_id=subject.id)

    def _hash_another(self, new: str, current: str) -> str:
        if new == current:
            raise BadRequest("The new password must differ from the current one")
        return self.passwords.hash(new)

    @atomic
    def _set_password(
        self,
        unit: Unit,
        checked: Account,
        new_hash: str,
        *,
        caller: ClientInfo,
        factor_given: bool,
        wrong: type[SkinAPIError],
    ) -> IssuedTokens:
        unit.audit("account.password", by=checked.id, target=checked.id)
        account = self.accounts.get(checked.id)
        if account.token_version != checked.token_version:  # it was replaced meanwhile
            raise wrong
        changed = self.accounts.change(
            unit,
            account,
            password_hash=new_hash,
            initial_password_expires_at=None,
            token_version=account.token_version + 1,
        )
        self.sessions.forget(account.id)
        # Whoever knew the old password may have logged in from elsewhere.
        self.guess_limits.forget_other_addresses(
            account.id, email=account.email, address=caller.address
        )
        self.outbox.add(Kind.PASSWORD_CHANGED, to=account.id, about="forgotten")
        return self.open_session(unit, changed, caller, factor_given=factor_given)

    def _account_of_session(self, session: Session) -> Account:
        try:
            account = self.accounts.get(session.account)
        except NotFound as error:
            raise InvalidRefreshToken from error
        if account.barred:
            raise InvalidRefreshToken
        if account.token_version != session.token_version or not session.opens(account):
            raise InvalidRefreshToken
        return account

    @atomic
    def _rehash(self, unit: Unit, account: Account, new_hash: str) -> None:
        with suppress(NotFound):  # deleted meanwhile: its session opens nothing
            stored = self.accounts.get(account.id)
            if stored.password_hash == account.password_hash:
                self.accounts.change(unit, stored, password_hash=new_hash)

    def open_session(
        self,
        unit: Unit,
        account: Account,
        caller: ClientInfo,
        *,
        factor_given: bool,
        opened_at: ProviderSession | None = None,
    ) -> IssuedTokens:
        """Call it in a transaction. `opened_at` names the provider that opened the session."""
        if self.outbox.enabled and caller.browser not in account.browsers:
            self._tell_of_new_browser(unit, account.id, caller.browser)
        session_and_token = self.sessions.open(
            account,
            client=caller.client,
            renews=caller.renews,
            factor_given=factor_given,
            opened_at=opened_at,
        )
        return self._issue_tokens(account, *session_and_token)

    def _tell_of_new_browser(self, unit: Unit, account_id: str, browser: str) -> None:
        """Mail the owner if the account was opened before, but only in other browsers."""
        with suppress(NotFound):  # deleted meanwhile: its session opens nothing
            account = self.accounts.get(account_id)
            if browser in account.browsers:
                return
            self.accounts.change(
                unit, account, browsers=(*account.browsers, browser)[-MOST_BROWSERS:]
            )
            if account.browsers:
                self.outbox.add(Kind.UNUSUAL_LOG_IN, to=account_id, about="forgotten")

    def _issue_tokens(
        self, account: Account, session: Session, refresh_token: str | None
    ) -> IssuedTokens:
        expires_at = self.sessions.access_until(session)
        token = self.tokens.sign(
            account_id=account.id,
            token_version=account.token_version,
            session_id=session.id,
            # Not now(): a new second may have begun, which would shorten the token's life.
            issued_at=session.used_at,
            expires_at=expires_at,
        )
        return IssuedTokens(token, expires_at, refresh_token)
