"""Sets up, checks and removes the second factor of an account."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts, Decide, SecondFactor
from skinapi.auth.errors import CodeRequired, NoSecondFactor, SecondFactorKept, WrongCode
from skinapi.auth.guess_limits import GuessAttempt, GuessLimits
from skinapi.auth.passwords import Authentication, ClientInfo, Passwords
from skinapi.auth.sessions import Sessions
from skinapi.notices.outbox import Kind, Outbox
from skinapi.storage.ids import now

# Time-based one-time codes (RFC 6238) and recovery codes.


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


# One's own mistakes are fewer: two in a row are common, with a clock that is off or a used code.
WRONG_CODES_TOLD = 3


class SecondFactorService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        authentication: Authentication,
        guess_limits: GuessLimits,
        sessions: Sessions,
        trail: AuditTrail,
        outbox: Outbox,
        keys: Sequence[str],
        required_roles: Collection[str],
    ) -> None:
        """`keys` are the secrets of this server, the current one first. No secret of a second
        factor is stored: it is derived of a key and of a random salt.
        """
        self._accounts = accounts
        self._passwords = passwords
        self._authentication = authentication
        self._guess_limits = guess_limits
        self._sessions = sessions
        self._trail = trail
        self._outbox = outbox
        self._keys = [key.encode() for key in keys]
        self._required_roles = required_roles

    def begin(self, *, account_id: str, password: str, caller: ClientInfo) -> tuple[Account, bytes]:
        """A new secret for the account, which `confirm` puts in force.

        Raises the errors of `verify_own_password`, and SecondFactorKept where one is in force.
        """
        account = self._checked(account_id, password, caller)
        pending = SecondFactor(salt=secrets.token_hex(16))

        def decide(own: Account) -> dict[str, Any]:
            if own.has_second_factor:
                raise SecondFactorKept
            return {"second_factor": pending}

        return self._accounts.change(account_id, decide), self._secrets(account, pending)[0]

    def confirm(self, *, account_id: str, session_id: str, code: str) -> list[str]:
        """Put the second factor in force with a first code of the app, and return the recovery
        codes, which nobody can show again. The session that gave the code goes on; all others end.

        Raises WrongCode, TooManyCodes, NoSecondFactor, SecondFactorKept.
        """
        guess = self._take_guess(self._accounts.get(account_id))
        recovery = new_recovery_codes()
        hashes = tuple(map(hash_recovery_code, recovery))

        def decide(own: Account) -> dict[str, Any]:
            if own.has_second_factor:
                raise SecondFactorKept
            if own.second_factor is None:
                raise NoSecondFactor
            used = self._use_code(own, own.second_factor, code)
            return {
                "second_factor": used.model_copy(update={"confirmed": True, "recovery": hashes})
            }

        def put_in_force() -> None:
            self._accounts.change(account_id, decide)
            self._sessions.keep_only(session_id, account_id=account_id)

        self._trail.change(put_in_force, "account.second_factor", by=account_id, target=account_id)
        self._guess_limits.give_back(guess)
        return recovery

    def remove(self, *, account_id: str, password: str, code: str, caller: ClientInfo) -> None:
        """Take the second factor away, with the password and a code.

        Raises the errors of `verify_own_password`, WrongCode, TooManyCodes, NoSecondFactor.
        """
        account = self._checked(account_id, password, caller)

        def decide(own: Account) -> dict[str, Any]:
            if own.second_factor is None or not own.has_second_factor:
                raise NoSecondFactor
            self._use(own, own.second_factor, code)
            return {"second_factor": None}

        self._use_up(account, code, caller, decide, action="account.second_factor_removed")

    def verify(self, account: Account, code: str | None, caller: ClientInfo) -> bool:
        """For a login with the right password: use up a code of the account, whose address becomes
        known. False where it has no second factor: then nothing is asked.

        Raises CodeRequired without a code,
        WrongCode, also for one that was used before, and TooManyCodes.
        """
        if not account.has_second_factor:
            return False
        if not code:
            raise CodeRequired

        def decide(own: Account) -> dict[str, Any]:
            if own.second_factor is None:  # removed meanwhile
                return {}
            return {"second_factor": self._use(own, own.second_factor, code)}

        action = "account.recovery_code" if is_recovery_code(code) else None
        self._use_up(account, code, caller, decide, action=action)
        self._guess_limits.remember(account, address=caller.address)
        return True

    def is_missing(self, account: Account) -> bool:
        """Whether the operator requires a second factor of this account, and it has none."""
        return account.role in self._required_roles and not account.has_second_factor

    def _use_up(
        self,
        account: Account,
        code: str,
        caller: ClientInfo,
        decide: Decide,
        *,
        action: str | None,
    ) -> None:
        """Change the account with a code, after the right password. Raises WrongCode, TooManyCodes
        and what `decide` raises.
        """
        guess = self._take_guess(account, caller.address, recovery=is_recovery_code(code))
        change = partial(self._accounts.change, account.id, decide)
        try:
            if action:
                self._trail.change(change, action, by=account.id, target=account.id)
            else:
                change()
        except WrongCode:
            self._warn(account, guess)
            raise
        self._guess_limits.give_back(guess)

    def _warn(self, account: Account, guess: GuessAttempt) -> None:
        """Tell the owner by mail, once a day: only who knows the password gets so far."""
        told = self._outbox.enabled and guess.count >= WRONG_CODES_TOLD
        if told and self._guess_limits.take_warning(account):
            self._outbox.add(Kind.WRONG_CODES, to=account.id, about="forgotten")

    def _take_guess(
        self, account: Account, address: str = "", *, recovery: bool = False
    ) -> GuessAttempt:
        guess = self._guess_limits.take_code(account, address=address, recovery=recovery)
        if guess.last:
            self._trail.record("account.guessing", by="anonymous", target=account.id)
        return guess

    def _checked(self, account_id: str, password: str, caller: ClientInfo) -> Account:
        account = self._accounts.get(account_id)
        with self._passwords.place(caller.address, signed=True):
            self._authentication.verify_own_password(account, password, caller)
        return account

    def _use(self, account: Account, factor: SecondFactor, code: str) -> SecondFactor:
        """The factor after this code, which cannot be used again. Raises WrongCode."""
        if not is_recovery_code(code):
            return self._use_code(account, factor, code)
        used = hash_recovery_code(code)
        if used not in factor.recovery:
            raise WrongCode
        left = tuple(one for one in factor.recovery if one != used)
        return factor.model_copy(update={"recovery": left})

    def _use_code(self, account: Account, factor: SecondFactor, code: str) -> SecondFactor:
        typed = "".join(code.split())
        found = (matching_step(each, typed, at=now()) for each in self._secrets(account, factor))
        step = next((step for step in found if step is not None), None)
        if step is None or step <= factor.used_step:
            raise WrongCode
        return factor.model_copy(update={"used_step": step})

    def _secrets(self, account: Account, factor: SecondFactor) -> list[bytes]:
        """The secret by the current key, then by the former ones."""
        message = f"second factor\n{account.id}\n{factor.salt}".encode()
        return [hmac.digest(key, message, "sha256")[:SECRET_BYTES] for key in self._keys]


# A QR code as the path of an SVG.


def draw_qr(text: str) -> tuple[int, str]:
    """How many squares it is wide, and the path of the dark ones."""
    # Here, because it loads much, and few requests want it.
    from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel  # noqa: PLC0415

    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    dark = [
        f"M{across} {down}h1v1h-1z"
        for down, row in enumerate(code.modules)
        for across, square in enumerate(row)
        if square
    ]
    return len(code.modules), "".join(dark)
