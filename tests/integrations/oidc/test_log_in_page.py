import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from skinapi.integrations.oidc.settings import read_providers
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.integrations.docs_commands import run_page
from tests.integrations.oidc.fake_provider import CLIENT, SECRET
from tests.integrations.oidc.mock_process import mock_provider
from tests.repository.documents import blocks
from tests.served.people import Seeder
from tests.served.server import Server, serving

PAGE = "docs/integrate/log_in.md"
ADA = {
    "sub": "ada",
    "email": "ada@clinic.example",
    "email_verified": True,
    "name": "Ada Byron",
    "groups": ["staff"],
}
IN = ".top a[href='#/account']"
OUT = ".top a[href='#/login']"


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with mock_provider(ADA) as address:
        yield address


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, carded_model: Path, mock: str
) -> Iterator[Server]:
    common = {"client_id": CLIENT, "roles": {"staff": "user", "derm-doctors": "doctor"}}
    providers = [
        {"name": "hospital", "label": "Hôpital du Lac", "issuer": mock, **common},
        {"name": "down", "label": "Closed Hospital", "issuer": "http://127.0.0.1:9", **common},
    ]
    settings = {
        "MODEL_PATH": str(carded_model),
        "OIDC_PROVIDERS": json.dumps(providers),
        "OIDC_SECRETS": json.dumps({"hospital": SECRET}),
    }
    with serving(tmp_path_factory.mktemp("clinic"), settings, workers=1) as server:
        yield server


def sessions(seeder: Seeder, email: str) -> int:
    account = seeder.accounts.find_by_email(email)
    assert account
    opened = seeder.services.store.collection("sessions").find({"account": account.id})
    return sum(item["provider"] is not None for item in opened)


def test_the_page_for_operators_works_as_written(
    server: Server, seeder: Seeder, tmp_path: Path
) -> None:
    (settings,) = [block.text for block in blocks("") if block.page == PAGE]
    named = dotenv_values(stream=StringIO(settings))
    (provider,) = read_providers(named["OIDC_PROVIDERS"], named["OIDC_SECRETS"])
    assert (provider.name, bool(provider.secret)) == ("hospital", True)
    old, admin = seeder.person("doctor"), seeder.person("admin")
    said = run_page(PAGE, server, tmp_path, ADMIN_TOKEN=admin.token, EMAIL=old.email)
    assert f'"redirect_uri":"http://127.0.0.1:{server.port}/auth/oidc/hospital/callback"' in said
    assert "may log in at hospital" in said
    assert seeder.accounts.get(old.id).link_allowed == "hospital"


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_somebody_logs_in_at_a_real_provider_and_out_on_both_sides(
    visitor: Visitor, seeder: Seeder, look: Look, mock: str
) -> None:
    journey = Journey(visitor, "clinic", look)
    visitor.open("/#/login")
    journey.press("logInAt", name="Closed Hospital")
    journey.see("error_oidc_unavailable")
    journey.step("down", expected=("503",))
    journey.press("logInAt", name="Hôpital du Lac")
    visitor.press("button[value=ada]")
    visitor.find(IN)
    here = "return location.hash"
    visitor.await_truth(lambda: visitor.run(here) == "#/spots", "where a patient begins")
    # What the pages of the provider, another program, look for.
    journey.step("in", expected=("picocss", f"{mock}/favicon.ico"))
    visitor.go("account")
    journey.see("accountOf", name="Hôpital du Lac")
    journey.step("account")
    assert visitor.count("[name=current]") == 0
    assert sessions(seeder, "ada@clinic.example") == 1
    visitor.press(".top .log-out")
    visitor.find("input[name=redirect_uri]")  # at the provider, who asks
    assert visitor.run("return location.origin") == mock
    visitor.press("button[type=submit]")
    visitor.find(OUT)
    visitor.await_truth(lambda: sessions(seeder, "ada@clinic.example") == 0, "the log-out here")
    assert visitor.run("return sessionStorage.length") == 0
