"""Access tokens: JWTs signed with HS256, see https://www.rfc-editor.org/rfc/rfc7519

They contain the ids of account and session and the token version, but no e-mail address and no
role. How long one lives: the settings TOKEN_HOURS and ACCESS_MINUTES, by sessions.py. Whether one
still counts: guard.py.
"""

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field

from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.errors import SecondFactorNotGiven, SecondFactorRequired
from skinapi.auth.sessions import Session, Sessions
from skinapi.errors import (
    ExpiredToken,
    Forbidden,
    InvalidToken,
    NotFound,
    PasswordChangeRequired,
    Unauthenticated,
)
from skinapi.storage.ids import new_id
from skinapi.web.access import Access, Opened, Public, Scraper, Signed, Subject
from skinapi.web.schemas import Identifier

ALGORITHM = "HS256"
REQUIRED_CLAIMS = ["exp", "iat", "jti", "sub"]
# The library would refuse every token of a server whose clock is a second ahead. The guard looks at
# the session, which was opened or renewed when the token was issued (`Sessions.find`).
DECODE_OPTIONS: Any = {"require": REQUIRED_CLAIMS, "verify_iat": False}
LATEST = 2**33  # in the year 2242; datetime cannot represent years after 9999


class _Payload(BaseModel):
    """The claims in the form that `sign` writes. Anything else is refused before it reaches the
    store.
    """

    model_config = ConfigDict(strict=True)

    sub: Identifier
    jti: Identifier
    sid: Identifier
    ver: int
    iat: Annotated[int, Field(le=LATEST)]
    exp: Annotated[int, Field(le=LATEST)]


@dataclass(frozen=True)
class Claims:
    account_id: str
    token_version: int
    session_id: str


class Tokens:
    """Signs and reads access tokens. `Guard` checks whether a token was revoked."""

    def __init__(self, *, key: str) -> None:
        self._key = key

    def sign(
        self,
        *,
        account_id: str,
        token_version: int,
        session_id: str,
        issued_at: datetime,
        expires_at: datetime,
    ) -> str:
        claims = {
            "sub": account_id,
            "ver": token_version,
            "sid": session_id,
            "jti": new_id(),
            "iat": issued_at,
            "exp": expires_at,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> Claims:
        """The claims of a token. Raises ExpiredToken or InvalidToken."""
        try:
            payload = jwt.decode(token, self._key, algorithms=[ALGORITHM], options=DECODE_OPTIONS)
            claims = _Payload.model_validate(payload)
        except jwt.ExpiredSignatureError as error:
            raise ExpiredToken from error
        # ArithmeticError: a claim such as Infinity overflows when it becomes an integer.
        except (jwt.InvalidTokenError, ValueError, TypeError, ArithmeticError) as error:
            raise InvalidToken from error
        return Claims(account_id=claims.sub, token_version=claims.ver, session_id=claims.sid)


# Access control: enforces what each route declares.
#
# Account and session are read from the store once for each request, so that deletion, suspension
# and demotion take effect at once. The subject carries the account to the routes.


ADMIN_ONLY = Signed(roles=("admin",))


class Guard:
    """Checks the Authorization header of a request against the access of its route."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        sessions: Sessions,
        tokens: Tokens,
        metrics_token: str | None,
        password_page: str,
        open_clients: Collection[str],
        lacks_second_factor: Callable[[Account], bool],
        account_page: str,
    ) -> None:
        """`lacks_second_factor` tells whether the operator requires one of an account without."""
        self._lacks_second_factor = lacks_second_factor
        self._account_page = account_page
        self._open_clients = open_clients
        self._accounts = accounts
        self._sessions = sessions
        self._tokens = tokens
        self._metrics_token = metrics_token
        self._password_page = password_page

    def admit(self, access: Access, authorization: str | None) -> Subject | None:
        """The caller, or None for a request that needs no account.

        Raises Unauthenticated, InvalidToken, ExpiredToken, SecondFactorNotGiven, Forbidden,
        AccountNotApproved, AccountSuspended, PasswordChangeRequired or SecondFactorRequired.
        """
        if isinstance(access, Public):
            return None
        if isinstance(access, Opened):
            if not authorization:
                self._refuse_closed(access)
                return None
            access = Signed(roles=access.roles)
        token = _bearer(authorization)
        if isinstance(access, Scraper):
            # Constant time: == would reveal by its time how many characters are right.
            if self._metrics_token and hmac.compare_digest(
                token.encode(), self._metrics_token.encode()
            ):
                return None
            # Not the operator's token: then it must be the access token of an admin.
            access = ADMIN_ONLY
        claims = self._tokens.read(token)
        account, session = self._read(claims)
        if not session.opens(account):
            raise SecondFactorNotGiven
        account.refuse_inactive(even_waiting=access.even_waiting)
        if account.must_change and not access.even_unready:
            raise PasswordChangeRequired(self._password_page)
        if self._lacks_second_factor(account) and not access.even_unready:
            raise SecondFactorRequired(self._account_page)
        if account.role not in access.roles:
            raise Forbidden(access.refusal)
        return Subject(account.id, account.role, session.id, account, session.factor_given)

    def _refuse_closed(self, access: Opened) -> None:
        if not any(name in self._open_clients for name in access.clients):
            raise Unauthenticated(access.closed)

    def _read(self, claims: Claims) -> tuple[Account, Session]:
        """The account and the session of a token that is not revoked. Raises InvalidToken."""
        try:
            account = self._accounts.get(claims.account_id)
        except NotFound as error:
            raise InvalidToken from error
        revoked = account.status == "deleting" or account.token_version != claims.token_version
        session = self._sessions.find(claims.session_id, account=account)
        if revoked or session is None:
            raise InvalidToken
        return account, session


def _bearer(authorization: str | None) -> str:
    """The token of the header: https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""
    if not authorization:
        raise Unauthenticated
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise InvalidToken
    return token.strip()
