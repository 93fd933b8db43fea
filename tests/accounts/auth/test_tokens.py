"""Every token that is not a valid one of this server gets 401."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from skinapi.platform.storage.ids import new_id, now
from tests.platform.web.angular import ORIGIN, assert_readable
from tests.support.backends import PASSWORD, SECRET, Backend, Person

OTHER_SECRET = "Zq5Wm8Rt2Yx7Kc4Vn9Bj6Hg3Fd1Ps0La"


def claims_of(backend: Backend, person: Person, **changed: Any) -> dict[str, Any]:
    moment = int(now().timestamp())
    account = backend.account(person.email)
    session, _ = backend.services.data.sessions.open(account)
    plain = {"sub": account.id, "ver": 1, "sid": session.id, "jti": new_id(), "iat": moment}
    plain["exp"] = moment + 600
    return {name: claim for name, claim in {**plain, **changed}.items() if claim is not None}


def signed(claims: dict[str, Any], key: str = SECRET, algorithm: str = "HS256") -> str:
    """Signed without PyJWT's own checks of what is in it."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm=algorithm)


def show_me(backend: Backend, token: str) -> TestResponse:
    return Person(backend.client, token).call("GET", "/me", headers={"Origin": ORIGIN})


def assert_dead(
    backend: Backend, token: str, sentence: str = "Invalid token. Please log in again."
) -> None:
    answer = show_me(backend, token)
    assert answer.status_code == 401, answer.text
    assert answer.get_json()["error"] == sentence
    assert_readable(answer)


def test_our_own_claims_pass(shared_backend: Backend) -> None:
    person = shared_backend.member()
    assert show_me(shared_backend, signed(claims_of(shared_backend, person))).status_code == 200


def test_a_token_carries_no_personal_data(backend: Backend) -> None:
    person = backend.member("ada@example.org")
    claims = jwt.decode(person.token, SECRET, algorithms=["HS256"])
    assert claims.keys() == {"sub", "ver", "sid", "jti", "iat", "exp"}
    assert claims["exp"] - claims["iat"] == backend.settings.token_hours * 3600


def test_a_token_that_names_another_account_than_its_session_does_is_refused(
    shared_backend: Backend,
) -> None:
    thief, owner = shared_backend.member(), shared_backend.member()
    victim = shared_backend.account(owner.email).id
    assert_dead(shared_backend, signed(claims_of(shared_backend, thief, sub=victim)))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused(shared_backend: Backend, algorithm: str) -> None:
    assert_dead(
        shared_backend,
        signed(claims_of(shared_backend, shared_backend.member()), algorithm=algorithm),
    )


def with_header(header: dict[str, Any], token: str) -> str:
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return ".".join([first, *token.split(".")[1:]])


def test_an_unsigned_token_is_refused(shared_backend: Backend) -> None:
    for name in ("none", "None", "NONE", "nOnE"):
        token = with_header({"alg": name, "typ": "JWT"}, shared_backend.member().token)
        assert_dead(shared_backend, token)
        assert_dead(shared_backend, token.rpartition(".")[0] + ".")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256", "EdDSA", "", 5, None, ["HS256"]])
def test_a_claimed_algorithm_decides_nothing(shared_backend: Backend, algorithm: object) -> None:
    assert_dead(
        shared_backend, with_header({"alg": algorithm, "typ": "JWT"}, shared_backend.member().token)
    )


ODD_HEADERS: list[dict[str, Any]] = [
    {"kid": {"$gt": ""}},
    {"kid": "../../../../dev/null"},
    {"kid": "' OR 1=1 --"},
    {"typ": "JWE"},
    {"typ": 7},
    {"cty": "JWT"},
    {"zip": "DEF"},
    {"b64": False, "crit": ["b64"]},
    {"crit": ["exp"]},
    {"crit": "b64"},
    {"jku": "http://evil.example/keys"},
    {"x5u": "http://evil.example/x5"},
    {"x5c": ["MII"]},
    {"epk": {"kty": "EC"}},
]


@pytest.mark.parametrize("odd", ODD_HEADERS, ids=lambda odd: "-".join(odd))
def test_what_a_header_asks_for_is_not_done(shared_backend: Backend, odd: dict[str, Any]) -> None:
    token = shared_backend.member().token
    assert_dead(shared_backend, with_header({"alg": "HS256", "typ": "JWT", **odd}, token))


def test_a_public_key_is_no_secret(shared_backend: Backend) -> None:
    """The confusion of RS256 with HS256 needs a public key; what is public here is no key."""
    claims = claims_of(shared_backend, shared_backend.member())
    spec = shared_backend.client.get("/openapi.json").text
    for known in (spec[:64], "skinapi-skinapi-skinapi-skinapi-1", "0" * 64):
        assert_dead(shared_backend, signed(claims, known))


def test_a_duplicate_claim_opens_no_other_account(shared_backend: Backend) -> None:
    thief, victim = shared_backend.member(), shared_backend.member()
    head, payload, signature = thief.token.split(".")
    plain = base64.urlsafe_b64decode(payload + "==").decode()
    for twice in (
        plain[:-1] + f',"sub":"{shared_backend.account(victim.email).id}"}}',
        f'{{"sub":"{shared_backend.account(victim.email).id}",' + plain[1:],
    ):
        forged = base64.urlsafe_b64encode(twice.encode()).decode().rstrip("=")
        assert_dead(shared_backend, f"{head}.{forged}.{signature}")


def test_a_key_inside_the_token_is_ignored(shared_backend: Backend) -> None:
    token = signed(claims_of(shared_backend, shared_backend.member()), OTHER_SECRET)
    key = base64.urlsafe_b64encode(OTHER_SECRET.encode()).decode()
    header = {"alg": "HS256", "jwk": {"kty": "oct", "k": key}, "kid": "../../dev/null"}
    assert_dead(shared_backend, with_header(header, token))


def test_another_servers_token_is_refused(shared_backend: Backend) -> None:
    assert_dead(
        shared_backend, signed(claims_of(shared_backend, shared_backend.member()), OTHER_SECRET)
    )


def test_a_tampered_token_is_refused(shared_backend: Backend) -> None:
    victim, thief = shared_backend.member(), shared_backend.member()
    head, _, signature = thief.token.split(".")
    payload = victim.token.split(".")[1]
    assert_dead(shared_backend, f"{head}.{payload}.{signature}")
    assert_dead(shared_backend, f"{head}.{payload}.")
    assert_dead(shared_backend, thief.token[:-2] + ("AA" if thief.token[-2:] != "AA" else "BB"))


@pytest.mark.parametrize("claim", ["sub", "ver", "sid", "jti", "iat", "exp"])
def test_every_claim_is_required(shared_backend: Backend, claim: str) -> None:
    assert_dead(
        shared_backend, signed(claims_of(shared_backend, shared_backend.member(), **{claim: None}))
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": 7},
        {"sub": ["a"]},
        {"sub": {"$gt": ""}},
        {"sub": ""},
        {"sub": "\0"},
        {"sub": "\ud800"},
        {"sub": "x" * 5000},
        {"ver": "1"},
        {"ver": True},
        {"ver": 1.0},
        {"ver": [1]},
        {"ver": {"$gt": 0}},
        {"ver": 2},
        {"jti": 7},
        {"jti": ""},
        {"jti": "\ud800"},
        {"jti": {"$ne": 1}},
        {"sid": 7},
        {"sid": "\ud800"},
        {"sid": {"$ne": 1}},
        {"sid": "0" * 32},
        {"exp": "soon"},
        {"exp": "99999999999"},
        {"exp": 10**20},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": True},
        {"exp": -1},
        {"exp": 4e9},
        {"exp": {}},
        {"exp": [1]},
        {"iat": "then"},
        {"iat": float("inf")},
        {"iat": 10**11},
        {"nbf": 10**11},
        {"aud": "another"},
    ],
    ids=lambda changed: ascii(changed)[:30],
)
def test_claims_of_another_kind_are_refused(
    shared_backend: Backend, changed: dict[str, Any]
) -> None:
    answer = show_me(
        shared_backend, signed(claims_of(shared_backend, shared_backend.member(), **changed))
    )
    assert answer.status_code == 401, answer.text


def test_an_expired_token_says_so(shared_backend: Backend) -> None:
    past = int((now() - timedelta(seconds=1)).timestamp())
    assert_dead(
        shared_backend,
        signed(claims_of(shared_backend, shared_backend.member(), exp=past)),
        "Token has expired. Please log in again.",
    )


@pytest.mark.parametrize(
    "header",
    [
        "Bearer null",
        "Bearer undefined",
        "Bearer ",
        "Bearer",
        "Basic YWRtaW46YWRtaW4=",
        "Digest x",
        "null",
        "Bearer a.b.c",
        "Bearer ...",
        "Bearer a b c",
        "Bearer,Bearer",
        "Bearer \xff\xfe",
        "B\xe9arer x",
        "Bearer " + "x" * 100_000,
        "Bearer " + "." * 10_000,
        "Bearer eyJ9.eyJ9.eyJ9",
    ],
    ids=lambda header: ascii(header)[:24],
)
def test_an_odd_authorization_is_refused(shared_backend: Backend, header: str) -> None:
    answer = shared_backend.client.get("/me", headers={"Authorization": header, "Origin": ORIGIN})
    assert answer.status_code == 401
    assert answer.get_json()["code"] in ("invalid_token", "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert_readable(answer)


def test_no_authorization_says_it_is_missing(shared_backend: Backend) -> None:
    answer = shared_backend.client.get("/me")
    assert answer.status_code == 401
    assert answer.get_json()["error"] == "Missing Authorization Header. Please log in again."


def test_a_suspended_account_is_told_so_whatever_its_token(backend: Backend) -> None:
    answer = backend.member(status="suspended").call("GET", "/me")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account_suspended")


def test_a_deleted_owners_token_stays_dead_when_the_address_registers_again(
    any_backend: Backend,
) -> None:
    person = any_backend.member("ada@example.org")
    admin = any_backend.member(role="admin")
    assert admin.call("DELETE", "/users/ada@example.org").status_code == 200
    assert_dead(any_backend, person.token)
    assert any_backend.register("ada@example.org").call("GET", "/me").status_code == 200
    assert_dead(any_backend, person.token)


Act = Callable[[Person, Person], TestResponse]
CUTS: dict[str, Act] = {
    "suspension": lambda admin, one: admin.call("PATCH", f"/users/{one.email}/suspend"),
    "reset": lambda admin, one: admin.call("POST", f"/users/{one.email}/reset-password"),
    "deletion": lambda admin, one: admin.call("DELETE", f"/users/{one.email}"),
    "logout": lambda _, one: one.call("POST", "/auth/logout"),
    "password": lambda _, one: one.call(
        "PUT", "/me/password", json={"current_password": PASSWORD, "new_password": "another horse"}
    ),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_token_dies_at_once_with(backend: Backend, cut: str) -> None:
    person, admin = backend.member("ada@example.org"), backend.member(role="admin")
    assert CUTS[cut](admin, person).status_code == 200
    assert_dead(backend, person.token)
    if cut == "suspension":
        admin.call("PATCH", "/users/ada@example.org/approve", json={})
        assert_dead(backend, person.token)


def test_logging_out_leaves_the_other_tokens_alive(backend: Backend) -> None:
    person = backend.member("ada@example.org")
    other = backend.token_of(backend.account("ada@example.org"))
    assert person.call("POST", "/auth/logout").status_code == 200
    assert_dead(backend, person.token)
    assert show_me(backend, other).status_code == 200


def test_a_demotion_takes_effect_at_once(backend: Backend) -> None:
    admin, other = backend.member(role="admin"), backend.member(role="admin")
    assert admin.call("PUT", f"/users/{other.email}/role", json={"role": "user"}).status_code == 200
    assert other.call("GET", "/users").status_code == 403
    assert other.call("GET", "/me").get_json()["role"] == "user"


def test_the_metrics_token_opens_the_metrics_alone(backend: Backend) -> None:
    tokened = Backend(backend.settings.instance_dir, backend.services.store, metrics_token="k" * 20)
    assert Person(tokened.client, "schl\xfcssel").call("GET", "/metrics").status_code == 401
    assert Person(tokened.client, "wrong").call("GET", "/metrics").status_code == 401
    opened = Backend(backend.settings.instance_dir, backend.services.store, metrics_token="m" * 20)
    assert Person(opened.client, "m" * 20).call("GET", "/metrics").status_code == 200
    assert Person(opened.client, "m" * 20).call("GET", "/users").status_code == 401
    assert Person(backend.client, "").call("GET", "/metrics").status_code == 401
    assert backend.member(role="user").call("GET", "/metrics").status_code == 403
