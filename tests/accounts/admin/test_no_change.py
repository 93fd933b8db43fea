"""A change that changes nothing writes nothing: no row of the audit trail, and no new revision."""

from typing import Any

import pytest

from tests.support.backends import Backend

EMAIL = "ada@example.org"


@pytest.mark.parametrize(
    ("method", "path", "body", "account"),
    [
        ("PATCH", "approve", {}, {}),
        ("PATCH", "approve", {"role": "doctor"}, {"role": "doctor"}),
        ("PATCH", "unapprove", {}, {"status": "waiting"}),
        ("PATCH", "suspend", {}, {"status": "suspended"}),
        ("PUT", "role", {"role": "researcher"}, {"role": "researcher"}),
        ("PUT", "doctor", {"doctor": None}, {}),
    ],
)
def test_an_account_that_is_as_wanted_is_left_as_it_is(
    backend: Backend, method: str, path: str, body: dict[str, Any], account: dict[str, Any]
) -> None:
    admin = backend.admin()
    backend.member(EMAIL, **account)
    before = backend.stored()
    answer = admin.call(method, f"/users/{EMAIL}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert backend.stored() == before


def test_consents_that_are_given_already_are_left_as_they_are(backend: Backend) -> None:
    person = backend.member(consents={"photos": True})
    before = backend.stored()
    for consents in ({"photos": True}, {}):
        assert person.call("PUT", "/me/consents", json=consents).status_code == 200
    assert backend.stored() == before
