"""Time-based one-time codes (RFC 6238) and recovery codes."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S, DIGITS = 30, 6
# A code is taken one step early and one late: for a clock that is wrong, and a slow typist.
TOLERATED_STEPS = 1
SECRET_BYTES = 20
RECOVERY_CODES = 10
_GROUPS, _GROUP = 4, 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """The code of this step of 30 seconds since 1970."""
    # SHA-1 is what all apps know; as an HMAC it is not broken.
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def step_of(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_S


def matching_step(secret: bytes, code: str, *, at: datetime) -> int | None:
    """The step near this time whose code it is; None for a wrong code."""
    now = step_of(at)
    steps = range(now - TOLERATED_STEPS, now + TOLERATED_STEPS + 1)
    return next((step for step in steps if hmac.compare_digest(code_at(secret, step), code)), None)


def is_recovery_code(code: str) -> bool:
    """Whether this was meant as one: it is longer than a code of the app."""
    return len(_letters(code)) > DIGITS


def new_recovery_codes() -> list[str]:
    """Each has 79 random bits."""

    def group() -> str:
        return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))

    return ["-".join(group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(code: str) -> str:
    """Of its letters, however they are spaced. A plain hash: nobody tries 2^79 codes."""
    return hashlib.sha256(_letters(code).encode()).hexdigest()


def _letters(code: str) -> str:
    return "".join(code.lower().replace("-", " ").split())


def spell_secret(secret: bytes) -> str:
    """As people type it into an app."""
    return base64.b32encode(secret).decode()


def provisioning_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """The address that opens an authenticator app, as a link or as a QR code."""
    query = {"secret": spell_secret(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{quote(f'{issuer}:{account}')}?{urlencode(query, quote_via=quote)}"
