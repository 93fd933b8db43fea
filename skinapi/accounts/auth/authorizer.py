"""Admits requests by their access token, a JWT signed with HS256. A token contains no e-mail
address or role. Account and session are read for each request, so that deletion, suspension and
demotion take effect immediately.
"""

import base64
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.errors import SecondFactorNotGiven, SecondFactorRequired
from skinapi.accounts.auth.owners import AccountUses
from skinapi.accounts.auth.sessions import Session, Sessions
from skinapi.base.errors import (
    ExpiredToken,
    Forbidden,
    InvalidToken,
    NotFound,
    PasswordChangeRequired,
    Unauthenticated,
)
from skinapi.base.field_types import Identifier
from skinapi.platform.storage.ids import new_id
from skinapi.platform.web.declaration import (
    Access,
    Authenticated,
    MetricsReader,
    OpenedToClient,
    Public,
)

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHM = "HS256"
REQUIRED_CLAIMS = ["exp", "iat", "jti", "sub"]
# The library would refuse tokens from a server whose clock is a second ahead. The session is
# checked instead (`Sessions.find`).
DECODE_OPTIONS: Any = {"require": REQUIRED_CLAIMS, "verify_iat": False}
LATEST = 2**33  # in the year 2242; datetime cannot represent years after 9999


class Claims(BaseModel):
    """Rejects all but the claims of `sign` before the store is read."""

    model_config = ConfigDict(strict=True)

    sub: Identifier
    jti: Identifier
    sid: Identifier
    ver: int
    iat: Annotated[int, Field(le=LATEST)]
    exp: Annotated[int, Field(le=LATEST)]


class Tokens:
    def __init__(self, *, key: str) -> None:
        self._secret = base64.urlsafe_b64encode(key.encode()).decode()

    @cached_property
    def _key(self) -> "PyJWK":
        """Cached, because the library would examine the key for each token."""
        import jwt  # noqa: PLC0415 (it takes 3 % of a start, and the first answer needs no token)

        return jwt.PyJWK({"kty": "oct", "alg": ALGORITHM, "k": self._secret})

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
        import jwt  # noqa: PLC0415

        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> Claims:
        import jwt  # noqa: PLC0415

        try:
            payload = jwt.decode(token, self._key, algorithms=[ALGORITHM], options=DECODE_OPTIONS)
            return Claims.model_validate(payload)
        except jwt.ExpiredSignatureError as error:
            raise ExpiredToken from error
        # ArithmeticError: a claim such as Infinity overflows when converted to an integer.
        except (jwt.InvalidTokenError, ValueError, TypeError, ArithmeticError) as error:
            raise InvalidToken from error


ADMIN_ONLY = Authenticated(roles=("admin",))


@dataclass(frozen=True, slots=True)
class OpenClients:
    names: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """`second_factor_roles` are the roles that must use a second factor."""

    accounts: Accounts
    sessions: Sessions
    tokens: Tokens
    metrics_token: str | None
    password_page: str
    opened: OpenClients
    second_factor_roles: Collection[str]
    account_page: str
    uses: AccountUses

    def admit(self, access: Access, authorization: str | None) -> Subject | None:
        """Return None for a request that needs no account."""
        if isinstance(access, Public):
            return None
        if isinstance(access, OpenedToClient):
            if not authorization:
                if not any(name in self.opened.names for name in access.clients):
                    raise Unauthenticated(access.closed)
                return None
            access = Authenticated(roles=access.roles)
        token = read_bearer(authorization)
        if isinstance(access, MetricsReader):
            # Constant time: == would reveal how many characters are right.
            if self.metrics_token and hmac.compare_digest(
                token.encode(), self.metrics_token.encode()
            ):
                return None
            # Without the operator's token, require an admin's access token.
            access = ADMIN_ONLY
        claims = self.tokens.read(token)
        account, session = self._read(claims)
        if not session.opens(account):
            raise SecondFactorNotGiven
        self.refuse_unready(access, account, factor_there=session.factor_there)
        if account.role not in access.roles:
            raise Forbidden(access.refusal)
        self.uses.note_seen(account)
        given = session.factor_given
        return Subject(account.id, account.role, session.id, account, factor_given=given)

    def refuse_unready(
        self, access: Authenticated, account: Account, *, factor_there: bool = False
    ) -> None:
        """`factor_there` is true if the provider asked for a second factor."""
        account.refuse_inactive(even_waiting=access.even_waiting)
        if account.must_change and not access.even_unready:
            raise PasswordChangeRequired(self.password_page)
        lacks_factor = account.lacks_second_factor(self.second_factor_roles)
        if lacks_factor and not (factor_there or access.even_unready):
            raise SecondFactorRequired(self.account_page)

    def _read(self, claims: Claims) -> tuple[Account, Session]:
        try:
            account = self.accounts.get(claims.sub)
        except NotFound as error:
            raise InvalidToken from error
        session = self.sessions.find_valid(claims.sid, account=account)
        if account.token_version != claims.ver or session is None:
            raise InvalidToken
        return account, session


def read_bearer(authorization: str | None) -> str:
    """Parse the header of https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""
    if not authorization:
        raise Unauthenticated
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise InvalidToken
    return token.strip()
