"""Log-in with the clinic's accounts: whose account it opens, and what ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from skinapi.integrations.oidc.service import Speaker
from skinapi.settings.log_in_providers import OidcProvider
from skinapi.storage.ids import new_id
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on

ISSUER = "https://login.clinic.example"
SETTINGS = OidcProvider(
    name="hospital", issuer=ISSUER, client_id="skinapi", roles={"derm-doctors": "doctor"}
)


class Hospital(Speaker):
    """Believes whatever the code says, without any request."""

    settings, redirect_uri = SETTINGS, ""

    def authorization_address(self, *, state: str, **_: str) -> str:
        return f"{ISSUER}/?state={state}"

    def log_out_address(self, back_to: str) -> str | None:
        return back_to

    def refuse_other_issuer(self, issuer: str | None) -> None:
        """Never."""

    def redeem(self, code: str, **_: str) -> Mapping[str, Any]:
        subject, groups = code.split(" ", 1)
        email = {"email": f"{subject}@clinic.example", "email_verified": True}
        return {"sub": subject, "sid": subject, "groups": groups.split(), **email}

    def metadata(self) -> object:
        return None

    def read_log_out(self, token: str) -> Mapping[str, Any]:
        return {"jti": token, "sub": token}


@dataclass
class Way:
    """Somebody on the way to the provider and back: `code` is what they bring."""

    root: Person
    subject: str = field(default_factory=new_id)
    code: str = ""
    state: str = ""

    @property
    def email(self) -> str:
        return f"{self.subject}@clinic.example"


def begun(backend: Backend, groups: str = "derm-doctors", way: Way | None = None) -> Way:
    providers: Any = backend.services.oidc.providers
    providers["hospital"] = Hospital()
    way = way or Way(backend.member(role="admin"))
    way.code = f"{way.subject} {groups}"
    answer = backend.client.post("/auth/oidc/hospital/start", json={})
    way.state = parse_qs(urlsplit(answer.get_json()["address"]).query)["state"][0]
    return way


def come_back(backend: Backend, way: Way) -> object:
    query = {"code": way.code, "state": way.state}
    return backend.client.get("/auth/oidc/hospital/callback", query_string=query)


def finish(backend: Backend, _: Way) -> object:
    return backend.client.post("/auth/oidc/finish", json={})


def back(backend: Backend) -> Way:
    way = begun(backend)
    come_back(backend, way)
    return way


def logged_in(backend: Backend) -> Way:
    way = back(backend)
    finish(backend, way)
    return way


def without_group(backend: Backend) -> Way:
    return begun(backend, "", logged_in(backend))


def with_password(backend: Backend) -> Way:
    way = begun(backend)
    backend.member(way.email, must_change=True)
    return way


def allow(backend: Backend, way: Way) -> object:
    return way.root.call("PUT", f"/users/{way.email}/provider", json={"provider": "hospital"})


def to_be_linked(backend: Backend) -> Way:
    way = with_password(backend)
    allow(backend, way)
    return way


def part(backend: Backend, way: Way) -> object:
    return way.root.call("PUT", f"/users/{way.email}/provider", json={"provider": None})


def log_out_there(backend: Backend, way: Way) -> object:
    form = {"logout_token": way.subject}
    return backend.client.post("/auth/oidc/hospital/logout", data=form)


def seen(backend: Backend, way: Way) -> Any:
    """What the account is, what was done to it, and what is open."""
    account = backend.services.data.accounts.find_by_email(way.email)
    if account is None:
        return None
    collection = backend.services.store.collection
    sessions = collection("sessions").find({"account": account.id})
    return (
        (account.role, account.status, account.provider, account.identity is None),
        (account.has_password, account.must_change, account.link_allowed, account.token_version),
        sorted(acts_on(backend, account.id)),
        [(one.get("provider"), one["token_version"] == account.token_version) for one in sessions],
        collection("oidc_round_trips").count({"account": account.id}),
    )


USE_CASES = tuple(
    UseCase(name, prepare, act, seen)
    for name, prepare, act in (
        ("log in at a provider for the first time", begun, come_back),
        ("log in at a provider with an account that is here", to_be_linked, come_back),
        ("log in at a provider without a group", without_group, come_back),
        ("open the session of a log-in at a provider", back, finish),
        ("let an account log in at a provider", with_password, allow),
        ("part an account from its provider", logged_in, part),
        ("log out at a provider", logged_in, log_out_there),
    )
)
