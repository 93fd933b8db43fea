from typing import Any

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.errors import (
    CodeRequired,
    EmailTaken,
    InitialPasswordExpired,
    InvalidCredentials,
    InvalidPasswordLink,
    InvalidRefreshToken,
    NoMailServer,
    NoPasswordHere,
    TooManyCodes,
    TooManyGuesses,
    TooManyRegistrations,
    WrongCode,
)
from skinapi.accounts.auth.recovery import RecoveryService
from skinapi.accounts.auth.schemas import (
    Credentials,
    ForgottenPassword,
    LoggedIn,
    Me,
    NewPasswordBody,
    NewTokens,
    OwnChange,
    PasswordByLink,
    PasswordLinkView,
    PasswordReplacement,
    RefreshBody,
    Refreshed,
    Registration,
    SessionView,
)
from skinapi.accounts.auth.service import AuthService
from skinapi.base.errors import (
    AccountNotApproved,
    AccountRefused,
    AccountSuspended,
    BadRequest,
    NotFound,
    PasswordChangeRequired,
    Unavailable,
)
from skinapi.base.pages import Page
from skinapi.platform.web.declaration import Authenticated, Public, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Message, PageQuery

ANYONE_SIGNED = Authenticated(even_waiting=True, even_unready=True)
# Below the general limit, because these routes need no token. The longest valid body, with all
# characters escaped in JSON, has 29 KB.
LARGEST_BODY = 32 * 1024
OPEN: Any = {"access": Public(), "max_body": LARGEST_BODY}
# Errors of a login: a wrong password, and the reasons why a right one is not enough.
REFUSALS = (
    InvalidCredentials,
    AccountNotApproved,
    AccountRefused,
    AccountSuspended,
    InitialPasswordExpired,
    TooManyGuesses,
    CodeRequired,
    WrongCode,
    TooManyCodes,
)
routes: Routes[AuthService] = Routes()
recovery_routes: Routes[RecoveryService] = Routes()


@routes.route(
    "POST",
    "/register",
    **OPEN,
    rate=Rate.SIGN_IN,
    status=201,
    raises=(EmailTaken, TooManyRegistrations),
)
def register(auth: AuthService, *, body: Registration) -> NewTokens:
    """Register an account, which then waits for an admin's approval.

    Until then its token is valid only for `/me` and for the logout. Where the e-mail has an account
    already, its owner gets a mail, once a day.
    """
    tokens = auth.register_user(
        name=body.name,
        email=body.email,
        password=body.password,
        wanted_role=body.wanted_role,
        caller=body.caller(),
    )
    return NewTokens(message="User registered successfully", **tokens.fields())


@routes.route(
    "POST", "/login", **OPEN, rate=Rate.LOG_IN, raises=(*REFUSALS, PasswordChangeRequired)
)
def log_in(auth: AuthService, *, body: Credentials) -> LoggedIn:
    """Get an access token for a working day; with `refresh`, a short one and a refresh token.

    Wrong passwords are counted for an hour: separately for each IP address that has logged in to
    the account before, and together for all other addresses. An initial password gets no token:
    the answer is 403 with the `code` password_change_required, and its sentence names the page
    where the password is replaced.
    """
    account, tokens = auth.log_in(
        email=body.email, password=body.password, code=body.code, caller=body.caller()
    )
    return LoggedIn(
        role=account.role,
        collection="doctors" if account.role == "doctor" else "users",
        must_change_password=account.must_change,
        **tokens.fields(),
    )


@routes.route("POST", "/password", **OPEN, rate=Rate.SIGN_IN, raises=(*REFUSALS, BadRequest))
def replace_password(auth: AuthService, *, body: PasswordReplacement) -> NewTokens:
    """Replace an initial password, or one's own, without a token.

    Wrong passwords are counted as in a login. All tokens of the account are revoked; the answer has
    a new one.
    """
    tokens = auth.replace_password(
        email=body.email,
        current=body.current_password,
        new=body.new_password,
        code=body.code,
        caller=body.caller(),
    )
    return NewTokens(message="Password changed", **tokens.fields())


@routes.route(
    "POST",
    "/auth/refresh",
    **OPEN,
    rate=Rate.LOG_IN,
    raises=(InvalidRefreshToken, InitialPasswordExpired),
)
def refresh(auth: AuthService, *, body: RefreshBody) -> Refreshed:
    """Get a new access token and a new refresh token. Each refresh token can be used once.

    Using one a second time ends the session and revokes all its tokens.
    """
    return Refreshed(**auth.refresh(token=body.refresh_token).fields())


@routes.route("GET", "/me", access=ANYONE_SIGNED)
def show_me(auth: AuthService, *, subject: Subject) -> Me:
    """Get the account that the token belongs to."""
    account = subject.account
    return Me.of_oneself(
        account,
        auth.find_doctor(account),
        notices=account.notices if auth.outbox.enabled else None,
        factor_missing=auth.lacks_second_factor(account, subject.session_id),
    )


@routes.route(
    "PUT",
    "/me/password",
    access=Authenticated(even_unready=True),
    rate=Rate.SIGN_IN,
    raises=(BadRequest,),
)
def change_password(auth: AuthService, *, body: NewPasswordBody, subject: Subject) -> NewTokens:
    """Replace one's own password. All other tokens of the account are revoked."""
    tokens = auth.change_password(
        subject=subject,
        current=body.current_password,
        new=body.new_password,
        caller=body.caller(),
    )
    return NewTokens(message="Password changed", **tokens.fields())


@routes.route("PATCH", "/me", access=Authenticated())
def change_own_account(auth: AuthService, *, body: OwnChange, subject: Subject) -> Message:
    """Change what the body names: the language of one's reports where a request asks for none,
    whether mails are sent, the phone number, and the year of birth and sex. The last two are filled
    in for photos to come, by a page of this server, and where a program or a doctor sends a photo
    of this person. Findings that are there stay as they are.
    """
    auth.change_own_account(account_id=subject.id, wanted=body.wanted)
    return Message(message="Changed")


@routes.route("POST", "/auth/logout", access=ANYONE_SIGNED)
def log_out(auth: AuthService, *, subject: Subject) -> Message:
    """Log out: end this session. Its tokens are revoked at once."""
    auth.log_out(subject=subject)
    return Message(message="Logged out")


@routes.route("GET", "/me/sessions", access=Authenticated())
def list_sessions(auth: AuthService, *, query: PageQuery, subject: Subject) -> Page[SessionView]:
    """List one's own sessions, oldest first."""
    page = auth.sessions.page(subject.account, query.paging)
    return page.map(lambda session: SessionView.from_session(session, subject.session_id))


@routes.route("DELETE", "/me/sessions/<session_id>", access=Authenticated(), raises=(NotFound,))
def end_session(auth: AuthService, *, session_id: str, subject: Subject) -> Message:
    """End one of one's own sessions. Its tokens are revoked at once."""
    auth.end_session(session_id=session_id, by=subject.id)
    return Message(message="Session ended")


@recovery_routes.route(
    "POST",
    "/password/forgotten",
    **OPEN,
    rate=Rate.SIGN_IN,
    raises=(NoMailServer, Unavailable),
)
def ask_for_link(recovery: RecoveryService, *, body: ForgottenPassword) -> Message:
    """Ask for a mail with a link to choose a new password; it can be used once, within an hour.

    The answer and its time are the same whether or not there is such an account, and after many
    requests: the account is looked for later.
    """
    recovery.ask_for_link(email=body.email, address=caller_address())
    return Message(message="If this address has an account, a mail with a link is on its way")


@recovery_routes.route(
    "POST",
    "/password/reset",
    **OPEN,
    rate=Rate.SIGN_IN,
    raises=(InvalidPasswordLink, AccountSuspended),
)
def set_password(recovery: RecoveryService, *, body: PasswordByLink) -> Message:
    """Choose a new password with the token of a link. All sessions of the account end."""
    recovery.set_password(token=body.token, new=body.new_password, address=caller_address())
    return Message(message="Password changed")


@recovery_routes.route(
    "POST",
    "/users/<email>/password-link",
    access=admins("Only admin can make password links"),
    raises=(NotFound, NoPasswordHere),
)
def hand_link(recovery: RecoveryService, *, email: str, subject: Subject) -> PasswordLinkView:
    """Make a link with which the account's owner chooses a new password, once.

    Until then nothing changes. It can be used as long as an initial password.
    """
    link, expires_at = recovery.hand_link(email=email, by=subject.id)
    return PasswordLinkView(
        message="Hand this link over; it can be used once", link=link, expires_at=expires_at
    )
