import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from skinapi.accounts.auth.account import Account, SecondFactor
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.errors import (
    CodeRequired,
    NoSecondFactor,
    NotJustLoggedIn,
    SecondFactorKept,
    WrongCode,
)
from skinapi.accounts.auth.guess_limits import GuessAttempt, GuessLimits
from skinapi.accounts.auth.passwords import Authentication, ClientInfo, Passwords, Proof
from skinapi.accounts.auth.sessions import Sessions
from skinapi.base.errors import InvalidBody
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

STEP_S, DIGITS = 30, 6
# Accepts the previous and the next code, for inaccurate clocks and slow typing.
TOLERATED_STEPS = 1
SECRET_BYTES = 20
RECOVERY_CODES = 10
_GROUPS, _GROUP = 4, 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    # All apps support SHA-1, which is not broken as an HMAC.
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def step_of(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_S


def matching_step(secret: bytes, code: str, *, at: datetime) -> int | None:
    now = step_of(at)
    steps = range(now - TOLERATED_STEPS, now + TOLERATED_STEPS + 1)
    return next((step for step in steps if hmac.compare_digest(code_at(secret, step), code)), None)


def is_recovery_code(code: str) -> bool:
    """Recovery codes are longer than codes of the app."""
    return len(_letters(code)) > DIGITS


def new_recovery_codes() -> list[str]:
    """Each code has 79 random bits."""

    def group() -> str:
        return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))

    return ["-".join(group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(code: str) -> str:
    """A plain hash is enough for 2^79 possible codes."""
    return hashlib.sha256(_letters(code).encode()).hexdigest()


def _letters(code: str) -> str:
    return "".join(code.lower().replace("-", " ").split())


def spell_secret(secret: bytes) -> str:
    return base64.b32encode(secret).decode()


def provisioning_uri(secret: bytes, *, account: str, issuer: str) -> str:
    query = {"secret": spell_secret(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{quote(f'{issuer}:{account}')}?{urlencode(query, quote_via=quote)}"


# Two wrong codes in a row are common, because of an inaccurate clock or a used code.
WRONG_CODES_TOLD = 3
# For this long after a login, an account without a password needs no other proof.
JUST_NOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorService:
    """`keys` are this server's secrets, the current one first. A factor's secret is derived from a
    key and a random salt, and never stored.
    """

    work: UnitOfWork
    accounts: Accounts
    passwords: Passwords
    authentication: Authentication
    guess_limits: GuessLimits
    sessions: Sessions
    trail: AuditTrail
    outbox: Outbox
    keys: Sequence[str]
    required_roles: Collection[str]

    def begin(
        self, *, account_id: str, session_id: str, password: str, caller: ClientInfo
    ) -> tuple[Account, bytes]:
        account = self.accounts.get(account_id)
        self.verify_owner(account, password, caller, session_id=session_id)
        return self._begin(account_id=account_id)

    @atomic
    def _begin(self, unit: Unit, *, account_id: str) -> tuple[Account, bytes]:
        account = self.accounts.get(account_id)
        if account.has_second_factor:
            raise SecondFactorKept
        pending = SecondFactor(salt=secrets.token_hex(16))
        changed = self.accounts.change(unit, account, second_factor=pending)
        return changed, self._secrets(account, pending)[0]

    def confirm(self, *, account_id: str, session_id: str, code: str) -> list[str]:
        """Return the recovery codes, which can be shown only now. All other sessions end."""
        guess = self._take_guess(self.accounts.get(account_id))
        recovery = new_recovery_codes()
        self._put_in_force(account_id, session_id, code, tuple(map(hash_recovery_code, recovery)))
        self.guess_limits.give_back(guess)
        return recovery

    @atomic
    def _put_in_force(
        self, unit: Unit, account_id: str, session_id: str, code: str, recovery: tuple[str, ...]
    ) -> None:
        unit.audit("account.second_factor", by=account_id, target=account_id)
        own = self.accounts.get(account_id)
        if own.has_second_factor:
            raise SecondFactorKept
        if own.second_factor is None:
            raise NoSecondFactor
        used = self._use_code(own, own.second_factor, code)
        in_force = used.model_copy(update={"confirmed": True, "recovery": recovery})
        self.accounts.change(unit, own, second_factor=in_force)
        self.sessions.keep_only(session_id, account_id=account_id)

    def remove(
        self, *, account_id: str, session_id: str, password: str, code: str, caller: ClientInfo
    ) -> None:
        account = self.accounts.get(account_id)
        self.verify_owner(account, password, caller, session_id=session_id)
        with self._guess(account, code, caller):
            self._remove(account_id=account_id, code=code)

    @atomic
    def _remove(self, unit: Unit, *, account_id: str, code: str) -> None:
        unit.audit("account.second_factor_removed", by=account_id, target=account_id)
        own = self.accounts.get(account_id)
        if own.second_factor is None or not own.has_second_factor:
            raise NoSecondFactor
        self._use(own, own.second_factor, code)
        self.accounts.change(unit, own, second_factor=None)

    def verify(self, account: Account, code: str | None, caller: ClientInfo) -> bool:
        """Return False if the account has no second factor."""
        if not account.has_second_factor:
            return False
        if not code:
            raise CodeRequired
        with self._guess(account, code, caller):
            self._use_up(account_id=account.id, code=code)
        self.guess_limits.remember(account, address=caller.address)
        return True

    @atomic
    def _use_up(self, unit: Unit, *, account_id: str, code: str) -> None:
        if is_recovery_code(code):
            unit.audit("account.recovery_code", by=account_id, target=account_id)
        own = self.accounts.get(account_id)
        if own.second_factor:  # else it was removed meanwhile
            self.accounts.change(unit, own, second_factor=self._use(own, own.second_factor, code))

    @contextmanager
    def _guess(self, account: Account, code: str, caller: ClientInfo) -> Iterator[None]:
        """Count a wrong code. Use it only after the right password."""
        guess = self._take_guess(account, caller.address, recovery=is_recovery_code(code))
        try:
            yield
        except WrongCode:
            self._warn(account, guess)
            raise
        self.guess_limits.give_back(guess)

    def _warn(self, account: Account, guess: GuessAttempt) -> None:
        """Mail the owner once a day, because whoever gets here knows the password."""
        told = self.outbox.enabled and guess.count >= WRONG_CODES_TOLD
        if told and self.guess_limits.take_warning(account):
            self.outbox.add(Kind.UNUSUAL_LOG_IN, to=account.id, about="forgotten")

    def _take_guess(
        self, account: Account, address: str = "", *, recovery: bool = False
    ) -> GuessAttempt:
        guess = self.guess_limits.take_code(account, address=address, recovery=recovery)
        if guess.last:
            self.trail.record(AuditRow("account.guessing", by="anonymous", target=account.id))
        return guess

    def verify_owner(
        self, account: Account, password: str, caller: ClientInfo, *, session_id: str
    ) -> None:
        """Without a password, the session must have been opened just now."""
        if not account.has_password:
            account.refuse_inactive()
            session = self.sessions.find_valid(session_id, account=account)
            if session is None or session.created_at < now() - JUST_NOW:
                raise NotJustLoggedIn
            return
        if not password:  # no guess
            raise InvalidBody("current_password: this account has one, and none was sent")
        with self.passwords.place(caller.address, signed=True):
            self.authentication.verify_own_password(account, password, caller)

    def reauthenticate(self, account: Account, proof: Proof, *, session_id: str) -> None:
        self.verify_owner(account, proof.password, proof.caller, session_id=session_id)
        self.verify(account, proof.code, proof.caller)

    def _use(self, account: Account, factor: SecondFactor, code: str) -> SecondFactor:
        """The code cannot be used again."""
        if not is_recovery_code(code):
            return self._use_code(account, factor, code)
        used = hash_recovery_code(code)
        if used not in factor.recovery:
            raise WrongCode
        left = tuple(item for item in factor.recovery if item != used)
        return factor.model_copy(update={"recovery": left})

    def _use_code(self, account: Account, factor: SecondFactor, code: str) -> SecondFactor:
        typed = "".join(code.split())
        found = (matching_step(each, typed, at=now()) for each in self._secrets(account, factor))
        step = next((step for step in found if step is not None), None)
        if step is None or step <= factor.used_step:
            raise WrongCode
        return factor.model_copy(update={"used_step": step})

    def _secrets(self, account: Account, factor: SecondFactor) -> list[bytes]:
        """The secret by the current key comes first, then those by former keys."""
        message = f"second factor\n{account.id}\n{factor.salt}".encode()
        return [hmac.digest(key.encode(), message, "sha256")[:SECRET_BYTES] for key in self.keys]


def draw_qr(text: str) -> tuple[int, str]:
    """Return the width in squares, and an SVG path of the dark ones."""
    # Imported here, because it loads much and few requests need it.
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
