"""Access control: enforces what each route declares.

Account and session are read from the store once for each request, so that deletion, suspension and
demotion take effect at once. The subject carries the account to the routes.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.errors import SecondFactorNotGiven, SecondFactorRequired
from skinapi.accounts.auth.sessions import Session, Sessions
from skinapi.accounts.auth.tokens import Claims, Tokens
from skinapi.accounts.auth.unused_accounts import AccountUses
from skinapi.base.errors import (
    Forbidden,
    InvalidToken,
    NotFound,
    PasswordChangeRequired,
    Unauthenticated,
)
from skinapi.base.subject import Subject
from skinapi.platform.web.declaration import Access, Opened, Public, Scraper, Signed

ADMIN_ONLY = Signed(roles=("admin",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """Checks the Authorization header of a request against the access of its route.
    `second_factor_roles` are the roles of which the operator requires a second factor.
    """

    accounts: Accounts
    sessions: Sessions
    tokens: Tokens
    metrics_token: str | None
    password_page: str
    open_clients: Collection[str]
    second_factor_roles: Collection[str]
    account_page: str
    uses: AccountUses

    def admit(self, access: Access, authorization: str | None) -> Subject | None:
        """The caller, or None for a request that needs no account.

        Raises Unauthenticated, InvalidToken, ExpiredToken, SecondFactorNotGiven, Forbidden,
        AccountNotApproved, AccountSuspended, PasswordChangeRequired or SecondFactorRequired.
        """
        if isinstance(access, Public):
            return None
        if isinstance(access, Opened):
            if not authorization:
                if not any(name in self.open_clients for name in access.clients):
                    raise Unauthenticated(access.closed)
                return None
            access = Signed(roles=access.roles)
        token = read_bearer(authorization)
        if isinstance(access, Scraper):
            # Constant time: == would reveal by its time how many characters are right.
            if self.metrics_token and hmac.compare_digest(
                token.encode(), self.metrics_token.encode()
            ):
                return None
            # Not the operator's token: then it must be the access token of an admin.
            access = ADMIN_ONLY
        claims = self.tokens.read(token)
        account, session = self._read(claims)
        if not session.opens(account):
            raise SecondFactorNotGiven
        self.refuse_unready(access, account, factor_there=session.factor_there)
        if account.role not in access.roles:
            raise Forbidden(access.refusal)
        self.uses.note_seen(account)
        return Subject(account.id, account.role, session.id, account, session.factor_given)

    def refuse_unready(
        self, access: Signed, account: Account, *, factor_there: bool = False
    ) -> None:
        """`factor_there`: the provider of the clinic's log-in has asked for a second factor.

        Raises AccountNotApproved, AccountSuspended, PasswordChangeRequired or SecondFactorRequired.
        """
        account.refuse_inactive(even_waiting=access.even_waiting)
        if account.must_change and not access.even_unready:
            raise PasswordChangeRequired(self.password_page)
        lacks_factor = account.lacks_second_factor(self.second_factor_roles)
        if lacks_factor and not (factor_there or access.even_unready):
            raise SecondFactorRequired(self.account_page)

    def _read(self, claims: Claims) -> tuple[Account, Session]:
        """The account and the session of a token that is not revoked. Raises InvalidToken."""
        try:
            account = self.accounts.get(claims.account_id)
        except NotFound as error:
            raise InvalidToken from error
        revoked = account.status == "deleting" or account.token_version != claims.token_version
        session = self.sessions.find_valid(claims.session_id, account=account)
        if revoked or session is None:
            raise InvalidToken
        return account, session


def read_bearer(authorization: str | None) -> str:
    """The token of the header: https://www.rfc-editor.org/rfc/rfc6750#section-2.1

    Raises Unauthenticated, InvalidToken.
    """
    if not authorization:
        raise Unauthenticated
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise InvalidToken
    return token.strip()
