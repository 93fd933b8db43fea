from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.consents import PURPOSES, ChangedConsents, ConsentsService
from skinapi.accounts.auth.errors import (
    ConsentTextChanged,
    InitialPasswordExpired,
    NoSecondFactor,
    NotJustLoggedIn,
    PhotosStillKept,
    SecondFactorKept,
    TooManyCodes,
    TooManyGuesses,
    WrongCode,
    WrongPassword,
)
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import (
    CodeBody,
    Consents,
    ConsentsQuery,
    ConsentsView,
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
from skinapi.platform.web.declaration import Authenticated, Rate, Routes
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message

ISSUER = "SkinAPI"
WRONG_PASSWORD = (WrongPassword, NotJustLoggedIn, TooManyGuesses, InitialPasswordExpired)
consent_routes: Routes[ConsentsService] = Routes(access=Authenticated())
factor_routes: Routes[SecondFactorService] = Routes(
    access=Authenticated(even_unready=True), rate=Rate.SIGN_IN
)


@consent_routes.route("GET", "/me/consents")
def show_consents(
    consents: ConsentsService, *, query: ConsentsQuery, subject: Subject
) -> ConsentsView:
    """Get what one may consent to, with the texts, what one has said of each, and each change.

    A consent that was given under an earlier text still stands; `ask_again` says that the text is
    another one now.
    """
    account = subject.account
    history = consents.consents.history_of(account.id)
    language = query.lang or account.language
    return ConsentsView.from_account(account, history, language, consents.company)


@consent_routes.route("PUT", "/me/consents", raises=(ConsentTextChanged, PhotosStillKept))
def set_consents(consents: ConsentsService, *, body: Consents, subject: Subject) -> Message:
    """Set the consents: whether photos may be kept, whether figures may be sent to an LLM, whether
    kept photos may teach a model, and whether a colleague may be asked for a second opinion.

    They apply from now on. A single request may say otherwise for itself about its photo. Without
    `training`, copies of photos in data sets are erased; without `sharing`, requests for a second
    opinion are withdrawn. Kept photos are deleted with `erase_kept` alone, unless a doctor must
    keep them by law (409 `photos_kept_by_law`): then nothing changes.
    """
    changed = ChangedConsents(
        given={
            purpose: answer
            for purpose in PURPOSES
            if (answer := getattr(body, purpose)) is not None
        },
        texts={
            purpose: answer
            for purpose in PURPOSES
            if (answer := getattr(body.texts, purpose, None))
        },
        language=body.language,
        erase_kept=body.erase_kept,
    )
    consents.change(account_id=subject.id, changed=changed)
    return Message(message="Consents changed")


@factor_routes.route("POST", "/me/second-factor", raises=(*WRONG_PASSWORD, SecondFactorKept))
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


@factor_routes.route(
    "POST",
    "/me/second-factor/confirm",
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


@factor_routes.route(
    "POST",
    "/me/second-factor/remove",
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
