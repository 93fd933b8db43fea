from typing import TYPE_CHECKING, Self

from flask import Response, after_this_request, request
from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.errors import CodeRequired, TooManyCodes, WrongCode
from skinapi.accounts.auth.schemas import CODE, Code, LoggedIn, TokenRequest
from skinapi.base.errors import (
    AccountNotApproved,
    AccountRefused,
    AccountSuspended,
    BadRequest,
    Conflict,
    NotFound,
    PasswordChangeRequired,
    SkinAPIError,
)
from skinapi.integrations.oidc.people import (
    LogInExpired,
    LogOutRefused,
    ProviderUnavailable,
)
from skinapi.integrations.oidc.service import LIFE, OidcService, Parameter, ProviderAnswer
from skinapi.platform.web.declaration import Public, Rate, Routes, admins
from skinapi.platform.web.request_parsing import client_stream
from skinapi.platform.web.schemas import Answer, Body, Message

if TYPE_CHECKING:
    from skinapi.integrations.oidc.provider import Provider

LARGEST_BODY = 64 * 1024
COOKIE = "skinapi-log-in"
# No page of another host of the domain can set such a cookie:
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
HOST_COOKIE = f"__Host-{COOKIE}"
# The console's pages for success and failure.
BACK, REFUSED = "/#/back", "/#/login/"
routes: Routes[OidcService] = Routes()


class LogInAddress(Answer):
    address: str = Field(description="where the browser goes to log in")


class FinishLogIn(TokenRequest):
    code: Code | None = Field(default=None, description=CODE)


class LoggedInAtClinic(LoggedIn):
    email: str
    log_out: str | None = Field(description="where the browser goes after a log-out here")


class Linking(Body):
    provider: Parameter | None = Field(
        description="at which the account may log in from its next log-in there; null parts it "
        "from the one at which it does"
    )


class ProviderView(Answer):
    name: str
    label: str
    issuer: str
    reachable: bool = Field(description="whether it answers, as this server needs it")
    redirect_uri: str = Field(description="to register there, as are the next two")
    log_out_uri: str = Field(description="for its back-channel log-out")
    after_log_out_uri: str
    roles: dict[str, str] = Field(description="the role that each of its groups gives")

    @classmethod
    def from_oidc(cls, oidc: OidcService, speaker: "Provider") -> Self:
        settings = speaker.settings
        return cls(
            name=settings.name,
            label=settings.shown_name,
            issuer=settings.issuer,
            reachable=oidc.is_reachable(speaker),
            redirect_uri=speaker.redirect_uri,
            log_out_uri=f"{oidc.address}/auth/oidc/{settings.name}/logout",
            after_log_out_uri=f"{oidc.address}/",
            roles=dict(settings.roles),
        )


@routes.route(
    "POST",
    "/auth/oidc/<provider>/start",
    access=Public(),
    rate=Rate.READ,  # nothing is guessed here
    max_body=LARGEST_BODY,
    raises=(NotFound, ProviderUnavailable),
)
def begin_clinic_log_in(oidc: OidcService, *, provider: str) -> LogInAddress:
    """Begin a log-in with the clinic's account: where the browser goes, and a cookie for the way.

    It comes back to the route below, which sends it to the console.
    """
    address, secret = oidc.begin(provider=provider)
    _keep(oidc, secret)
    return LogInAddress(address=address)


@routes.route(
    "GET",
    "/auth/oidc/<provider>/callback",
    access=Public(),
    status=303,
    produces="text/html",
    raises=(NotFound,),
)
def take_answer_of_provider(oidc: OidcService, *, provider: str, query: ProviderAnswer) -> Response:
    """The way back from the provider: sends the browser to the console, which opens the session.

    The address has no token then, and nothing that opens anything.
    """
    place = BACK
    try:
        oidc.take_answer(provider=provider, secret=_secret(oidc), answer=query)
    except SkinAPIError as error:
        if error.status >= 500 and not isinstance(error, ProviderUnavailable):
            raise
        if isinstance(error, NotFound):
            raise
        place = f"{REFUSED}{error.code}"
    headers = {"Location": place, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return Response(status=303, headers=headers, mimetype="text/html")


@routes.route(
    "POST",
    "/auth/oidc/finish",
    access=Public(),
    rate=Rate.READ,
    max_body=LARGEST_BODY,
    raises=(
        LogInExpired,
        AccountNotApproved,
        AccountRefused,
        AccountSuspended,
        PasswordChangeRequired,
        CodeRequired,
        WrongCode,
        TooManyCodes,
    ),
)
def finish_clinic_log_in(oidc: OidcService, *, body: FinishLogIn) -> LoggedInAtClinic:
    """Get an access token for the log-in that this browser has made at a provider, once.

    Where the account has a second factor, and the provider has asked for none, the answer is 403
    with the `code` code_required: the same request with a code follows.
    """
    done = oidc.finish(secret=_secret(oidc), code=body.code, caller=body.caller())
    _keep(oidc, None)
    account = done.account
    return LoggedInAtClinic(
        role=account.role,
        collection="doctors" if account.role == "doctor" else "users",
        must_change_password=False,
        email=account.email,
        log_out=done.log_out,
        **done.tokens.fields(),
    )


@routes.route(
    "POST",
    "/auth/oidc/<provider>/logout",
    access=Public(),
    max_body=LARGEST_BODY,
    raises=(NotFound, LogOutRefused, ProviderUnavailable),
)
def log_out_by_provider(oidc: OidcService, *, provider: str) -> Message:
    """For the provider: end the sessions that its `logout_token` names, a field of a form.

    OpenID Connect Back-Channel Logout 1.0. The token counts once.
    """
    with client_stream(request, "The form could not be read"):
        token = request.form.get("logout_token", "")
    if not token:
        raise BadRequest("Send logout_token as a field of application/x-www-form-urlencoded")
    oidc.end_sessions(provider=provider, token=token)
    return Message(message="Logged out")


@routes.route(
    "PUT",
    "/users/<email>/provider",
    access=admins("Only admin can let accounts log in at a provider"),
    raises=(NotFound, Conflict),
)
def allow_provider(oidc: OidcService, *, email: str, body: Linking, subject: Subject) -> Message:
    """Let an account that is here already log in at a provider, whose person has the same verified
    e-mail address: from the next log-in there its password ends, but an admin's. Null takes that
    back, and parts the account from its provider.
    """
    account = oidc.allow_link(email=email, provider=body.provider, by=subject.id)
    if body.provider:
        return Message(message=f"{account.email} may log in at {body.provider} from now on")
    return Message(message=f"{account.email} logs in at no provider")


@routes.route("GET", "/integrations/oidc", access=admins("Only admin can view the providers"))
def list_providers(oidc: OidcService) -> list[ProviderView]:
    """List the providers at which the clinic's accounts log in, with what is registered there. Each
    is asked whether it answers.
    """
    return [ProviderView.from_oidc(oidc, speaker) for speaker in oidc.providers.values()]


def _cookie_name(oidc: OidcService) -> str:
    return HOST_COOKIE if oidc.address.startswith("https:") else COOKIE


def _secret(oidc: OidcService) -> str | None:
    return request.cookies.get(_cookie_name(oidc))


def _keep(oidc: OidcService, secret: str | None) -> None:
    """Store the secret in a cookie that scripts cannot read and that other sites do not send with
    forms. None deletes it.
    """

    @after_this_request
    def set_cookie(response: Response) -> Response:
        name = _cookie_name(oidc)
        response.set_cookie(
            name,
            secret or "",
            max_age=int(LIFE.total_seconds()) if secret else 0,
            path="/",
            secure=name == HOST_COOKIE,
            httponly=True,
            samesite="Lax",
        )
        return response
