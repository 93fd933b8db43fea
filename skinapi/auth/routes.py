"""The door: parse, call, answer."""

from typing import Any

from flask import request

from skinapi.auth.errors import (
    ConcurrentChange,
    EmailTaken,
    InitialPasswordExpired,
    InvalidCredentials,
    InvalidRefreshToken,
    TooManyGuesses,
)
from skinapi.auth.schemas import (
    Consents,
    Credentials,
    LoggedIn,
    LoggedInToRefresh,
    Me,
    NewPasswordBody,
    PasswordChanged,
    PasswordChangedToRefresh,
    PasswordReplacement,
    RefreshBody,
    Refreshed,
    Registered,
    RegisteredToRefresh,
    Registration,
    SessionView,
    TokenRequest,
)
from skinapi.auth.service import AuthService, ClientInfo, IssuedTokens
from skinapi.errors import (
    AccountNotApproved,
    AccountSuspended,
    BadRequest,
    NotFound,
    PasswordChangeRequired,
)
from skinapi.web.access import Public, Signed, Subject
from skinapi.web.limits import Rate, caller_address
from skinapi.web.pagination import Page, PageQuery
from skinapi.web.routes import Routes
from skinapi.web.schema_types import Message

ANYONE_SIGNED = Signed(even_waiting=True, even_initial_password=True)
LONGEST_NAME = 100
# Anybody may send these. With every letter escaped, the longest that is valid has 29 KB.
LARGEST_BODY = 32 * 1024
# Why a right password may not be enough.
REFUSALS = (
    InvalidCredentials,
    AccountNotApproved,
    AccountSuspended,
    InitialPasswordExpired,
    TooManyGuesses,
)
routes: Routes[AuthService] = Routes("accounts")


@routes.route(
    "POST",
    "/register",
    access=Public(),
    rate=Rate.SIGN_IN,
    max_body=LARGEST_BODY,
    status=201,
    raises=(EmailTaken,),
)
def register(auth: AuthService, *, body: Registration) -> Registered | RegisteredToRefresh:
    """Open an account; it waits for an admin's approval.

    Until then its token opens `/me` and the logout alone.
    """
    keys = auth.register_user(
        name=body.name, email=body.email, password=body.password, caller=_caller(body)
    )
    said = {"message": "User registered successfully", **_shown(keys)}
    return RegisteredToRefresh(**said) if keys.refresh_token else Registered(**said)


@routes.route(
    "POST",
    "/login",
    access=Public(),
    rate=Rate.SIGN_IN,
    max_body=LARGEST_BODY,
    raises=(*REFUSALS, PasswordChangeRequired),
)
def log_in(auth: AuthService, *, body: Credentials) -> LoggedIn | LoggedInToRefresh:
    """Get a token for a working day; with `refresh` a short one, and one to renew it with.

    Wrong passwords are counted for an hour: for every address that opened the account before on
    its own, for all others together. An initial password gets no token: 403, `code`
    password_change_required, and a sentence that names the page where it is replaced.
    """
    account, keys = auth.log_in(email=body.email, password=body.password, caller=_caller(body))
    said = {
        "role": account.role,
        "collection": "doctors" if account.role == "doctor" else "users",
        "must_change_password": account.must_change,
        **_shown(keys),
    }
    return LoggedInToRefresh(**said) if keys.refresh_token else LoggedIn(**said)


@routes.route(
    "POST",
    "/password",
    access=Public(),
    rate=Rate.SIGN_IN,
    max_body=LARGEST_BODY,
    raises=(*REFUSALS, BadRequest, ConcurrentChange),
)
def replace_password(
    auth: AuthService, *, body: PasswordReplacement
) -> PasswordChanged | PasswordChangedToRefresh:
    """Replace an initial password, or one's own, without a token.

    Wrong passwords are counted as in a login. Every token of the account dies; the answer holds a
    new one.
    """
    keys = auth.replace_password(
        email=body.email,
        current=body.current_password,
        new=body.new_password,
        caller=_caller(body),
    )
    return _password_changed(keys)


@routes.route(
    "POST",
    "/auth/refresh",
    access=Public(),
    rate=Rate.SIGN_IN,
    max_body=LARGEST_BODY,
    raises=(InvalidRefreshToken, InitialPasswordExpired),
)
def refresh(auth: AuthService, *, body: RefreshBody) -> Refreshed:
    """Get the next access token, and the next refresh token: each is good for one use.

    Showing one that was used before ends the session, and every token of it with it.
    """
    return Refreshed(**_shown(auth.refresh(token=body.refresh_token)))


@routes.route("GET", "/me", access=ANYONE_SIGNED, rate=Rate.READ)
def show_me(auth: AuthService, *, subject: Subject) -> Me:
    """Who the token belongs to."""
    account, doctor = auth.describe(account_id=subject.id)
    return Me.of(account, doctor)


@routes.route(
    "PUT",
    "/me/password",
    access=Signed(even_initial_password=True),
    rate=Rate.SIGN_IN,
    raises=(BadRequest, ConcurrentChange),
)
def change_password(
    auth: AuthService, *, body: NewPasswordBody, subject: Subject
) -> PasswordChanged | PasswordChangedToRefresh:
    """Replace one's password. Every other token of the account dies."""
    keys = auth.change_password(
        account_id=subject.id,
        current=body.current_password,
        new=body.new_password,
        caller=_caller(body),
    )
    return _password_changed(keys)


@routes.route("PUT", "/me/consents", access=Signed(), rate=Rate.WRITE, raises=(ConcurrentChange,))
def set_consents(auth: AuthService, *, body: Consents, subject: Subject) -> Message:
    """Say what may be kept from now on, unless a request says otherwise for itself; and whether
    figures may travel.
    """
    auth.set_consents(account_id=subject.id, consents=body.model_dump(exclude_none=True))
    return Message(message="Consents changed")


@routes.route("POST", "/auth/logout", access=ANYONE_SIGNED, rate=Rate.WRITE)
def log_out(auth: AuthService, *, subject: Subject) -> Message:
    """Make this token worthless at once."""
    auth.log_out(subject=subject)
    return Message(message="Logged out")


@routes.route("GET", "/me/sessions", access=Signed(), rate=Rate.READ)
def list_sessions(auth: AuthService, *, query: PageQuery, subject: Subject) -> Page[SessionView]:
    """Where one is logged in, oldest first."""
    page = auth.list_sessions(account_id=subject.id, after=query.after, limit=query.limit)
    return page.map(lambda session: SessionView.of(session, subject.session_id))


@routes.route(
    "DELETE",
    "/me/sessions/<session_id>",
    access=Signed(),
    rate=Rate.WRITE,
    raises=(NotFound,),
)
def end_session(auth: AuthService, *, session_id: str, subject: Subject) -> Message:
    """Log out elsewhere: every token of that session dies at once."""
    auth.end_session(session_id=session_id, by=subject.id)
    return Message(message="Session ended")


def _password_changed(keys: IssuedTokens) -> PasswordChanged | PasswordChangedToRefresh:
    said = {"message": "Password changed", **_shown(keys)}
    return PasswordChangedToRefresh(**said) if keys.refresh_token else PasswordChanged(**said)


def _caller(wish: TokenRequest) -> ClientInfo:
    return ClientInfo(
        address=caller_address(), client=wish.client or _browser(), renews=wish.refresh
    )


def _browser() -> str | None:
    named = "".join(letter for letter in request.user_agent.string if letter.isprintable())
    return named[:LONGEST_NAME] or None


def _shown(keys: IssuedTokens) -> dict[str, Any]:
    """A client that asked for no refresh token is told no more than it always was."""
    if keys.refresh_token is None:
        return {"access_token": keys.access_token}
    return vars(keys)
