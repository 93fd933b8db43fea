import json
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.safety import faults_of
from skinapi.integrations.oidc.settings import read_providers
from tests.support.backends import Backend, settings_in

RIGHT = {"name": "hospital", "issuer": "https://login.example/realms/a", "client_id": "skinapi"}


def named(*providers: dict[str, Any]) -> str:
    return json.dumps([{**RIGHT, **provider} for provider in providers])


def test_each_provider_gets_its_secret() -> None:
    other = {"name": "other", "issuer": "http://127.0.0.1:9", "label": "Other", "acr": ["2"]}
    one, two = read_providers(named({}, other), '{"hospital": "s3cret"}')
    assert one.secret
    assert one.secret.get_secret_value() == "s3cret"
    assert (one.shown_name, two.shown_name, two.secret, two.acr) == (
        "hospital",
        "Other",
        None,
        ("2",),
    )
    assert "s3cret" not in repr(one)


WRONG: tuple[dict[str, Any], ...] = (
    *({"name": "Hospital"}, {"name": "../x"}, {"issuer": "http://login.example"}),
    *({"issuer": f"https://{place}"} for place in ("login.example/?t=1", "user@login.example")),
    *({"issuer": "login.example"}, {"roles": {"a": "boss"}}, {"roles": {"": "doctor"}}),
    *({"scopes": "email"}, {"groups": ["a"]}, {"secret": "s3cret"}),
)
SEVERAL = (named({}, {}), named({}, {"name": "other"}))
TOO_MANY = named(*({"name": f"n{n}", "issuer": f"https://i{n}.example"} for n in range(9)))


def test_what_is_wrong_is_said_without_the_value(tmp_path: Path) -> None:
    secrets = '{"hospital": "s3cret"}'
    for text in ("hospital", "{}", "[7]", *map(named, WRONG), *SEVERAL, TOO_MANY):
        (fault,) = faults_of(settings_in(tmp_path, oidc_providers=text, oidc_secrets=secrets))
        assert fault.startswith("OIDC_"), text
        assert "s3cret" not in fault


@pytest.mark.parametrize(
    "text", ["s3cret", '["s3cret"]', '{"other": "s3cret"}', '{"hospital": ""}']
)
def test_a_secret_that_is_of_no_provider_is_refused(text: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        read_providers(named({}), text)
    assert "s3cret" not in refused.value.detail


@pytest.mark.parametrize("removed", [{"linking": "never"}, {"approval": "by_admin"}])
def test_who_gets_in_without_a_removed_field_is_said(removed: dict[str, str]) -> None:
    with pytest.raises(UnsafeSettings, match="a group of roles approves a new account"):
        read_providers(named(removed), None)


def test_without_a_provider_nothing_is_there(tmp_path: Path) -> None:
    backend = Backend(tmp_path / "instance")
    page = backend.client.get("/", headers={"Accept": "text/html"}).text
    assert "log-ins" not in page
    assert backend.client.post("/auth/oidc/hospital/start", json={}).status_code == 404
    assert backend.client.post("/auth/oidc/finish", json={}).status_code == 403
    assert backend.admin().call("GET", "/integrations/oidc").get_json() == []


def test_the_page_says_the_labels_and_no_more(tmp_path: Path) -> None:
    label = '"><script>'
    settings: Any = {
        "oidc_providers": named({"label": label}),
        "oidc_secrets": '{"hospital": "s3cret"}',
    }
    backend = Backend(tmp_path / "instance", **settings)
    page = backend.client.get("/", headers={"Accept": "text/html"}).text
    assert "<script>" not in page.replace('<script type="module"', "")
    assert "log-ins" in page
    assert not any(word in page for word in ("s3cret", "login.example", "client"))
