import hmac
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from joserfc import jwk

from skinapi.integrations.oidc import provider as speaking
from skinapi.integrations.oidc.service import OidcService
from tests.integrations.oidc.clinic import Clinic
from tests.integrations.oidc.fake_provider import (
    CLIENT,
    Asked,
    FakeProvider,
    drip,
    encode,
    hang,
    rsa_key,
    signed,
    signed_loosely,
)

STAFF = {"groups": ["staff"]}
DISCOVERY = "/.well-known/openid-configuration"
Claims = dict[str, Any]
MakeToken = Callable[[FakeProvider, Claims], str]


def by_public_key(fake: FakeProvider, claims: Claims) -> str:
    """Sign with the text of the public key as if it were a shared secret."""
    text = f"{encode({'alg': 'HS256', 'kid': 'one'})}.{encode(claims)}"
    secret = fake.key.as_pem(private=False)
    return f"{text}.{encode(hmac.digest(secret, text.encode(), 'sha256'))}"


def without_signature(_: FakeProvider, claims: Claims) -> str:
    return f"{encode({'alg': 'none', 'kid': 'one'})}.{encode(claims)}."


def changed_behind_the_signature(fake: FakeProvider, claims: Claims) -> str:
    head, _, signature = signed(claims, fake.key).split(".")
    return f"{head}.{encode({**claims, 'sub': 'somebody else'})}.{signature}"


def by_another_key(_: FakeProvider, claims: Claims) -> str:
    """The token names its own key as the provider's, and includes it."""
    thief = rsa_key("thief")
    return signed(claims, thief, kid="one", jku="https://evil.example/jwks")


FORGED: dict[str, MakeToken] = {
    "bad_signature": by_another_key,
    "bad_signature changed": changed_behind_the_signature,
    "bad_algorithm public key": by_public_key,
    "bad_algorithm none": without_signature,
    "bad_algorithm RS512": lambda fake, claims: signed(claims, fake.key, alg="RS512"),
    "unknown_key": lambda fake, claims: signed(claims, fake.key, kid="two"),
    "bad_token crit": lambda fake, claims: signed_loosely(claims, fake.key, crit=["x"], x=1),
    "bad_token list": lambda fake, _: signed([1, 2], fake.key),
    "bad_token text": lambda *_: "not.a.token",
    "bad_token deep": lambda *_: f"{encode(b'[' * 100_000)}.{encode({})}.x",
    "bad_token long": lambda fake, claims: signed_loosely({**claims, "x": "y" * 150_000}, fake.key),
    "no_id_token": lambda *_: None,  # type: ignore[dict-item]
}
WRONG: dict[str, Claims] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another"},
    "no audience": {"aud": None},
    "several audiences, not said for whom": {"aud": [CLIENT, "another"]},
    "for another of them": {"aud": [CLIENT, "another"], "azp": "another"},
    "another nonce": {"nonce": "of another browser"},
    "no nonce": {"nonce": None},
    "issued tomorrow": {"iat": int(time.time()) + 86_400},
    "not valid yet": {"nbf": int(time.time()) + 86_400},
    "no end": {"exp": None},
    "an end that is none": {"exp": "never"},
    "an infinite end": {"exp": float("inf")},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a number as subject": {"sub": 7},
    "a huge subject": {"sub": "x" * 256},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "an access token's hash that is none": {"at_hash": {"a": 1}},
}


def reasons(output: str) -> list[str]:
    return [line for line in output.splitlines() if '"oidc refused"' in line]


def test_a_forged_token_opens_nothing(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    before = clinic.stored()
    for name, make in FORGED.items():
        clinic.fake.token = partial(make, clinic.fake)
        assert clinic.refused(**STAFF) == "oidc_refused", name
        (line,) = reasons(capsys.readouterr().err)
        assert f'"reason": "{name.split(maxsplit=1)[0]}"' in line
        assert "Byron" not in line
        assert "ada" not in line
    assert clinic.stored() == before


def test_a_token_with_a_wrong_claim_opens_nothing(clinic: Clinic) -> None:
    before = clinic.stored()
    for name, claims in WRONG.items():
        assert clinic.refused(**STAFF, **claims) == "oidc_refused", name
    assert clinic.stored() == before


def test_the_clocks_may_differ_by_a_minute_and_no_more(clinic: Clinic) -> None:
    now = int(time.time())
    for ahead in (30, -30):
        assert clinic.enter(**STAFF, iat=now + ahead, exp=now - 30).status_code == 200
    assert clinic.refused(**STAFF, exp=now - 120) == "oidc_refused"
    assert clinic.refused(**STAFF, iat=now + 120) == "oidc_refused"


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_other_safe_algorithms_are_taken(clinic: Clinic, alg: str) -> None:
    key = jwk.ECKey.generate_key("P-256", {"kid": "ec"}) if alg == "ES256" else rsa_key("one")
    clinic.fake.published = [key]
    clinic.fake.token = lambda claims: signed(claims, key, alg=alg)
    assert clinic.enter(**STAFF).status_code == 200


def test_a_new_key_is_asked_for_once_and_an_unknown_one_not_without_end(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = clinic.fake
    assert clinic.enter(**STAFF).status_code == 200
    assert fake.seen.count("/jwks") == 1
    fake.key = rsa_key("two")
    fake.published = [rsa_key("one"), fake.key]
    assert clinic.refused(**STAFF) == "oidc_refused"  # asked a moment ago
    assert fake.seen.count("/jwks") == 1
    monkeypatch.setattr(speaking, "NEW_KEYS_AFTER_S", 0.0)
    assert clinic.enter(**STAFF).status_code == 200
    assert fake.seen.count("/jwks") == 2
    monkeypatch.undo()
    fake.token = lambda claims: signed(claims, rsa_key("three"))
    for _ in range(3):
        assert clinic.refused(**STAFF) == "oidc_refused"
    assert fake.seen.count("/jwks") == 2
    assert fake.seen.count(DISCOVERY) == 1


def test_keys_that_are_none_for_us_are_left_out(clinic: Clinic) -> None:
    fake = clinic.fake
    own = fake.key.as_dict(private=False)
    others = [
        {"kty": "AKP", "kid": "pq"},
        {"kty": "RSA", "kid": "broken"},
        7,
        {**own, "use": "enc"},
    ]
    fake.behave["/jwks"] = lambda call: call.say({"keys": [*others, own]})
    assert clinic.enter(**STAFF).status_code == 200


def test_each_way_is_gone_once_and_in_one_browser(clinic: Clinic) -> None:
    clinic.fake.claims = STAFF
    asked = clinic.begin()
    thief = clinic.app.test_client()
    query = {"code": "a-code", "state": asked.state}
    elsewhere = thief.get("/auth/oidc/hospital/callback", query_string=query)
    assert elsewhere.headers["Location"] == "/#/login/oidc_expired"
    for state in ("", "wrong", asked.state[:-1], "é"):
        assert clinic.come_back(asked, state=state) == "/#/login/oidc_expired"
    assert clinic.fake.tokens_sent == []
    assert clinic.come_back(asked) == "/#/back"
    assert clinic.come_back(asked) == "/#/login/oidc_expired"  # replayed
    assert thief.post("/auth/oidc/finish", json={}).get_json()["code"] == "oidc_expired"
    assert clinic.finish().status_code == 200
    assert clinic.finish().get_json()["code"] == "oidc_expired"


def test_of_many_answers_at_once_one_counts(clinic: Clinic) -> None:
    answer = clinic.client.post("/auth/oidc/hospital/start", json={})
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    asked = clinic.fake.asked = Asked.from_address(answer.get_json()["address"])
    clinic.fake.claims = {**STAFF, "nonce": asked.nonce}
    query = {"code": "a-code", "state": asked.state}

    def come_back(_: int) -> str:
        client = clinic.app.test_client(use_cookies=False)
        path = "/auth/oidc/hospital/callback"
        return str(client.get(path, query_string=query, headers={"Cookie": cookie}).location)

    with ThreadPoolExecutor(8) as pool:
        places = Counter(pool.map(come_back, range(16)))
    assert places == {"/#/back": 1, "/#/login/oidc_expired": 15}
    assert len(clinic.fake.tokens_sent) == 1


def test_nothing_that_opens_anything_stands_in_an_address_or_in_the_store(clinic: Clinic) -> None:
    clinic.fake.claims = STAFF
    answer = clinic.client.post("/auth/oidc/hospital/start", json={})
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    secret = cookie.partition("=")[2].partition(";")[0]
    asked = clinic.begin()
    assert secret not in str(clinic.stored())
    assert asked.nonce not in str(clinic.stored())
    assert asked.query["code_challenge_method"] == "S256"
    assert asked.query["scope"] == "openid email profile"
    place = clinic.come_back(asked)
    assert place == "/#/back"
    assert len(clinic.fake.tokens_sent[0]["code_verifier"][0]) == 43


def test_in_production_no_other_host_can_set_the_cookie(open_clinic: Callable[..., Clinic]) -> None:
    clinic = open_clinic(public_url="https://skin.example")
    answer = clinic.client.post("/auth/oidc/hospital/start", json={})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert "redirect_uri=https%3A%2F%2Fskin.example%2Fauth" in answer.get_json()["address"]


def test_the_answer_of_another_provider_is_a_mix_up(
    open_clinic: Callable[..., Clinic], fake: FakeProvider
) -> None:
    known = fake.settings()["oidc_providers"][1:-1]
    other = known.replace("hospital", "other").replace(fake.issuer, "https://other.example")
    clinic = open_clinic(oidc_providers=f"[{known}, {other}]")
    clinic.fake.claims = {"groups": None}
    asked = clinic.begin()
    assert clinic.come_back(asked, iss="https://other.example") == "/#/login/oidc_refused"
    assert clinic.come_back(asked, "other") == "/#/login/oidc_expired"
    fake.metadata = {"authorization_response_iss_parameter_supported": True}
    speaker: Any = clinic.services.get(OidcService).providers["hospital"]
    speaker._metadata = None
    asked = clinic.begin()
    assert clinic.come_back(asked) == "/#/login/oidc_refused"
    assert clinic.come_back(asked, iss=fake.issuer) == "/#/back"
    assert len(fake.tokens_sent) == 1


def test_what_the_provider_refuses_is_refused(clinic: Clinic) -> None:
    before = clinic.kept()
    assert clinic.come_back(clinic.begin(), error="access_denied") == "/#/login/oidc_expired"
    asked = clinic.begin()
    clinic.fake.asked = None
    assert clinic.come_back(asked) == "/#/login/oidc_refused"
    assert clinic.kept() == before


DOWN: dict[str, Callable[[Any], None]] = {
    "hangs": hang,
    "drips": drip,
    "huge": lambda call: call.say(b"[" + b"1," * 10_000_000),
    "many values": lambda call: call.say(b"[" + b"[]," * 50_000),
    "an error": lambda call: call.say({}, 500),
    "elsewhere": lambda call: call.say({}, 302, {"Location": "http://169.254.169.254/"}),
    "no JSON": lambda call: call.say(b"<html>"),
    "a list": lambda call: call.say([]),
}


@pytest.mark.parametrize(
    ("place", "how"),
    [*((DISCOVERY, how) for how in DOWN), ("/jwks", "many values"), ("/token", "drips")],
)
def test_a_provider_that_is_down_is_a_sentence(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, place: str, how: str
) -> None:
    monkeypatch.setattr(speaking, "DEADLINE_S", 0.3)
    before = clinic.kept()
    clinic.fake.claims = STAFF
    asked = None if place == DISCOVERY else clinic.begin()
    clinic.fake.behave[place] = DOWN[how]
    if asked:
        assert clinic.come_back(asked) == "/#/login/oidc_unavailable"
    else:
        for _ in range(3):  # it is not asked again at once
            answer = clinic.client.post("/auth/oidc/hospital/start", json={})
            assert (answer.status_code, answer.get_json()["code"]) == (503, "oidc_unavailable")
        assert clinic.fake.seen == [DISCOVERY]
    assert clinic.kept() == before
    assert clinic.admin()  # with a password


ELSEWHERE: tuple[Claims, ...] = (
    *({"issuer": "https://evil.example"}, {"issuer": None}, {"token_endpoint": None}),
    {"token_endpoint": "http://10.0.0.1/token"},
    {"token_endpoint": "http://127.0.0.1@evil.example/token"},
    {"jwks_uri": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"authorization_endpoint": "https://evil.example/\r\nX: y"},
    {"end_session_endpoint": "https://:99999999/"},
)


def test_a_discovery_that_names_other_places_is_not_believed(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "RETRY_AFTER_S", 0.0)
    for metadata in ELSEWHERE:
        clinic.fake.metadata = metadata
        answer = clinic.client.post("/auth/oidc/hospital/start", json={})
        told = (answer.status_code, answer.get_json()["code"])
        assert told == (503, "oidc_unavailable"), metadata


def test_a_wrong_secret_is_said_to_the_operator_alone(
    open_clinic: Callable[..., Clinic], capsys: pytest.CaptureFixture[str]
) -> None:
    clinic = open_clinic(oidc_secrets='{"hospital": "wrong"}')
    assert clinic.refused(**STAFF) == "oidc_refused"
    assert '"reason": "bad_client"' in capsys.readouterr().err


def test_a_bad_answer_is_never_our_fault(clinic: Clinic) -> None:
    for query in ("code=a&code=b", f"code={'x' * 5000}", "code=%FF%00", "iss="):
        answer = clinic.client.get(f"/auth/oidc/hospital/callback?{query}")
        assert answer.status_code in (303, 400)
