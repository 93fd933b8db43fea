"""Log-in with the clinic's accounts in a browser: there, back, and out on both sides."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from dotenv import dotenv_values

from skinapi.accounts.auth.accounts import SecondFactor
from skinapi.accounts.auth.second_factor import hash_recovery_code
from skinapi.base.settings.log_in_providers import read_providers
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.integrations.docs_commands import run_page
from tests.integrations.oidc.fake_provider import CLIENT, SECRET, FakeProvider, running_provider
from tests.integrations.oidc.mock_process import mock_provider
from tests.repository.documents import blocks
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.support.backends import change_account

PAGE = "docs/integrate/log_in.md"
ADA = {
    "sub": "ada",
    "email": "ada@clinic.example",
    "email_verified": True,
    "name": "Ada Byron",
    "groups": ["staff"],
}
NARROW = (320, 640)  # WCAG 1.4.10
RECOVERY = "aaaa-bbbb-cccc-dddd"
IN = ".top a[href='#/account']"
OUT = ".top a[href='#/login']"


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with mock_provider(ADA) as address:
        yield address


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, carded_model: Path, mock: str, fake: FakeProvider
) -> Iterator[Server]:
    common = {"client_id": CLIENT, "roles": {"staff": "user", "derm-doctors": "doctor"}}
    providers = [
        {"name": "hospital", "label": "Hôpital du Lac", "issuer": mock, **common},
        {"name": "fake", "label": "Test Hospital", "issuer": fake.issuer, **common},
        {
            "name": "down",
            "label": "Closed Hospital",
            "issuer": "http://127.0.0.1:9",
            **common,
            "linking": "never",
        },
    ]
    settings = {
        "MODEL_PATH": str(carded_model),
        "OIDC_PROVIDERS": json.dumps(providers),
        "OIDC_SECRETS": json.dumps({"hospital": SECRET, "fake": SECRET}),
    }
    with serving(tmp_path_factory.mktemp("clinic"), settings, workers=1) as server:
        yield server


def sessions(seeder: Seeder, email: str) -> int:
    """How many a provider has opened for this person."""
    account = seeder.accounts.find_by_email(email)
    assert account
    opened = seeder.services.store.collection("sessions").find({"account": account.id})
    return sum(one["provider"] is not None for one in opened)


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


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_log_out_there_ends_the_session_here_and_one_comes_back(
    visitor: Visitor, seeder: Seeder, look: Look, fake: FakeProvider
) -> None:
    fake.claims = {"sub": "grace", "email": "grace@clinic.example", "groups": ["derm-doctors"]}
    journey = Journey(visitor, "clinic-out", look)
    visitor.open("/#/login")
    journey.press("logInAt", name="Test Hospital")
    visitor.find(IN)
    visitor.go("patients")
    journey.see("title_patients")
    body = f"logout_token={fake.log_out_token(sub='grace')}".encode()
    with urlopen(
        Request(f"http://127.0.0.1:{seeder.server.port}/auth/oidc/fake/logout", body)
    ) as answer:
        assert answer.status == 200
    visitor.go("account")
    visitor.find("dialog.veil")
    journey.step("veil", still=False, expected=("401",))
    assert sessions(seeder, "grace@clinic.example") == 0
    journey.press("logInAt", within="veil", name="Test Hospital")
    journey.see("accountOf", name="Test Hospital")
    assert visitor.run("return location.hash") == "#/account"
    visitor.see_none(journey.say("sessionEnded"))


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_an_admin_lets_an_account_log_in_there(
    visitor: Visitor, seeder: Seeder, look: Look, fake: FakeProvider
) -> None:
    old = seeder.person("doctor")
    fake.claims = {"sub": old.id, "email": old.email, "groups": ["derm-doctors"]}
    journey = Journey(visitor, "clinic-link", look)
    visitor.open("/#/login")
    journey.press("logInAt", name="Test Hospital")
    journey.see("error_oidc_not_linked")
    journey.step("not-linked")
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go(f"accounts?status=approved&q={old.email}")
    visitor.press_in_row(old.email, journey.say("manage") if not journey.on_phone else "⋯")
    visitor.see(journey.say("allowLogIn", name="Test Hospital"))
    visitor.see_none(journey.say("allowLogIn", name="Closed Hospital"))
    journey.press("allowLogIn", within="managed", name="Test Hospital")
    journey.step("ask")
    visitor.press("dialog .primary, dialog .danger")
    journey.see("mayLogInAt", name="Test Hospital")
    journey.step("allowed")
    visitor.go("integrations/log_in")
    journey.see("providerAnswers")
    journey.see("providerDown")
    journey.step("providers")
    visitor.look(NARROW, language=look.language)
    visitor.assert_nothing_overflows()
    visitor.press(".top .log-out")
    visitor.open("/#/login")
    visitor.find(".log-ins button")
    visitor.assert_nothing_overflows()
    journey.press("logInAt", name="Test Hospital")
    visitor.find(IN)
    assert seeder.accounts.get(old.id).provider == "fake"


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_who_waits_reads_so_and_who_has_a_second_factor_gives_its_code(
    visitor: Visitor, seeder: Seeder, look: Look, fake: FakeProvider
) -> None:
    email = f"hopper-{look}@clinic.example"
    fake.claims = {"sub": email, "email": email, "groups": []}
    journey = Journey(visitor, "clinic-code", look)
    visitor.open("/#/login")
    journey.press("logInAt", name="Test Hospital")
    journey.see("waitingTitle")
    journey.step("waits", expected=("403",))
    account = seeder.accounts.find_by_email(email)
    assert account
    factor = SecondFactor(salt="x", confirmed=True, recovery=(hash_recovery_code(RECOVERY),))
    change_account(seeder.services, account.id, status="approved", second_factor=factor)
    visitor.open("/#/login")
    journey.press("logInAt", name="Test Hospital")
    visitor.type(code="000000")
    journey.step("code", expected=("403",))
    visitor.press("form .primary")
    journey.see("error_wrong_code")
    visitor.type(code=RECOVERY)
    visitor.press("form .primary")
    visitor.find(IN)
