"""Access tokens, and how long they and their sessions live.

An access token is a JWT signed with HS256, see https://www.rfc-editor.org/rfc/rfc7519. It contains
the ids of account and session and the token version, but no e-mail address and no role. Whether one
still counts: authorizer.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

import jwt
from pydantic import BaseModel, ConfigDict, Field

from skinapi.base.errors import ExpiredToken, InvalidToken
from skinapi.base.field_types import Identifier
from skinapi.base.settings import Settings
from skinapi.platform.storage.ids import new_id

ALGORITHM = "HS256"
REQUIRED_CLAIMS = ["exp", "iat", "jti", "sub"]
# The library would refuse every token of a server whose clock is a second ahead. Admission looks at
# the session, which was opened or renewed when the token was issued (`Sessions.find`).
DECODE_OPTIONS: Any = {"require": REQUIRED_CLAIMS, "verify_iat": False}
LATEST = 2**33  # in the year 2242; datetime cannot represent years after 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long tokens and sessions live, by the settings TOKEN_HOURS (`day`), ACCESS_MINUTES
    (`access`), SESSION_DAYS (`session`) and SESSION_IDLE_DAYS (`idle`).

    A login gets one access token for a working day, or a short one with a refresh token, which
    renews both: then the session goes on as long as it is used, but not for ever.
    """

    day: timedelta
    access: timedelta
    session: timedelta
    idle: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            day=timedelta(hours=settings.token_hours),
            access=timedelta(minutes=settings.access_minutes),
            session=timedelta(days=settings.session_days),
            idle=timedelta(days=settings.session_idle_days),
        )

    def end_session(self, opened_at: datetime, *, renews: bool) -> datetime:
        """The latest end of a session, and of the only token of one that is not renewed."""
        return opened_at + (self.session if renews else self.day)

    def end_unused(self, used_at: datetime, ends_at: datetime) -> datetime:
        """When a session ends that is not renewed again."""
        return min(used_at + self.idle, ends_at)

    def end_access(self, used_at: datetime, expires_at: datetime) -> datetime:
        """When the short access token ends that was made at the last login or refresh."""
        return min(used_at + self.access, expires_at)


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
    """Signs and reads access tokens. `Authorizer` checks whether a token was revoked."""

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
