"""A doctor whose role needs a second factor sets one up, logs in with it, and loses the device."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from skinapi.accounts.auth.accounts import SecondFactor
from skinapi.accounts.auth.passwords import Passwords
from skinapi.accounts.auth.second_factor import code_at, step_of
from skinapi.platform.storage.ids import now
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.support.backends import PASSWORD, change_account


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, carded_model: Path) -> Iterator[Server]:
    settings = {"REQUIRE_SECOND_FACTOR": "doctor", "MODEL_PATH": str(carded_model)}
    with serving(tmp_path_factory.mktemp("factor"), settings, workers=1) as server:
        yield server


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    person = seeder.person("doctor")
    hashed = Passwords().hash(PASSWORD)
    change_account(seeder.services, person.id, password_hash=hashed)
    return person


def code(secret: str, *, later: int = 0) -> str:
    return code_at(base64.b32decode(secret), step_of(now() + timedelta(seconds=later)))


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_a_doctor_sets_it_up_logs_in_with_it_and_removes_it(
    visitor: Visitor, doctor: Caller, look: Look
) -> None:
    journey = Journey(visitor, "second-factor", look)
    visitor.enter(doctor, "doctor")
    journey.see("error_second_factor_required")
    journey.step("closed", expected=("403", "queue"))
    visitor.press(".message a.button")
    secret, recovery = set_up(journey)
    visitor.press(".top .log-out")
    log_in(journey, doctor, secret)
    visitor.go("account")
    visitor.press("details.factor summary")
    visitor.type(factorPassword=PASSWORD, code=recovery[0].upper())
    journey.step("remove")
    visitor.press("details.factor .primary")
    journey.see("factorMissing")


def set_up(journey: Journey) -> tuple[str, list[str]]:
    """The secret and the recovery codes, as the pages show them."""
    visitor = journey.visitor
    journey.see("factorMissing")
    journey.step("missing", expected=("403",))
    visitor.type(factorPassword=PASSWORD)
    journey.press("showQrCode")
    secret = visitor.find(".key").text.replace(" ", "")
    visitor.type(code="000000")
    journey.step("scan")
    journey.press("confirmCode")
    journey.see("error_wrong_code")
    visitor.type(code=code(secret))
    journey.press("confirmCode")
    # What is in a dialog that is not open yet has no text.
    recovery = visitor.read("dialog .secret").split()
    file = str(visitor.find("dialog a[download]").get_attribute("href"))
    assert file.endswith("%0A".join(recovery))
    journey.step("recovery", expected=("/confirm",))
    visitor.press("dialog .primary")
    journey.see("factorIsOn", count=str(len(recovery)))
    journey.see("title_my-data")
    journey.step("on")
    return secret, recovery


def log_in(journey: Journey, doctor: Caller, secret: str) -> None:
    visitor = journey.visitor
    visitor.go("login")
    visitor.type(email=doctor.email, password=PASSWORD)
    visitor.press("form .primary")
    visitor.find("[name=code]")
    assert visitor.run("return document.activeElement.name") == "code"
    journey.step("code", expected=("/login",))
    visitor.press("form .primary")
    journey.see("error_code_required")
    visitor.type(code=code(secret, later=30))
    visitor.press("form .primary")
    visitor.find(".top a[href='#/account']")
    journey.step("in", expected=("/login",))


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_an_admin_removes_that_of_a_doctor_who_lost_the_device(
    visitor: Visitor, seeder: Seeder, doctor: Caller, look: Look
) -> None:
    journey = Journey(visitor, "second-factor-admin", look)
    factor = SecondFactor(salt="of the test", confirmed=True)
    change_account(seeder.services, doctor.id, second_factor=factor)
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("accounts")
    journey.press("all", within="tabs")
    visitor.choose("role", "doctor")
    journey.see("hasSecondFactor")
    visitor.press_in_row(doctor.email, journey.say("manage"))
    journey.press("removeFactor", within="managed")
    journey.step("ask")
    visitor.press("dialog .danger")
    visitor.await_truth(lambda: doctor.email in visitor.find(".toasts").text, "the name of whom")
    visitor.see_none(journey.say("hasSecondFactor"))
    assert not seeder.accounts.get(doctor.id).has_second_factor
