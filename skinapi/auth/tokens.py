"""Access tokens: HS256, an account's id and token version and a session, no e-mail and no role."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field

from skinapi.errors import ExpiredToken, InvalidToken
from skinapi.storage.ids import new_id
from skinapi.web.schema_types import Identifier

ALGORITHM = "HS256"
REQUIRED = ["exp", "iat", "jti", "sub"]
# When a token was issued bars nobody: clocks differ, and one that is put back would shut out all.
CHECKS: Any = {"require": REQUIRED, "verify_iat": False}
LATEST = 2**33  # in the year 2242; beyond 9999 no calendar can say it


class _Payload(BaseModel):
    """The claims as only we write them: nothing else may reach the store."""

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
        """Raises ExpiredToken or InvalidToken."""
        try:
            payload = jwt.decode(token, self._key, algorithms=[ALGORITHM], options=CHECKS)
            claims = _Payload.model_validate(payload)
        except jwt.ExpiredSignatureError as error:
            raise ExpiredToken from error
        except (jwt.InvalidTokenError, ValueError, TypeError, ArithmeticError) as error:
            raise InvalidToken from error
        return Claims(account_id=claims.sub, token_version=claims.ver, session_id=claims.sid)
