"""Access tokens: HS256, an account's id and token version, no e-mail and no role."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field

from skinapi.errors import Duplicate, ExpiredToken, InvalidToken
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Store
from skinapi.web.fields import Identifier

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
    ver: int
    exp: Annotated[int, Field(le=LATEST)]


@dataclass(frozen=True)
class Claims:
    account_id: str
    token_version: int
    token_id: str
    expires_at: datetime


class Tokens:
    def __init__(self, store: Store, *, key: str, hours: int) -> None:
        self._key = key
        self._life = timedelta(hours=hours)
        self._sessions = store.collection("sessions")
        self._sessions.expire_by("expires_at")

    def issue(self, *, account_id: str, token_version: int) -> str:
        moment = now()
        claims = {
            "sub": account_id,
            "ver": token_version,
            "jti": new_id(),
            "iat": moment,
            "exp": moment + self._life,
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
        return Claims(
            account_id=claims.sub,
            token_version=claims.ver,
            token_id=claims.jti,
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
        )

    def revoke(self, *, token_id: str, expires_at: datetime) -> None:
        """Until it would have expired anyway. Revoking twice is revoking once."""
        row = {"id": _kept(token_id), "schema": 1, "created_at": now(), "expires_at": expires_at}
        with suppress(Duplicate):
            self._sessions.insert(row)

    def revoked(self, token_id: str) -> bool:
        return self._sessions.get(_kept(token_id)) is not None


def _kept(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()
