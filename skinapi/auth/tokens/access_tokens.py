"""Access tokens: JWTs signed with HS256, see https://www.rfc-editor.org/rfc/rfc7519

They contain the ids of account and session and the token version, but no e-mail address and no
role. How long one lives: the settings TOKEN_HOURS and ACCESS_MINUTES, by sessions.py. Whether one
still counts: guard.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field

from skinapi.errors import ExpiredToken, InvalidToken
from skinapi.storage.ids import new_id
from skinapi.web.schemas.schema_types import Identifier

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
