import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from skinapi.platform.storage.ids import new_id, now
from tests.platform.web.angular import ORIGIN, assert_readable
from tests.support.backends import SECRET, Backend, Person

OTHER_SECRET = "Zq5Wm8Rt2Yx7Kc4Vn9Bj6Hg3Fd1Ps0La"


def claims_of(backend: Backend, person: Person, **changed: Any) -> dict[str, Any]:
    moment = int(now().timestamp())
    account = backend.account(person.email)
    session, _ = backend.services.data.sessions.open(account)
    plain = {"sub": account.id, "ver": 1, "sid": session.id, "jti": new_id(), "iat": moment}
    plain["exp"] = moment + 600
    return {name: claim for name, claim in {**plain, **changed}.items() if claim is not None}


def signed(claims: dict[str, Any], key: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm=algorithm)


def show_me(backend: Backend, token: str) -> TestResponse:
    return Person(backend.client, token).call("GET", "/me", headers={"Origin": ORIGIN})


def assert_dead(
    backend: Backend,
    token: str,
    sentence: str = "Your log-in is not valid any more. Please log in again.",
) -> None:
    answer = show_me(backend, token)
    assert answer.status_code == 401, answer.text
    assert answer.get_json()["error"] == sentence
    assert_readable(answer)


@pytest.fixture
def token(shared_backend: Backend) -> str:
    return shared_backend.member().token


@pytest.fixture
def claims(shared_backend: Backend) -> dict[str, Any]:
    return claims_of(shared_backend, shared_backend.member())


def test_our_own_claims_pass_and_name_nobody(backend: Backend) -> None:
    person = backend.member("ada@example.org")
    read = jwt.decode(person.token, SECRET, algorithms=["HS256"])
    assert read.keys() == {"sub", "ver", "sid", "jti", "iat", "exp"}
    assert read["exp"] - read["iat"] == backend.settings.token_hours * 3600
    assert show_me(backend, signed(claims_of(backend, person))).status_code == 200


def test_a_token_that_names_another_account_than_its_session_does_is_refused(
    shared_backend: Backend,
) -> None:
    thief, owner = shared_backend.member(), shared_backend.member()
    victim = shared_backend.account(owner.email).id
    assert_dead(shared_backend, signed(claims_of(shared_backend, thief, sub=victim)))


def with_header(header: dict[str, Any], token: str) -> str:
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return ".".join([first, *token.split(".")[1:]])


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_an_algorithm_other_than_ours_is_refused(
    shared_backend: Backend, claims: dict[str, Any], token: str
) -> None:
    for algorithm in ("HS384", "HS512"):
        assert_dead(shared_backend, signed(claims, algorithm=algorithm))
    for claimed in ("none", "nOnE", "RS256", "EdDSA", "", 5, None, ["HS256"]):
        forged = with_header({"alg": claimed, "typ": "JWT"}, token)
        assert_dead(shared_backend, forged)
        assert_dead(shared_backend, forged.rpartition(".")[0] + ".")


ODD_HEADERS: list[dict[str, Any]] = [
    {"kid": {"$gt": ""}},
    {"kid": "../../../../dev/null"},
    {"typ": "JWE"},
    {"typ": 7},
    {"zip": "DEF"},
    {"b64": False, "crit": ["b64"]},
    {"crit": ["exp"]},
    {"jku": "http://evil.example/keys"},
    {"x5u": "http://evil.example/x5"},
]


def test_what_a_header_asks_for_is_not_done(shared_backend: Backend, token: str) -> None:
    for odd in ODD_HEADERS:
        assert_dead(shared_backend, with_header({"alg": "HS256", "typ": "JWT", **odd}, token))


def test_a_key_of_somebody_else_signs_nothing(
    shared_backend: Backend, claims: dict[str, Any]
) -> None:
    spec = shared_backend.client.get("/openapi.json").text
    for known in (OTHER_SECRET, spec[:64], "skinapi-skinapi-skinapi-skinapi-1", "0" * 64):
        assert_dead(shared_backend, signed(claims, known))
    key = base64.urlsafe_b64encode(OTHER_SECRET.encode()).decode()
    header = {"alg": "HS256", "jwk": {"kty": "oct", "k": key}, "kid": "../../dev/null"}
    assert_dead(shared_backend, with_header(header, signed(claims, OTHER_SECRET)))


def test_a_tampered_token_is_refused(shared_backend: Backend) -> None:
    victim, thief = shared_backend.member(), shared_backend.member()
    head, payload, signature = thief.token.split(".")
    plain = base64.urlsafe_b64decode(payload + "==").decode()
    victim_id = shared_backend.account(victim.email).id
    twice = plain[:-1] + f',"sub":"{victim_id}"}}'  # of two claims the last may count
    forged = base64.urlsafe_b64encode(twice.encode()).decode().rstrip("=")
    for other in (victim.token.split(".")[1], forged):
        assert_dead(shared_backend, f"{head}.{other}.{signature}")
        assert_dead(shared_backend, f"{head}.{other}.")
    assert_dead(shared_backend, thief.token[:-2] + ("AA" if thief.token[-2:] != "AA" else "BB"))


ODD_CLAIMS: list[dict[str, Any]] = [
    *({name: None} for name in ("sub", "ver", "sid", "jti", "iat", "exp")),
    {"sub": 7},
    {"sub": {"$gt": ""}},
    {"sub": "\0"},
    {"sub": "\ud800"},
    {"sub": "x" * 5000},
    {"ver": "1"},
    {"ver": True},
    {"ver": 1.0},
    {"ver": {"$gt": 0}},
    {"ver": 2},
    {"jti": ""},
    {"jti": {"$ne": 1}},
    {"sid": "\ud800"},
    {"sid": {"$ne": 1}},
    {"sid": "0" * 32},
    {"exp": "soon"},
    {"exp": 10**20},
    {"exp": float("inf")},
    {"exp": float("nan")},
    {"exp": True},
    {"exp": -1},
    {"exp": 4e9},
    {"iat": "then"},
    {"iat": 10**11},
    {"nbf": 10**11},
    {"aud": "another"},
]


def test_claims_of_another_kind_are_refused(shared_backend: Backend) -> None:
    person = shared_backend.member()
    for changed in ODD_CLAIMS:
        answer = show_me(shared_backend, signed(claims_of(shared_backend, person, **changed)))
        assert answer.status_code == 401, changed


def test_an_expired_token_says_so(shared_backend: Backend) -> None:
    past = int((now() - timedelta(seconds=1)).timestamp())
    assert_dead(
        shared_backend,
        signed(claims_of(shared_backend, shared_backend.member(), exp=past)),
        "Your log-in has ended. Please log in again.",
    )


ODD_AUTHORIZATIONS = (
    *("Bearer null", "Bearer ", "Bearer", "Basic YWRtaW46YWRtaW4=", "null", "Bearer a.b.c"),
    *("Bearer ...", "Bearer a b c", "Bearer,Bearer", "Bearer \xff\xfe", "B\xe9arer x"),
    *("Bearer " + "x" * 100_000, "Bearer " + "." * 10_000, "Bearer eyJ9.eyJ9.eyJ9"),
)


def test_an_odd_authorization_is_refused(shared_backend: Backend) -> None:
    for odd in ODD_AUTHORIZATIONS:
        headers = {"Authorization": odd, "Origin": ORIGIN}
        answer = shared_backend.client.get("/me", headers=headers)
        assert answer.status_code == 401, odd[:30]
        assert answer.get_json()["code"] in ("invalid_token", "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert_readable(answer)
    missing = shared_backend.client.get("/me")
    assert missing.get_json()["error"] == "You are not logged in. Please log in."


def test_a_suspended_account_is_told_so_whatever_its_token(shared_backend: Backend) -> None:
    answer = shared_backend.member(status="suspended").call("GET", "/me")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account_suspended")


def test_the_metrics_token_opens_the_metrics_alone(backend: Backend) -> None:
    tokened = Backend(backend.settings.instance_dir, backend.services.store, metrics_token="k" * 20)
    assert Person(tokened.client, "schl\xfcssel").call("GET", "/metrics").status_code == 401
    assert Person(tokened.client, "wrong").call("GET", "/metrics").status_code == 401
    opened = Backend(backend.settings.instance_dir, backend.services.store, metrics_token="m" * 20)
    assert Person(opened.client, "m" * 20).call("GET", "/metrics").status_code == 200
    assert Person(opened.client, "m" * 20).call("GET", "/users").status_code == 401
    assert Person(backend.client, "").call("GET", "/metrics").status_code == 401
    assert backend.member(role="user").call("GET", "/metrics").status_code == 403
