import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integrations.oidc.clinic import Clinic
from tests.integrations.oidc.fake_provider import CLIENT, rsa_key, signed
from tests.support.backends import Person

STAFF = {"groups": ["staff"]}
PATH = "/auth/oidc/hospital/logout"


def send(clinic: Clinic, token: str) -> tuple[int, str]:
    answer = clinic.client.post(PATH, data={"logout_token": token})
    return answer.status_code, answer.get_json().get("code", "")


def is_in(person: Person) -> bool:
    return person.call("GET", "/me").status_code == 200


def test_the_console_learns_where_one_logs_out(clinic: Clinic) -> None:
    address = urlsplit(clinic.enter(**STAFF).get_json()["log_out"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{clinic.fake.issuer}/end"
    asked = {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{clinic.settings.address}/"]}
    assert parse_qs(address.query) == asked


def test_a_session_that_ends_there_ends_here(clinic: Clinic) -> None:
    one, other = clinic.entered(**STAFF, sid="one"), clinic.entered(**STAFF, sid="two")
    assert send(clinic, clinic.fake.log_out_token(sid="one", sub="ada")) == (200, "")
    assert (is_in(one), is_in(other)) == (False, True)


def test_all_sessions_of_a_person_end_but_none_of_others(clinic: Clinic) -> None:
    ada = [clinic.entered(**STAFF, sid="one"), clinic.entered(**STAFF)]
    bob = clinic.entered(**STAFF, sub="bob", email="bob@clinic.example")
    assert send(clinic, clinic.fake.log_out_token(sub="ada")) == (200, "")
    assert [is_in(item) for item in [*ada, bob]] == [False, False, True]
    assert ("account.logout", "done") in clinic.actions()


@pytest.mark.parametrize("about", [{"sid": "one"}, {"sub": "ada"}])
def test_who_is_logged_out_there_on_the_way_back_is_not_logged_in_here(
    clinic: Clinic, about: dict[str, str]
) -> None:
    clinic.fake.claims = {**STAFF, "sid": "one"}
    assert clinic.come_back(clinic.begin()) == "/#/back"
    assert send(clinic, clinic.fake.log_out_token(**about)) == (200, "")
    assert clinic.finish().get_json()["code"] == "oidc_expired"


def test_a_session_with_a_password_goes_on(clinic: Clinic) -> None:
    clinic.entered(groups=["skin-admins"])
    admin = clinic.admin()
    assert send(clinic, clinic.fake.log_out_token(sub="nobody")) == (200, "")
    assert is_in(admin)


def test_a_log_out_token_counts_once(clinic: Clinic) -> None:
    token = clinic.fake.log_out_token(sub="ada", exp=None)
    assert send(clinic, token) == (200, "")
    assert send(clinic, token) == (400, "oidc_refused")


WRONG: tuple[dict[str, Any], ...] = (
    *({"events": None}, {"events": {"http://schemas.openid.net/event/other": {}}}),
    {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
    *({"nonce": "of an ID token"}, {"sub": None}, {"sub": 7}, {"jti": None}, {"jti": 7}),
    *({"iat": None}, {"iat": int(time.time()) - 3600, "exp": None}),
    *({"exp": int(time.time()) - 300}, {"iss": "https://evil.example"}, {"aud": "another"}),
)


def test_what_is_no_log_out_token_ends_nothing(clinic: Clinic) -> None:
    ada = clinic.entered(**STAFF)
    before = clinic.stored()
    for claims in WRONG:
        token = clinic.fake.log_out_token(**{"sub": "ada", **claims})
        assert send(clinic, token) == (400, "oidc_refused"), claims
    assert clinic.stored() == before
    assert is_in(ada)


def test_a_forged_one_ends_nothing(clinic: Clinic) -> None:
    ada = clinic.entered(**STAFF)
    right = clinic.fake.id_claims()
    for token in (signed(right, clinic.fake.key), signed(right, rsa_key("thief"), kid="one"), "x"):
        assert send(clinic, token) == (400, "oidc_refused")
    assert clinic.client.post(PATH, data={}).status_code == 400
    assert clinic.client.post(PATH, json={"logout_token": "x"}).status_code == 400
    assert is_in(ada)


def test_a_provider_whose_keys_cannot_be_had_is_not_asked_for_them_by_each_request(
    clinic: Clinic,
) -> None:
    clinic.fake.behave["/jwks"] = lambda call: call.say({}, 500)
    for _ in range(3):
        assert send(clinic, clinic.fake.log_out_token(sub="ada")) == (503, "oidc_unavailable")
    assert clinic.fake.seen.count("/jwks") == 1
