"""Registering, logging in, changing one's password, logging out."""

from skinapi.audit import Trail
from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.emails import normalise_email
from skinapi.auth.passwords import Passwords
from skinapi.auth.tokens import Tokens
from skinapi.errors import (
    AccountNotApproved,
    AccountSuspended,
    BadRequest,
    EmailTaken,
    Forbidden,
    InitialPasswordExpired,
    InvalidCredentials,
    Stale,
)
from skinapi.storage.ids import new_id, now
from skinapi.web.access import Subject


class AuthService:
    def __init__(
        self, *, accounts: Accounts, passwords: Passwords, tokens: Tokens, trail: Trail
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._tokens = tokens
        self._trail = trail

    def register_user(self, *, name: str, email: str, password: str) -> str:
        """A new account, waiting for approval; its token. Raises EmailTaken."""
        if self._accounts.by_email(email):
            raise EmailTaken
        kept_hash = self._passwords.hash(password)
        identifier = new_id()
        with self._trail.act("account.register", by=identifier, target=identifier):
            account = self._accounts.add(
                id=identifier, name=name, email=email, password_hash=kept_hash
            )
        return self._token_of(account)

    def log_in(self, *, email: str, password: str) -> tuple[Account, str]:
        """The account and a token. Says no more than InvalidCredentials until both are right."""
        account = self._account_at(email)
        right = self._passwords.matches(password, account.password_hash if account else None)
        if not account or not right or account.status == "deleting":
            raise InvalidCredentials
        _refuse_barred(account)
        if self._passwords.outdated(account.password_hash):
            account = self._rehash(account, password)
        return account, self._token_of(account)

    def describe(self, *, account_id: str) -> tuple[Account, str | None]:
        """The account, and its doctor's e-mail."""
        account = self._accounts.get(account_id)
        if account.doctor_id is None:
            return account, None
        return account, self._accounts.emails_of({account.doctor_id}).get(account.doctor_id)

    def change_password(self, *, account_id: str, current: str, new: str) -> str:
        """Every token from before dies; the answer is a new one."""
        account = self._accounts.get(account_id)
        if not self._passwords.matches(current, account.password_hash):
            raise Forbidden("The current password is not right")
        if new == current:
            raise BadRequest("The new password must differ from the current one")
        _refuse_expired(account)
        kept_hash = self._passwords.hash(new)
        with self._trail.act("account.password", by=account_id, target=account_id):
            changed = self._accounts.change(
                account,
                password_hash=kept_hash,
                must_change=False,
                initial_password_expires_at=None,
                token_version=account.token_version + 1,
            )
        return self._token_of(changed)

    def set_consents(self, *, account_id: str, consents: dict[str, bool]) -> None:
        """Raises Stale."""
        account = self._accounts.get(account_id)
        with self._trail.act("account.consents", by=account_id, target=account_id):
            self._accounts.change(account, consents={**account.consents, **consents})

    def log_out(self, *, subject: Subject) -> None:
        with self._trail.act("account.logout", by=subject.id, target=subject.id):
            self._tokens.revoke(token_id=subject.token_id, expires_at=subject.token_expires_at)

    def _account_at(self, email: str) -> Account | None:
        try:
            return self._accounts.by_email(normalise_email(email))
        except ValueError:
            return None

    def _rehash(self, account: Account, password: str) -> Account:
        """At today's cost. If the account changes meanwhile, the next login does it."""
        try:
            return self._accounts.change(account, password_hash=self._passwords.hash(password))
        except Stale:
            return account

    def _token_of(self, account: Account) -> str:
        return self._tokens.issue(account_id=account.id, token_version=account.token_version)


def _refuse_barred(account: Account) -> None:
    if account.status == "suspended":
        raise AccountSuspended
    if account.status == "waiting":
        raise AccountNotApproved
    _refuse_expired(account)


def _refuse_expired(account: Account) -> None:
    expires = account.initial_password_expires_at
    if account.must_change and expires is not None and expires < now():
        raise InitialPasswordExpired
