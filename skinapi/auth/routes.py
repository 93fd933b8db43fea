"""The door: parse, call, answer."""

from skinapi.auth.schemas import (
    Consents,
    Credentials,
    LoggedIn,
    Me,
    NewPasswordBody,
    PasswordChanged,
    Registered,
    Registration,
)
from skinapi.auth.service import AuthService
from skinapi.errors import (
    BadRequest,
    EmailTaken,
    Forbidden,
    InitialPasswordExpired,
    InvalidCredentials,
    Stale,
)
from skinapi.web.access import Public, Signed, Subject
from skinapi.web.fields import Message
from skinapi.web.limits import Rate
from skinapi.web.routes import Routes

ANYONE_SIGNED = Signed(even_waiting=True, even_initial_password=True)
routes: Routes[AuthService] = Routes("accounts")


@routes.route(
    "POST", "/register", access=Public(), rate=Rate.SIGN_IN, status=201, raises=(EmailTaken,)
)
def register(auth: AuthService, *, body: Registration) -> Registered:
    """Open an account; it waits for an admin's approval.

    Until then its token opens `/me` and the logout alone.
    """
    token = auth.register_user(name=body.name, email=body.email, password=body.password)
    return Registered(message="User registered successfully", access_token=token)


@routes.route(
    "POST",
    "/login",
    access=Public(),
    rate=Rate.SIGN_IN,
    raises=(InvalidCredentials, Forbidden, InitialPasswordExpired),
)
def log_in(auth: AuthService, *, body: Credentials) -> LoggedIn:
    """Get a token for a working day."""
    account, token = auth.log_in(email=body.email, password=body.password)
    return LoggedIn(
        access_token=token,
        role=account.role,
        collection="doctors" if account.role == "doctor" else "users",
        must_change_password=account.must_change,
    )


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
    raises=(BadRequest, Stale),
)
def change_password(
    auth: AuthService, *, body: NewPasswordBody, subject: Subject
) -> PasswordChanged:
    """Replace one's password. Every other token of the account dies."""
    token = auth.change_password(
        account_id=subject.id, current=body.current_password, new=body.new_password
    )
    return PasswordChanged(message="Password changed", access_token=token)


@routes.route("PUT", "/me/consents", access=Signed(), rate=Rate.WRITE, raises=(Stale,))
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
