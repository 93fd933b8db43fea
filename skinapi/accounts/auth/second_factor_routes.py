"""Routes for one's own second factor."""

from skinapi.accounts.auth.errors import (
    InitialPasswordExpired,
    NoSecondFactor,
    NotJustLoggedIn,
    SecondFactorKept,
    TooManyCodes,
    TooManyGuesses,
    WrongCode,
    WrongPassword,
)
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import (
    CodeBody,
    CurrentPassword,
    PasswordAndCode,
    QrCode,
    RecoveryCodes,
    SecondFactorSecret,
)
from skinapi.accounts.auth.second_factor import (
    SecondFactorService,
    draw_qr,
    provisioning_uri,
    spell_secret,
)
from skinapi.base.subject import Subject
from skinapi.platform.web.declaration import Rate, Routes, Signed
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message

ISSUER = "SkinAPI"
UNREADY = Signed(even_unready=True)
WRONG_PASSWORD = (WrongPassword, NotJustLoggedIn, TooManyGuesses, InitialPasswordExpired)
routes: Routes[SecondFactorService] = Routes("second factor", access=UNREADY)


@routes.route(
    "POST", "/me/second-factor", rate=Rate.SIGN_IN, raises=(*WRONG_PASSWORD, SecondFactorKept)
)
def begin_second_factor(
    factors: SecondFactorService, *, body: CurrentPassword, subject: Subject
) -> SecondFactorSecret:
    """Get a secret for an authenticator app. Nothing is asked at the login until it is confirmed.

    The codes are those of RFC 6238: six digits, SHA-1, 30 seconds.
    """
    account, secret = factors.begin(
        account_id=subject.id,
        session_id=subject.session_id,
        password=body.current_password,
        caller=_caller(),
    )
    uri = provisioning_uri(secret, account=account.email, issuer=ISSUER)
    side, path = draw_qr(uri)
    return SecondFactorSecret(secret=spell_secret(secret), uri=uri, qr=QrCode(side=side, path=path))


@routes.route(
    "POST",
    "/me/second-factor/confirm",
    rate=Rate.SIGN_IN,
    raises=(WrongCode, TooManyCodes, NoSecondFactor, SecondFactorKept),
)
def confirm_second_factor(
    factors: SecondFactorService, *, body: CodeBody, subject: Subject
) -> RecoveryCodes:
    """Put the second factor in force, with a code that the app shows. From then on each login asks
    for one. This session goes on; all others end.
    """
    codes = factors.confirm(account_id=subject.id, session_id=subject.session_id, code=body.code)
    return RecoveryCodes(recovery_codes=codes)


@routes.route(
    "POST",
    "/me/second-factor/remove",
    rate=Rate.SIGN_IN,
    raises=(*WRONG_PASSWORD, WrongCode, TooManyCodes, NoSecondFactor),
)
def remove_second_factor(
    factors: SecondFactorService, *, body: PasswordAndCode, subject: Subject
) -> Message:
    """Take one's second factor away, with the password and a code."""
    factors.remove(
        account_id=subject.id,
        session_id=subject.session_id,
        password=body.current_password,
        code=body.code,
        caller=_caller(),
    )
    return Message(message="Second factor removed")


def _caller() -> ClientInfo:
    return ClientInfo(address=caller_address())
